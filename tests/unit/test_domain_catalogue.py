"""The catalogue against the table it comes from, the mandates it gives, and damaged catalogues."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from ledger.domain.catalogue import default_authorities, load_catalogue, parse_catalogue
from ledger.errors import Misconfigured

CATALOGUE = load_catalogue()
TEXT = files("ledger.domain").joinpath("catalogue.toml").read_text("utf-8")
TABLE = Path(__file__).parents[1] / "vectors" / "scorecard-2026.csv"
WHO = {
    "SAMR/GACC": ("SAMR", "GACC"),
    "SAMR/platform": ("SAMR", "PLATFORM"),
    "Court": ("COURT",),
    "foreign authority": ("US-CPSC",),
}
NUMBERS = {
    **{f"CU{n:02d}": n for n in range(1, 16)},
    **{f"TX{n:02d}": 20 + n for n in range(1, 6)},
    "FX01": 31,
    "FX02": 32,
    **{f"MR{n:02d}": 40 + n for n in range(1, 7)},
    "CT01": 51,
    "CC01": 61,
    "BW01": 71,
    "RT01": 81,
    "FR01": 91,
    "LC01": 240,
    "LC02": 241,
    "LC03": 242,
    "LC04": 243,
    "LK01": 248,
    "LK02": 249,
}


def test_every_number_is_pinned():
    # Numbers stand on the chain: a change here would change what old records say.
    assert {each.code: each.number for each in CATALOGUE.types} == NUMBERS


def test_events_are_those_of_the_table():
    rows = list(csv.DictReader(TABLE.open(encoding="utf-8")))
    events = [each for each in CATALOGUE.types if each.kind == "event"]
    assert [each.code for each in events] == [row["code"] for row in rows]
    for each, row in zip(events, rows, strict=True):
        assert (each.en, each.zh) == (row["en"], row["zh"])
        assert each.severity == {"P": 0, "L": 1, "G": 2, "S": 3}[row["severity"]]
        assert each.authorities == WHO.get(row["authority"], (row["authority"],))
        assert (each.repair, each.repairable) == (row["repairable"], row["repairable"] != "n/a")
        assert each.rule


def test_lifecycle_is_everyones_and_links_are_two_authorities():
    authorities = default_authorities()
    assert [each.code for each in authorities] == [
        "GACC",
        "STA",
        "SAFE",
        "SAMR",
        "COURT",
        "PLATFORM",
        "US-CPSC",
    ]
    assert [each.number for each in authorities] == [1, 2, 3, 4, 5, 6, 7]
    for each in authorities:
        assert each.zh
        for number in (240, 241, 242, 243):
            assert each.may_write(number)
        assert each.may_write(248) == each.may_write(249) == (each.code in ("GACC", "SAMR"))


def test_mandates_are_bits_of_a_256_bit_word():
    by_code = {each.code: each for each in default_authorities()}
    lifecycle = 0b1111 << 240
    assert by_code["US-CPSC"].mandate == lifecycle | 1 << 91
    assert by_code["SAFE"].mandate == lifecycle | 0b11 << 31
    assert by_code["COURT"].mandate == lifecycle | 1 << 51
    assert by_code["PLATFORM"].may_write(61)
    assert by_code["SAMR"].may_write(61)
    assert by_code["GACC"].may_write(45)
    assert by_code["SAMR"].may_write(45)
    assert not by_code["STA"].may_write(1)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("number = 2\n", "number = 1\n", "share a number or a code"),
        ('code = "CU02"', 'code = "CU01"', "share a number or a code"),
        ("number = 2\n", "number = 240\n", "outside the numbers of kind 'event'"),
        ("severity = 3", "severity = 4", "severity 4 is not"),
        ('kind = "event"', 'kind = "events"', "'events'"),
        ('en = "Smuggling crime"', "", "'en'"),
        ("effective_on = 2026-04-01", "", "'effective_on'"),
        ("effective_on = 2026-04-01", 'effective_on = "soon"', "not a date"),
        ("[[type]]", "[[type]", "not TOML"),
    ],
)
def test_a_damaged_catalogue_is_refused(old, new, says):
    assert old in TEXT
    with pytest.raises(Misconfigured) as caught:
        parse_catalogue(TEXT.replace(old, new, 1))
    assert says in str(caught.value)
