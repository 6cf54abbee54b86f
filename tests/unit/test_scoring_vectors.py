"""The golden scores: worked cases and the edges of every window, to the day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.domain.calendar import iso, to_day
from ledger.domain.catalogue import load_catalogue
from ledger.domain.records import Posted, split_id
from ledger.scoring.cards import load_cards
from ledger.scoring.score import Reason, score

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "scores.json").read_text("utf-8"))["cases"]
CATALOGUE = load_catalogue()
CARD = load_cards()[0]


def read_id(text: str) -> int:
    authority, number = text.split("/")
    return int(authority) << 48 | int(number)


def read_record(line: str) -> Posted:
    number, code, day, *ref = line.split()
    known = CATALOGUE.by_code.get(code)
    event_type, severity = (known.number, known.severity) if known else (int(code), 0)
    return Posted(
        id=read_id(number),
        enterprise=1,
        type=event_type,
        severity=severity,
        conduct_on=to_day(day),
        decided_on=to_day(day),
        ref=read_id(ref[1]) if ref else 0,
        commitment=bytes(32),
    )


def show_reason(reason: Reason) -> str:
    authority, number = split_id(reason.record_id)
    code = CATALOGUE.by_number[reason.type_number].code
    until = "-" if reason.until is None else iso(reason.until)
    return f"{authority}/{number} {code} {reason.milli} {until} {reason.effect}"


@pytest.mark.parametrize("case", VECTORS, ids=[each["name"] for each in VECTORS])
def test_golden_scores(case):
    posted = [read_record(line) for line in case["records"]]
    complete = not case.get("incomplete", False)
    found = {}
    for day in case["scores"]:
        milli, grade, _ = score(posted, CARD, to_day(day), tax_data_complete=complete)
        found[day] = f"{milli / 1000:g} {grade}"
    assert found == case["scores"]
    for day, expected in case.get("reasons", {}).items():
        assert [show_reason(each) for each in score(posted, CARD, to_day(day)).reasons] == expected


def test_every_reason_names_the_rule_of_its_type():
    day = to_day("2026-06-01")
    for rule in CARD.rules.values():
        event = Posted((1 << 48) + 1, 1, rule.number, 0, day, day, 0, bytes(32))
        (reason,) = score([event], CARD, day).reasons
        assert (reason.milli, reason.rule) == (rule.milli, rule.rule)
        assert reason.rule


def test_a_trimmed_bonus_says_so():
    day = to_day("2026-06-01")
    events = [Posted((1 << 48) + n, 1, 15, 0, day, day, 0, bytes(32)) for n in (1, 2, 3)]
    first, second, third = score(events, CARD, day).reasons
    assert [each.milli for each in (first, second, third)] == [6000, 4000, 0]
    assert "at most 10" not in first.rule
    assert second.rule.endswith("bonuses together are at most 10")
    assert third.rule.endswith("bonuses together are at most 10")
