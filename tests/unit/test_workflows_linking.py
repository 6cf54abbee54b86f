"""Linking a name to a code: the record follows, from its day, and what must not be linked is refused."""

from __future__ import annotations

import pytest
from workflows_rows import ALPHA, BETA, record_line, records_file

from ledger.errors import BadValue, Conflict, Forbidden, LedgerError, NotFound
from ledger.workflows.assessing import assess
from ledger.workflows.auditing import audit
from ledger.workflows.importing import import_file
from ledger.workflows.linking import link, unlink
from ledger.workflows.reading import score_of
from ledger.workflows.record_reading import record_of

pytest_plugins = ["workflows_office"]
NAME, OTHER = "name:CN:Alpha Trading Co., Ltd.", "name:CN:Beta Trading"


@pytest.fixture
def known(office, tmp_path):
    """Two names with a record each, of a foreign authority, and a code with one of its own."""
    path = records_file(
        tmp_path / "rows.csv",
        record_line("N1", party="name:CN:Alpha Trading Co. Ltd.", type="FR01"),
        record_line("N2", party=OTHER, type="FR01"),
    )
    import_file(office, path, "records", office.authorities["US-CPSC"])
    path = records_file(tmp_path / "own.csv", record_line("C1", type="CU06"))
    import_file(office, path, "records", office.authorities["GACC"])
    office.follower.catch_up()
    return office


def records(office, text, day=None):
    found = record_of(office.db, office.catalogue, office.keystore.master_key, text, day or office.today())
    return found["id"], [(item["record"], item["type"], item["status"]) for item in found["records"]]


def score(office, text, day=None):
    found = score_of(office.db, office.catalogue, office.cards, text, day or office.today())
    return found["id"], found["score"], [reason["record"] for reason in found["reasons"]]


def test_a_linked_name_follows_its_code_from_the_day_of_the_link(known):
    samr, today = known.authorities["SAMR"], known.today()
    before = score(known, NAME), score(known, ALPHA)
    found = link(known, samr, NAME, ALPHA, "same registered name and address")
    assert (found["record"], found["name"], found["code"]) == (
        "SAMR-1", "name:CN:ALPHATRADINGCOLTD", f"uscc:{ALPHA}",
    )  # fmt: skip

    assert score(known, NAME) == score(known, ALPHA)
    assert score(known, ALPHA)[0] == f"uscc:{ALPHA}"
    assert {"US-CPSC-1", "GACC-1"} == {
        record for record, _, _ in records(known, ALPHA)[1] if "SAMR" not in record
    }
    assert ("SAMR-1", "LK01", "in force") in records(known, NAME)[1]
    assert ("SAMR-2", "LK02", "in force") in records(known, NAME)[1]
    # The day before, they were two.
    assert (score(known, NAME, today - 1)[0], score(known, ALPHA, today - 1)[0]) == (
        before[0][0],
        before[1][0],
    )
    assert not audit(known).deviations


def test_unlinking_gives_each_its_own_record_again_and_linking_anew_is_possible(known):
    samr = known.authorities["SAMR"]
    before = score(known, NAME), score(known, ALPHA)
    link(known, samr, NAME, ALPHA, "same name")
    found = unlink(known, samr, NAME, "another firm of the same name")
    assert found["record"] == "SAMR-3"
    assert (score(known, NAME), score(known, ALPHA)) == before
    assert ("SAMR-1", "LK01", "revoked") in records(known, NAME)[1]
    assert ("SAMR-2", "LK02", "revoked") in records(known, ALPHA)[1]
    again = link(known, samr, NAME, BETA, "found at last")
    assert again["record"] == "SAMR-5"
    assert score(known, NAME)[0] == f"uscc:{BETA}"
    assert not audit(known).deviations


def test_two_names_may_be_one_code(known):
    samr = known.authorities["SAMR"]
    link(known, samr, NAME, ALPHA, "first")
    link(known, samr, OTHER, ALPHA, "second")
    assert score(known, OTHER) == score(known, NAME)
    found = record_of(known.db, known.catalogue, known.keystore.master_key, ALPHA, known.today())
    assert found["linked"] == ["name:CN:ALPHATRADINGCOLTD", "name:CN:BETATRADING"]


@pytest.mark.parametrize(
    ("name", "code", "reason", "error", "words"),
    [
        (ALPHA, BETA, "why", BadValue, "is a code"),
        (NAME, OTHER, "why", BadValue, "is a name"),
        (NAME, "91440606722473344D", "why", BadValue, "check character"),
        (NAME, ALPHA, "  ", BadValue, "empty"),
        ("name:CN:Nobody Knows", ALPHA, "why", NotFound, "NOBODYKNOWS"),
    ],
)
def test_what_cannot_be_linked_is_refused_before_anything_is_written(known, name, code, reason, error, words):
    with pytest.raises(error, match=words):
        link(known, known.authorities["SAMR"], name, code, reason)
    assert known.contracts.record_count(known.authorities["SAMR"].number) == 0


def test_a_name_is_linked_once(known):
    samr = known.authorities["SAMR"]
    link(known, samr, NAME, ALPHA, "first")
    for code in (ALPHA, BETA):
        with pytest.raises(Conflict, match=f"already linked to uscc:{ALPHA}"):
            link(known, samr, NAME, code, "second")


def test_only_authorities_with_the_mandate_link_and_only_the_linker_unlinks(known):
    with pytest.raises(Forbidden, match="mandate of STA"):
        link(known, known.authorities["STA"], NAME, ALPHA, "why")
    with pytest.raises(Conflict, match="is not linked"):
        unlink(known, known.authorities["SAMR"], NAME, "why")
    link(known, known.authorities["SAMR"], NAME, ALPHA, "why")
    with pytest.raises(Forbidden, match="another authority"):
        unlink(known, known.authorities["GACC"], NAME, "why")


def test_a_reference_of_the_authority_is_kept_and_not_used_twice(known):
    samr = known.authorities["SAMR"]
    assert link(known, samr, NAME, ALPHA, "why", reference="SAMR 2026/7")["reference"] == "SAMR 2026/7"
    with pytest.raises(LedgerError, match="already used"):
        link(known, samr, OTHER, ALPHA, "why", reference="SAMR 2026/7")


def test_a_record_submitted_under_the_code_changes_one_of_the_linked_name(known, tmp_path):
    """Who determined repairs, whichever of the two identities the officer has at hand."""
    gacc = known.authorities["GACC"]
    path = records_file(
        tmp_path / "name.csv", record_line("N3", party="name:CN:Alpha Trading Co. Ltd.", type="CU06")
    )
    import_file(known, path, "records", gacc)
    link(known, known.authorities["SAMR"], NAME, ALPHA, "why")
    path = records_file(tmp_path / "lc.csv", record_line("N4", type="LC02", refers_to="N3", party=ALPHA))
    found = import_file(known, path, "records", gacc)
    assert (found.recorded, found.rejected) == (1, 0), found.shown
    known.follower.catch_up()
    assert ("GACC-2", "CU06", "revoked") in records(known, ALPHA)[1]
    assert not audit(known).deviations


def test_a_foreign_authority_is_not_told_of_a_link_by_a_change(known, tmp_path):
    """Links are what others wrote: for it, a name and a code are two, linked or not."""
    path = records_file(tmp_path / "lc.csv", record_line("N3", type="LC02", refers_to="N1", party=ALPHA))
    said = []
    for _ in range(2):
        found = import_file(known, path, "records", known.authorities["US-CPSC"])
        said.append([(each.field, each.reason) for row in found.shown for each in row.errors])
        link(known, known.authorities["SAMR"], NAME if not said[1:] else OTHER, ALPHA, "why")
    assert said[0] == said[1] == [("refers_to", "is about another enterprise")]


def test_an_assessment_publishes_linked_names_under_their_code(known):
    link(known, known.authorities["SAMR"], NAME, ALPHA, "why")
    before = assess(known, known.today() - 1)
    assert (before["epoch"], before["scored"], before["changed"]) == (1, 3, 3)
    since = assess(known)
    assert (since["scored"], since["changed"]) == (2, 1)
    assert not audit(known).deviations
