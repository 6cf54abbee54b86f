"""Records, links, answers and registrations that the audit must not pass over, posted with the real keys."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, change, deviations, post, record, unchecked
from workflows_rows import ALPHA, record_line, records_file

from ledger.chain.keystore import authority_key
from ledger.crypto.hashing import sha256
from ledger.domain.calendar import iso
from ledger.domain.catalogue import load_catalogue
from ledger.errors import ChainRefused
from ledger.store import vault as kept
from ledger.workflows.governing import declare_compromised
from ledger.workflows.importing import import_file
from ledger.workflows.linking import link
from ledger.workflows.objecting import answer_objection, open_objection
from ledger.workflows.sending import send

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office", "audited_ledger"]


# ---------------------------------------------------------------- severity, the writer's word


def test_a_client_with_its_own_catalogue_writes_a_serious_matter_down_as_a_minor_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    honest = load_catalogue()
    lowered = honest.by_code["CU01"]._replace(severity=1)
    types = tuple(lowered if each.code == "CU01" else each for each in honest.types)
    own = dataclasses.replace(
        honest,
        types=types,
        by_code=honest.by_code | {"CU01": lowered},
        by_number=honest.by_number | {1: lowered},
    )
    path = records_file(tmp_path / "low.csv", record_line("LOW", type="CU01"))
    import_file(dataclasses.replace(ledger, catalogue=own), path, "records", ledger.authorities["GACC"])
    assert ("severity not the catalogue's", "record GACC-4") in [
        (what, where.rpartition(", ")[2]) for what, where in deviations(ledger)
    ]


def test_a_minor_matter_is_written_down_as_a_serious_one_with_the_key_itself(ledger: Ledger) -> None:
    post(ledger, "GACC", record(ledger, "CU04", severity=3))
    assert ("severity not the catalogue's", "record GACC-4") in [
        (what, where.rpartition(", ")[2]) for what, where in deviations(ledger)
    ]


# ---------------------------------------------------------------- links without their mirrors


def test_the_mirror_of_a_link_is_revoked_alone(ledger: Ledger, tmp_path: Path) -> None:
    path = records_file(tmp_path / "name.csv", record_line("N", type="FR01", party="name:CN:Bad Name Ltd"))
    import_file(ledger, path, "records", ledger.authorities["US-CPSC"])
    link(ledger, ledger.authorities["SAMR"], "name:CN:Bad Name Ltd", ALPHA, "same")
    assert deviations(ledger) == []
    mirror = ledger.authorities["SAMR"].number << 48 | 1
    with ledger.db.read_vault() as vault:
        row = vault.execute(select(kept.commands).where(kept.commands.c.type == 249)).one()
    mirror = row.authority << 48 | row.number
    post(ledger, "SAMR", record(ledger, "LC02", row.enterprise, mirror, decided_on=ledger.today()))
    assert "link revoked without its mirror" in [what for what, _ in deviations(ledger)]


@pytest.mark.parametrize("type_", ["LK01", "LK02"])
def test_one_side_of_a_link_is_posted_with_the_key_itself(ledger: Ledger, type_: str) -> None:
    try:
        post(ledger, "SAMR", record(ledger, type_, 1, 2))
    except ChainRefused as refused:
        assert "Link" in str(refused) or "Mirror" in str(refused) or "Pair" in str(refused)  # noqa: PT017
        return
    expected = {"LK01": "link without its mirror", "LK02": "mirror without its link"}[type_]
    assert expected in [what for what, _ in deviations(ledger)]


# ---------------------------------------------------------------- answers


def test_an_answer_by_a_key_found_compromised_is_for_review(ledger: Ledger) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, "rejected", "It was not.")
    key = ledger.keystore.address(authority_key("GACC"))
    declare_compromised(ledger, "GACC", key, int(time.time()) - 3600)
    report = audited(ledger)
    assert ("answered by a compromised key", "objection 1") in [
        (each.what, each.where.rpartition(", ")[2]) for each in report.review
    ]
    assert "answered by a compromised key" in report.to_text()


@pytest.mark.parametrize("outcome", ["upheld", "partly upheld"])
def test_an_answer_upheld_and_never_carried_out(ledger: Ledger, tmp_path: Path, outcome: str) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, outcome, "So it was.")
    where = "objection 1, to record GACC-1"
    assert unchecked(ledger) == [("answer upheld and not carried out", where)]
    # A decision from before the objection answers nothing, however late it is posted.
    early = record_line("C", type="LC02", refers_to="R1")
    import_file(ledger, records_file(tmp_path / "c.csv", early), "records", ledger.authorities["GACC"])
    assert unchecked(ledger) == [("answer upheld and not carried out", where)]
    today = iso(ledger.today())
    row = record_line("D", type="LC01", refers_to="R1", conduct_on=today, decided_on=today)
    import_file(ledger, records_file(tmp_path / "d.csv", row), "records", ledger.authorities["GACC"])
    assert audited(ledger).verdict == "holds"


@pytest.mark.parametrize("which", ["statement of objection 1", "answer to objection 1"])
def test_a_statement_is_lost_from_the_vault(ledger: Ledger, which: str) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, "rejected", "It was not.")
    with ledger.db.read_vault() as vault:
        rows = vault.scalars(select(kept.statements.c.commitment)).all()
    from ledger.store.index import objections

    with ledger.db.read_index() as index:
        grounds = index.scalar(select(objections.c.grounds))
    (answer,) = set(rows) - {grounds}
    lost = grounds if which.startswith("statement") else answer
    change(ledger, delete(kept.statements).where(kept.statements.c.commitment == lost))
    assert unchecked(ledger) == [("statement not held", which)]


def test_a_statement_is_marked_erased_or_another_is_put_in_its_place(ledger: Ledger) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    with ledger.db.read_vault() as vault:
        row = vault.execute(select(kept.statements)).one()
    change(ledger, update(kept.statements).values(wrapped_key=None))
    assert unchecked(ledger) == [("erased", "statement of objection 1")]
    change(ledger, update(kept.statements).values(wrapped_key=row.wrapped_key, sealed=row.sealed[:-1] + b"?"))
    assert deviations(ledger) == [("statement does not open", "statement of objection 1")]


# ---------------------------------------------------------------- what somebody else put on the chain


def test_a_firm_that_somebody_else_numbered_is_not_held(ledger: Ledger) -> None:
    """Before a repair it is a deviation: nobody here knows who it is. After it, a line of its own."""
    from ledger.workflows.repairing import repair

    number = ledger.contracts.enterprise_count() + 1
    send(ledger, ledger.contracts.register(number, [sha256(b"a stranger's firm")]))
    assert deviations(ledger) == [("identity missing", f"identity of enterprise {number}")]
    repair(ledger)
    assert unchecked(ledger) == [("identity not held", f"enterprise {number}")]


def test_records_that_somebody_else_wrote_are_not_held(ledger: Ledger) -> None:
    from ledger.workflows.repairing import repair

    post(ledger, "GACC", record(ledger, "CU04"), record(ledger, "CU06"))
    assert {what for what, _ in deviations(ledger)} == {"outbox batch missing", "document missing"}
    repair(ledger)
    assert unchecked(ledger) == [("document not held", "GACC-4 to GACC-5")]


def test_one_firm_is_registered_twice_under_one_commitment(ledger: Ledger) -> None:
    with ledger.db.read_vault() as vault:
        commitment = vault.scalar(
            select(kept.identities.c.commitment).where(kept.identities.c.enterprise == 1)
        )
    number = ledger.contracts.enterprise_count() + 1
    try:
        send(ledger, ledger.contracts.register(number, [commitment]))
    except ChainRefused:
        return
    assert ("commitment registered twice", f"enterprise {number}") in deviations(ledger)
