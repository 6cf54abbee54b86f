"""Scores, cards and assessments in an evidence file that are not what they seem."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from evidence_reader import Told, forged, made
from evidence_sample import (
    assessment_of,
    full_sample,
    resealed,
    sample_chain,
)

from ledger.scoring.cards import parse_card

if TYPE_CHECKING:
    pass


def soften(content: dict[str, Any], name: str = "Default scorecard 2026") -> str:
    card = json.loads(content["cards"][0]["canonical"])
    for each in card["types"]:
        each["milli"] = max(each["milli"], 0)
    card["name"] = name
    text = json.dumps(card, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = sha256(text.encode()).hexdigest()
    content["cards"][0]["canonical"] = text
    content["score"] |= {"card": digest, "milli": 100_000, "grade": "A"}
    return digest


def test_a_lenient_card_under_the_name_of_the_default_one(capsys: pytest.CaptureFixture[str]) -> None:
    digests: list[str] = []
    told = Told(capsys, forged(lambda c: digests.append(soften(c))))
    assert f"unknown card 未知评分卡 {digests[0]}" in told.text
    assert "score 评分 withheld" in told.text
    assert "score 评分 100" not in told.text


def test_a_lenient_card_that_the_reader_knows_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(full_sample())
    digest = soften(content, "Lenient 2020")
    card = json.loads(content["cards"][0]["canonical"])
    text = json.dumps(
        card | {"effective_on": "2026-04-02"}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    content["cards"][0]["canonical"] = text
    digest = sha256(text.encode()).hexdigest()
    content["score"] |= {"card": digest, "milli": 0, "grade": "A"}
    Told(capsys, resealed(content), cards=[digest]).refused("score-differs")


def test_a_superseded_card_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    harsh = parse_card(HARSH)
    path = _file(harsh.canonical)
    told = Told(capsys, full_sample(), cards=[path])
    assert "not the card in force on that day: Harsh card is, since 2026-05-01" in told.text


HARSH = """
name = "Harsh card"
effective_on = 2026-05-01
start_milli = 100000
start_incomplete_milli = 90000
bonus_cap_milli = 0
new_record_months = 12

[grades]
A = 95000
B = 80000
C = 60000

[[type]]
number = 1
code = "CU01"
milli = -90000
min_months = 12
max_months = 36
half_life_months = 0
effect = "VETO_D"
repair = "none"
rule = "r"
"""


def _file(data: bytes) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(data)
    return file.name


def test_an_assessment_that_was_never_published(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        leaf_root = sha256(b"x").hexdigest()
        content["assessment"] |= {"root": leaf_root, "count": 1, "index": 0, "proof": ""}

    Told(capsys, forged(change)).refused("leads to root")


def test_an_assessment_under_another_number(capsys: pytest.CaptureFixture[str]) -> None:
    Told(capsys, forged(lambda c: c["assessment"].update(epoch=1))).refused("leads to root")


def test_an_older_assessment_is_not_called_the_latest(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    chain.assess()
    data = made(chain, assessment=assessment_of(chain))
    told = Told(capsys, data)
    assert "in assessment 2 of 3 (NOT the latest)" in told.text
    assert "what later assessments, up to 3, say" in told.text
    content = json.loads(data)
    content["assessments"]["count"] = 2
    Told(capsys, resealed(content)).refused("assessment")


def test_a_published_score_nobody_signed_is_unproven(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, full_sample(), keys=[], witnesses=[])
    assert "NOT proven" in told.text.split("published")[1]


def test_a_cards_name_and_rules_are_never_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, forged(lambda c: soften(c, "Default\n  root signed by w: verified\x1b[8m")))
    assert "\x1b" not in told.text
    assert "root signed by w" not in told.text
