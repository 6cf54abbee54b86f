"""Every line of the USCC table, hostile identifiers, and spellings of names that are one party or are not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ledger.domain.identifiers import check_identifier, check_lei, check_uscc
from ledger.domain.names import MAX_NAME, MAX_NORMAL
from ledger.domain.parties import named_party, parse_party
from ledger.errors import BadValue

VECTORS = Path(__file__).parents[1] / "vectors"
USCC = list(csv.DictReader((VECTORS / "uscc.csv").open(encoding="utf-8")))
IDENTIFIERS = json.loads((VECTORS / "identifiers.json").read_text("utf-8"))
PARTIES = json.loads((VECTORS / "parties.json").read_text("utf-8"))


@pytest.mark.parametrize("line", USCC, ids=[each["code"] for each in USCC])
def test_uscc_table_line_by_line(line):
    verdict = check_identifier(line["code"])
    assert verdict.valid == (line["valid"] == "yes")
    assert verdict.why == line["why"]
    assert verdict.code == (line["code"].upper() if verdict.valid else line["code"])
    assert check_uscc(line["code"]) == verdict


@pytest.mark.parametrize("case", IDENTIFIERS["valid"], ids=[each["text"] for each in IDENTIFIERS["valid"]])
def test_valid_identifiers(case):
    verdict = check_identifier(case["text"])
    assert verdict.valid, verdict.why
    assert verdict.code == case["code"]
    assert case["why"] in verdict.why


@pytest.mark.parametrize(
    "case", IDENTIFIERS["invalid"], ids=[ascii(e["text"]) for e in IDENTIFIERS["invalid"]]
)
def test_invalid_identifiers_are_refused_with_the_reason(case):
    verdict = check_identifier(case["text"])
    assert not verdict.valid
    assert verdict.code == case["text"]
    assert case["why"] in verdict.why
    with pytest.raises(BadValue) as caught:
        parse_party(case["text"])
    assert (caught.value.field, caught.value.reason) == ("party", verdict.why)


def test_one_wrong_character_never_passes():
    # The first 17 characters and their check: GB 32100 detects every single substitution. (Lower case is equal.)
    good = "9144030071526726XG"
    for position in range(18):
        for char in "0123456789ABCDEFGHJKLMNPQRTUWXY":
            changed = good[:position] + char + good[position + 1 :]
            assert check_uscc(changed).valid == (changed == good), changed


def test_one_wrong_or_two_swapped_characters_of_an_lei_never_pass():
    good = "5493001KJTIIGC8Y1R12"
    assert check_lei(good).valid
    for position in range(20):
        # A letter counts as two digits: mod 97-10 promises nothing about a letter in a digit's place.
        for char in "0123456789" if good[position].isdecimal() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            changed = good[:position] + char + good[position + 1 :]
            assert check_lei(changed).valid == (changed == good), changed
        swapped = good[:position] + good[position : position + 2][::-1] + good[position + 2 :]
        assert check_lei(swapped).valid == (swapped == good), swapped


@pytest.mark.parametrize("case", PARTIES["same"], ids=[each["key"] for each in PARTIES["same"]])
def test_spellings_of_one_party(case):
    for name in case["names"]:
        party = named_party("cn", name)
        assert (party.kind, party.key, party.text) == ("name", case["key"], name)
        assert parse_party(f"name:CN:{name}") == party
        assert parse_party(party.key).key == party.key


@pytest.mark.parametrize("names", PARTIES["apart"], ids=[each[0] for each in PARTIES["apart"]])
def test_names_that_stay_apart(names):
    assert len({named_party("CN", name).key for name in names}) == len(names)


def test_the_country_is_part_of_who_it_is():
    assert named_party("CN", "Xin").key != named_party("HK", "Xin").key


def test_a_code_has_one_key_however_it_is_written():
    keys = {
        parse_party(text).key
        for text in ("9144030071526726xg", "uscc:9144030071526726XG", " 9144030071526726XG ")
    }
    assert keys == {"uscc:9144030071526726XG"}
    assert parse_party("5493001KJTIIGC8Y1R12").key == "lei:5493001KJTIIGC8Y1R12"


def test_over_long_names_are_refused_and_the_longest_key_fits():
    assert len(named_party("CN", "A" * MAX_NORMAL).key) <= 200
    with pytest.raises(BadValue, match="more than 190"):
        named_party("CN", "A" * (MAX_NORMAL + 1))
    with pytest.raises(BadValue, match="more than 512"):
        named_party("CN", " " * MAX_NAME + "A")
    # One character may become many (U+FDFA becomes 18): the limit is on the result.
    with pytest.raises(BadValue, match="more than 190"):
        named_party("CN", "\ufdfa" * 20)
