"""An enterprise's score and record as others read them: worked cases, other days, what was erased."""

from __future__ import annotations

import pytest
from workflows_rows import ALPHA, BETA, record_line, records_file

from ledger.domain.calendar import to_day
from ledger.errors import BadValue, NotFound
from ledger.outbox.documents import erase_document
from ledger.workflows.importing import import_file
from ledger.workflows.reading import score_of, thousandths
from ledger.workflows.record_reading import record_of

pytest_plugins = ["workflows_office"]
GAMMA, DELTA, PLAIN = "9144030010001686XA", "9152000071430580XT", "name:CN:Plain Trading"
DAY = "2026-05-01"
#: Documents that look like JSON and have no one meaning, or would harm who parses them: they stay text.
TEXTS = [
    "[" * 100_000,
    "{not json}",
    '"{""a"":1""a"":2}"',
    "[NaN]",
    "[" + "9" * 5000 + "]",
    '"{""a"":1,""a"":2}"',
]


@pytest.fixture(scope="module")
def office_with_cases(lasting_office, tmp_path_factory):
    """The worked cases of the scorecard, written by the authorities that write such events."""
    folder = tmp_path_factory.mktemp("cases")
    rows = {
        "GACC": [
            record_line("G1", type="CU04", party=ALPHA),
            record_line("G2", type="CU06", party=BETA),
            record_line("G3", type="LC03", refers_to="G2", party=BETA, decided_on="2026-06-01"),
            record_line("G4", type="CU15", party=GAMMA, document='"{""level"": 2}"'),
            record_line("G5", type="CU06", party=DELTA, document="to be erased"),
        ],
        "GACC ": [
            record_line(
                f"T{number}", type="CU15", party="name:CN:Texts", document=text, decided_on="2026-05-02"
            )
            for number, text in enumerate(TEXTS)
        ],
        "SAMR": [record_line("S1", type="MR03", party=ALPHA), record_line("S2", type="MR02", party=GAMMA)],
        "US-CPSC": [record_line("F1", type="FR01", party=PLAIN)],
    }
    for code, lines in rows.items():
        path = records_file(folder / f"{code}.csv", *lines)
        found = import_file(lasting_office, path, "records", lasting_office.authorities[code.strip()])
        assert found.rejected == 0, found.shown
    lasting_office.follower.catch_up()
    return lasting_office


def score(office, party, day=DAY):
    return score_of(office.db, office.catalogue, office.cards, party, to_day(day))


def record(office, party, day=DAY):
    return record_of(office.db, office.catalogue, office.keystore.master_key, party, to_day(day))


@pytest.mark.parametrize(
    ("party", "day", "expected", "grade"),
    [
        (ALPHA, DAY, 84, "B"),
        (BETA, DAY, 60, "C"),
        (BETA, "2026-05-31", 60, "C"),
        (BETA, "2026-06-01", 100, "A"),
        (GAMMA, DAY, 46, "D"),
        (BETA, "2026-04-30", 100, "M"),
    ],
)
def test_worked_cases_through_the_whole_line(office_with_cases, party, day, expected, grade):
    """CU04 with MR03; CU06, its repair; MR02 with a valid CU15; and the day before any of it."""
    found = score(office_with_cases, party, day)
    # A repaired event spoils cleanness, so a short record that had one is graded by its points.
    assert (found["score"], found["grade"], found["as_of"]) == (expected, grade, day)


def test_a_score_has_the_keys_that_others_read_and_a_reason_for_every_point(office_with_cases):
    found = score(office_with_cases, ALPHA)
    assert {"id", "as_of", "score", "grade", "card", "reasons"} <= found.keys()
    assert found["id"] == f"uscc:{ALPHA}"
    assert {reason["record"] for reason in found["reasons"]} == {"GACC-1", "SAMR-1"}
    assert 100 + sum(reason["points"] for reason in found["reasons"]) == found["score"]
    for reason in found["reasons"]:
        assert {"record", "type", "points", "rule", "until"} <= reason.keys()
        assert reason["rule"]


def test_an_identifier_is_read_in_any_of_its_forms(office_with_cases):
    assert score(office_with_cases, f"uscc:{ALPHA.lower()}") == score(office_with_cases, ALPHA)
    assert score(office_with_cases, "name:cn:PLAIN  TRADING.")["id"] == "name:CN:PLAINTRADING"


def test_a_record_tells_the_status_of_each_item_as_of_a_day(office_with_cases):
    before, after = record(office_with_cases, BETA), record(office_with_cases, BETA, "2026-06-01")
    assert [(item["record"], item["status"]) for item in before["records"]] == [("GACC-2", "in force")]
    event, repair = after["records"]
    assert (event["status"], event["since"], event["by"]) == ("repaired", "2026-06-01", "GACC-3")
    assert (repair["type"], repair["status"], repair["refers_to"]) == ("LC03", "applied", "G2")
    assert (event["reference"], event["party"], event["held"]) == ("G2", f"uscc:{BETA}", "opened")


def test_a_document_is_json_where_it_was_json(office_with_cases):
    customs, market = record(office_with_cases, GAMMA)["records"]
    assert customs["document"] == {"level": 2}
    assert market["document"] == ""


def test_a_document_that_is_no_sound_json_is_shown_as_the_text_it_is(office_with_cases):
    items = record(office_with_cases, "name:CN:Texts", "2026-05-02")["records"]
    assert [item["document"] for item in items] == [text.strip('"').replace('""', '"') for text in TEXTS]


def test_an_erased_document_is_gone_and_its_record_stands(office_with_cases):
    with office_with_cases.db.write_vault() as vault:
        erase_document(vault, 1, 5)
    (item,) = record(office_with_cases, DELTA)["records"]
    assert (item["held"], item["document"], item["status"]) == ("erased", None, "in force")
    assert item["reference"] == "G5"
    assert score(office_with_cases, DELTA)["score"] == 60


def test_a_party_that_is_unknown_or_no_party_is_refused(office_with_cases):
    with pytest.raises(NotFound, match="NOBODY"):
        score(office_with_cases, "name:CN:Nobody")
    with pytest.raises(BadValue, match="check character"):
        record(office_with_cases, ALPHA[:-1] + "D")


@pytest.mark.parametrize(
    ("milli", "expected"), [(100_000, 100), (0, 0), (98_500, 98.5), (-6_000, -6), (1, 0.001)]
)
def test_points_are_whole_numbers_where_they_can_be(milli, expected):
    assert thousandths(milli) == expected
    assert isinstance(thousandths(milli), int) == (milli % 1000 == 0)
