"""Rows: good ones pass as they mean, each bad one is refused by field, value and reason, all errors at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.domain.calendar import iso, to_day
from ledger.domain.catalogue import default_authorities, load_catalogue
from ledger.domain.submissions import FieldError, Submission, canonical_document, check_row

ROWS = json.loads((Path(__file__).parents[1] / "vectors" / "rows.json").read_text("utf-8"))
CATALOGUE = load_catalogue()
GACC = default_authorities()[0]
TODAY = to_day("2026-06-01")


def make_row(case):
    row = {**ROWS["good"], **case["row"]}
    if "repeat" in case:
        field, text, times = case["repeat"]
        row[field] = text * times
    return {field: value for field, value in row.items() if value is not None}


def check(row, authority=GACC):
    return check_row(row, CATALOGUE, authority, TODAY)


@pytest.mark.parametrize("case", ROWS["good_rows"], ids=[each["name"] for each in ROWS["good_rows"]])
def test_good_rows_pass(case):
    row = make_row(case)
    found = check(row)
    assert isinstance(found, Submission), found
    assert found.reference == row["reference"].strip()
    assert iso(found.decided_on) == row["decided_on"].strip()
    assert iso(found.conduct_on) == (row.get("conduct_on") or row["decided_on"]).strip()
    assert found.refers_to == (row.get("refers_to") or None)
    assert len(canonical_document("GACC", found)) > 100


@pytest.mark.parametrize("case", ROWS["bad_rows"], ids=[each["name"] for each in ROWS["bad_rows"]])
def test_bad_rows_are_refused_by_field_value_and_reason(case):
    errors = check(make_row(case))
    assert isinstance(errors, list), errors
    assert [each.field for each in errors] == [field for field, _, _ in case["errors"]]
    for found, (_, value, reason) in zip(errors, case["errors"], strict=True):
        assert reason in found.reason
        assert found.value.startswith(value)
        assert len(found.value) <= 80


def test_a_row_longer_than_its_header_is_refused():
    # csv.DictReader puts surplus values under the key None.
    assert check({**ROWS["good"], None: ["x"]}) == [FieldError("row", "['x']", "more values than columns")]


def test_numbers_json_does_not_have_are_refused():
    for value in (float("nan"), float("inf"), {1, 2}):
        (error,) = check({**ROWS["good"], "document": value})
        assert (error.field, error.reason) == ("document", "neither text nor JSON")


def test_every_authority_may_write_what_the_catalogue_says_and_nothing_else():
    for authority in default_authorities():
        for event_type in CATALOGUE.types:
            row = {**ROWS["good"], "type": event_type.code}
            row["refers_to"] = "R-1" if event_type.kind == "lifecycle" else ""
            passed = isinstance(check(row, authority), Submission)
            assert passed == (event_type.kind != "link" and event_type.open_to(authority.code))


def test_a_json_document_is_kept_canonical():
    one = check({**ROWS["good"], "document": {"b": 1, "a": "中"}})
    other = check({**ROWS["good"], "document": {"a": "中", "b": 1}})
    assert one == other
    assert one.document == '{"a":"中","b":1}'


def test_the_canonical_document_is_pinned():
    submission = check({**ROWS["good"], "party": "name:cn:Xin  Co., Ltd."})
    assert canonical_document("GACC", submission).decode() == (
        '{"authority":"GACC","conduct_on":"2026-05-01","decided_on":"2026-05-20","document":"Fined CNY 60,000.",'
        '"party":"name:CN:XINCOLTD","party_text":"Xin  Co., Ltd.","reference":"粤关罚字〔2026〕12号",'
        '"refers_to":null,"type":"CU04"}'
    )
    plain = json.loads(canonical_document("GACC", submission))
    assert list(plain) == sorted(plain)


@pytest.mark.parametrize(
    "change",
    [
        {"party": "91440606722473344C"},
        {"type": "CU05"},
        {"decided_on": "2026-05-21"},
        {"conduct_on": "2026-05-02"},
        {"reference": "other"},
        {"document": "Fined CNY 60,001."},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_is_committed_to(change):
    original, changed = check(ROWS["good"]), check({**ROWS["good"], **change})
    assert canonical_document("GACC", original) != canonical_document("GACC", changed)
    assert canonical_document("GACC", original) != canonical_document("SAMR", original)
