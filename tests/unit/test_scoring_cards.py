"""Cards: the default one says what its source table says; another one is read strictly; the hash is stable."""

from __future__ import annotations

import csv
import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from ledger.domain.calendar import iso, to_day
from ledger.domain.catalogue import load_catalogue
from ledger.errors import Misconfigured
from ledger.scoring.cards import card_in_force, in_date_order, load_cards, parse_card

VECTORS = Path(__file__).parents[1] / "vectors"
HOSTILE = json.loads((VECTORS / "cards_hostile.json").read_text("utf-8"))["cases"]
DEFAULT = files("ledger.scoring").joinpath("card-2026-04-01.toml").read_text("utf-8")
CARD = load_cards()[0]


def test_the_default_card_is_the_table_it_comes_from():
    rows = list(csv.DictReader((VECTORS / "scorecard-2026.csv").open(encoding="utf-8")))
    assert len(rows) == len(CARD.rules) == 33
    by_code = {rule.code: rule for rule in CARD.rules.values()}
    for row in rows:
        rule = by_code[row["code"]]
        assert rule.milli == int(row["points"]) * 1000, row
        assert [rule.min_months, rule.max_months, rule.half_life_months] == [
            int(row[key]) for key in ("min_pub_m", "max_pub_m", "half_life_m")
        ], row
        assert rule.effect == row["effect"]
        assert rule.repair == row["repairable"]


def test_the_default_card_scores_every_event_of_the_catalogue_and_no_other():
    events = {each.number: each for each in load_catalogue().types if each.kind == "event"}
    assert set(CARD.rules) == set(events)
    for number, rule in CARD.rules.items():
        assert (rule.code, rule.rule) == (events[number].code, events[number].rule)


def test_the_hash_is_pinned():
    # What a chain already holds must stay the same card: a change of this hash is a new card with a new date.
    assert hashlib.sha256(CARD.canonical).digest() == CARD.hash
    assert CARD.hash.hex() == "7dfe73bddaf184efdf6cb660cac4fedccb67894b0e83b23ddf8ec8e31ec81880"
    assert iso(CARD.effective_on) == "2026-04-01"


def test_layout_does_not_change_the_hash_and_every_value_does():
    body, *types = DEFAULT.split("[[type]]")
    shuffled = "# another comment\n" + "[[type]]".join([body, *reversed([each + "\n" for each in types])])
    assert parse_card(shuffled) == CARD
    for old, new in [
        ("milli = -60000", "milli = -60001"),
        ("A = 90000", "A = 90001"),
        ("effective_on = 2026-04-01", "effective_on = 2026-04-02"),
        ("bonus_cap_milli = 10000", "bonus_cap_milli = 9999"),
        ("new_record_months = 12", "new_record_months = 11"),
        ("start_incomplete_milli = 90000", "start_incomplete_milli = 90001"),
        ("scorecard 2026", "scorecard 2027"),
        ("list-removal only", "no"),
        ('"GACC 251 art22(1); 282"', '"GACC 282"'),
    ]:
        assert old in DEFAULT
        assert parse_card(DEFAULT.replace(old, new, 1)).hash != CARD.hash, old


@pytest.mark.parametrize("case", HOSTILE, ids=[f"{n}-{each['says']}" for n, each in enumerate(HOSTILE)])
def test_a_card_that_does_not_fit_is_refused_by_key_and_value(case):
    assert case["replace"] in DEFAULT
    with pytest.raises(Misconfigured) as caught:
        parse_card(DEFAULT.replace(case["replace"], case["by"], 1), "mine.toml")
    assert case["says"] in str(caught.value)
    assert str(caught.value).startswith("mine.toml: ")


def test_a_day_is_scored_by_the_card_in_force_on_it():
    later = parse_card(DEFAULT.replace("effective_on = 2026-04-01", "effective_on = 2027-01-01"))
    cards = (later, CARD)
    assert card_in_force(cards, to_day("2026-12-31")) == CARD
    assert card_in_force(cards, to_day("2027-01-01")) == later
    assert card_in_force(cards, to_day("2024-01-01")) == CARD  # older than every card: the earliest


def test_no_card_and_two_of_one_day_are_refused():
    with pytest.raises(Misconfigured, match="no scorecard"):
        card_in_force((), 0)
    with pytest.raises(Misconfigured, match="both take effect on 2026-04-01"):
        in_date_order([CARD, CARD])
