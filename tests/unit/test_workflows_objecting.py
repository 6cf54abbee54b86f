"""Objections from the office's side: opened, answered, listed, and seen by the audit."""

from __future__ import annotations

import pytest
from workflows_rows import ALPHA, BETA, record_line, records_file

from ledger.chain.keyfile import KeyFile
from ledger.domain.calendar import iso
from ledger.errors import BadValue, ChainRefused, Conflict, Forbidden, NotFound
from ledger.workflows import objecting
from ledger.workflows.auditing import audit
from ledger.workflows.enterprise_keys import set_enterprise_key
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import answer_objection, objections_of, objections_page, open_objection
from ledger.workflows.record_reading import record_of
from ledger.workflows.subjects import subject_of

pytest_plugins = ["workflows_office"]


@pytest.fixture
def busy(office, tmp_path):
    path = records_file(
        tmp_path / "records.csv", record_line("R1", party=ALPHA), record_line("R2", party=ALPHA)
    )
    assert import_file(office, path, "records", office.authorities["GACC"]).recorded == 2
    office.follower.catch_up()
    return office


def listed(office):
    members = subject_of(office.db, ALPHA, office.today()).members
    return objections_of(office.db, office.keystore.master_key, members, office.today())


def disputed(office):
    found = record_of(office.db, office.catalogue, office.keystore.master_key, ALPHA, office.today())
    return [each["record"] for each in found["records"] if each["disputed"]]


def test_an_objection_from_statement_to_answer(busy, monkeypatch):
    assert listed(busy) == []
    opened = open_objection(busy, "gacc-2", "  The goods were declared. 已申报。 ")
    today = busy.today()
    assert opened["objection"] == 1
    assert (opened["record"], opened["outcome"], opened["overdue"]) == ("GACC-2", "open", False)
    assert (opened["opened_on"], opened["due_on"]) == (iso(today), iso(today + 20))
    assert opened["statement"] == "The goods were declared. 已申报。"
    assert disputed(busy) == ["GACC-2"]
    with pytest.raises(ChainRefused, match="AlreadyOpen"):
        open_objection(busy, "GACC-2", "again")
    assert open_objection(busy, "GACC-2", "The goods were declared. 已申报。") == opened, "said once more"

    answered = answer_objection(busy, 1, "partly upheld", "The fine is halved.")
    assert (answered["outcome"], answered["answer"]) == ("partly upheld", "The fine is halved.")
    assert disputed(busy) == []
    with pytest.raises(Conflict, match="answered already"):
        answer_objection(busy, 1, "upheld", "again")
    with pytest.raises(Conflict, match="answered already"):
        answer_objection(busy, 1, "upheld", "The fine is halved.")
    assert answer_objection(busy, 1, "partly upheld", "The fine is halved. ") == answered, "said once more"
    open_objection(busy, "GACC-2", "still not right")
    assert [each["outcome"] for each in listed(busy)] == ["partly upheld", "open"]
    members, key = subject_of(busy.db, ALPHA, today).members, busy.keystore.master_key
    for after, limit in ((0, 1), (1, 1), (1, 9), (2, 9), (0, 2)):
        page, more = objections_page(busy.db, key, members, today, after=after, limit=limit)
        assert page == listed(busy)[after : after + limit]
        assert more == (after + limit < 2)
    monkeypatch.setattr(objecting, "PAGE_BYTES", 10)
    page, more = objections_page(busy.db, key, members, today, limit=9)
    assert (page, more) == (listed(busy)[:1], True), "texts without end are told in pages"

    report = audit(busy)
    assert report.deviations == ()
    assert report.checked["objections"] == 2


def test_an_enterprise_with_a_key_objects_itself(busy, tmp_path):
    own, other = (KeyFile.make(tmp_path / f"{name}.json", "horse") for name in ("own", "other"))
    with pytest.raises(
        Forbidden, match=rf"{own.address()} does not speak .*it has none.*: objection key uscc"
    ):
        open_objection(busy, "GACC-1", "mine", own)
    done = set_enterprise_key(busy, ALPHA, own.address().lower())
    assert done == {"id": f"uscc:{ALPHA}", "enterprise": 1, "key": own.address()}
    with pytest.raises(Forbidden, match=rf"key of its own, {own.address()}.*--key-file FILE"):
        open_objection(busy, "GACC-1", "for it")
    with pytest.raises(Forbidden, match=rf"its key is {own.address()}"):
        open_objection(busy, "GACC-1", "not mine", other)
    assert listed(busy) == []

    opened = open_objection(busy, "GACC-1", "mine", KeyFile.open(tmp_path / "own.json", "horse"))
    assert (opened["by"], opened["statement"]) == (own.address(), "mine")
    assert set_enterprise_key(busy, ALPHA, None)["key"] is None
    opened = open_objection(busy, "GACC-2", "for it")
    assert opened["by"] == busy.keystore.address("operator")
    assert audit(busy).deviations == ()


def test_whose_key_and_what_key(busy):
    with pytest.raises(NotFound):
        set_enterprise_key(busy, BETA, None)
    with pytest.raises(BadValue, match="not an address"):
        set_enterprise_key(busy, ALPHA, "0x12")


def test_what_is_not_there_or_makes_no_sense(busy):
    for record in ("GACC", "NOBODY-1", "GACC-x", "GACC-", ""):
        with pytest.raises(BadValue):
            open_objection(busy, record, "no")
    with pytest.raises(NotFound):
        open_objection(busy, "GACC-3", "no")
    with pytest.raises(BadValue, match="empty"):
        open_objection(busy, "GACC-1", "  ")
    with pytest.raises(NotFound):
        answer_objection(busy, 1, "upheld", "no")
    with pytest.raises(BadValue, match="one of upheld"):
        answer_objection(busy, 1, "open", "no")
