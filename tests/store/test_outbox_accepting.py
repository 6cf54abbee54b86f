"""Accepting: what is stored, what is a duplicate, and what is refused with which reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from house import AUTHORITIES, CATALOGUE, DAY, GACC, Keys, change, event, link, party, statuses
from sqlalchemy import func, select

from ledger.crypto.commitments import verify_identity
from ledger.domain.parties import named_party
from ledger.domain.submissions import FieldError, Submission, canonical_document
from ledger.errors import BadProof, NotFound
from ledger.outbox import commands, documents, identities
from ledger.outbox.accept import Outcome, accept
from ledger.store import index, vault
from ledger.store.bulk import insert_rows

if TYPE_CHECKING:
    from ledger.store.database import Database

KEYS = Keys()


def take(database: Database, *submissions: Submission, code: str = "GACC", **options: Any) -> list[Outcome]:
    rows = list(enumerate(submissions, 1))
    return accept(database, KEYS, CATALOGUE, AUTHORITIES[code], rows, "test", **options)


def stored(database: Database) -> list[Any]:
    with database.read_vault() as connection:
        return list(connection.execute(select(vault.commands).order_by(vault.commands.c.seq)))


def only_error(outcome: Outcome) -> FieldError:
    (error,) = outcome.errors
    assert outcome.status == "rejected"
    return error


def test_outcomes_come_in_order_with_their_rows_and_one_submission(database: Database) -> None:
    outcomes = take(database, event("A"), event("B", 2), event("A"))
    assert [(each.row, each.reference, each.status) for each in outcomes] == [
        (1, "A", "accepted"),
        (2, "B", "accepted"),
        (3, "A", "duplicate"),
    ]
    (name,) = {each.submission for each in outcomes}
    with database.read_vault() as connection:
        row = commands.submission(connection, name)
        assert (row.accepted, row.duplicate, row.rejected, row.source) == (2, 1, 0, "test")
        assert [each.reference for each in commands.commands_of(connection, row)] == ["A", "B"]


def test_the_same_again_is_a_duplicate_and_stores_nothing(database: Database) -> None:
    take(database, event("A"), event("B", 2))
    before = stored(database)
    assert statuses(take(database, event("A"), event("B", 2))) == ["duplicate", "duplicate"]
    assert stored(database) == before


def test_another_spelling_of_the_party_is_the_same_content(database: Database) -> None:
    take(database, event("A", named_party("US", "ACME Co.")))
    again = event("A", named_party("US", "Acme  co"))
    assert statuses(take(database, again)) == ["duplicate"]


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        (event("A", 2), "party", "another party"),
        (event("A", 1, "CU05"), "type", "type CU04"),
        (event("A", decided_on=DAY - 1), "decided_on", "2024-10-04"),
        (event("A", conduct_on=DAY - 11), "conduct_on", "2024-09-24"),
        (event("A", document="other"), "document", "another document"),
    ],
)
def test_a_used_reference_with_other_content_is_refused_and_the_field_named(
    database: Database, changed: Submission, field: str, said: str
) -> None:
    take(database, event("A"))
    for error in (only_error(take(database, changed)[0]), only_error(take(database, event("Z"), changed)[1])):
        assert error.field == field
        assert "'A'" in error.reason
        assert said in error.reason
    (within,) = take(database, event("B"), changed._replace(reference="B"))[1:]
    assert only_error(within).field == field


def test_the_same_reference_of_another_authority_is_another_record(database: Database) -> None:
    take(database, event("A"))
    assert statuses(take(database, event("A", 1, "FR01"), code="US-CPSC")) == ["accepted"]


def test_new_parties_get_the_next_indexes_and_commitments_that_open(database: Database) -> None:
    take(database, event("A", 7), event("B", 3), event("C", 7))
    take(database, event("D", 9), event("E", 3))
    with database.read_vault() as connection:
        known = list(identities.stream_identities(connection))
    assert [(each.enterprise, each.party_key) for each in known] == [
        (1, party(7).key),
        (2, party(3).key),
        (3, party(9).key),
    ]
    for each in known:
        verify_identity(each.commitment, each.salt, each.party_key)
    assert len({each.salt for each in known}) == 3
    assert [row.enterprise for row in stored(database)] == [1, 2, 1, 3, 2]


def test_a_refused_row_registers_no_party(database: Database) -> None:
    take(database, change("R", "nothing", 5))
    with database.read_vault() as connection:
        assert list(identities.stream_identities(connection)) == []


def test_documents_open_with_the_master_key_only_and_can_be_erased(database: Database) -> None:
    take(database, event("A"), event("B", 2))
    with database.write_vault() as connection:
        connection.execute(vault.commands.update().values(number=vault.commands.c.seq))
    with database.read_vault() as connection:
        one, two = (documents.sealed_document(connection, GACC.number, number) for number in (1, 2))
        macs = dict(connection.execute(select(vault.commands.c.number, vault.commands.c.content_mac)).all())
        kept = {1: documents.Kept("A", one, 0, macs[1]), 2: documents.Kept("B", two, 0, macs[2])}
        assert documents.kept_records(connection, GACC.number, [2, 1, 9]) == kept
        with pytest.raises(NotFound):
            documents.sealed_document(connection, GACC.number, 3)
    opened = documents.open_document(KEYS.master_key, one)
    assert opened.content == canonical_document("GACC", event("A"))
    assert b"document of A" not in one.sealed
    for broken in (one._replace(sealed=two.sealed), one._replace(commitment=two.commitment)):
        with pytest.raises(BadProof):
            documents.open_document(KEYS.master_key, broken)
    with pytest.raises(BadProof):
        documents.open_document(b"x" * 32, one)
    with database.write_vault() as connection:
        documents.erase_document(connection, GACC.number, 1)
        documents.erase_document(connection, GACC.number, 1)
        with pytest.raises(NotFound):
            documents.erase_document(connection, GACC.number, 3)
    with database.read_vault() as connection, pytest.raises(documents.Erased):
        documents.open_document(KEYS.master_key, documents.sealed_document(connection, GACC.number, 1))


# ---------------------------------------------------------------------- what lifecycle records refer to


def test_lifecycle_records_refer_to_earlier_events_of_the_same_call_or_before(database: Database) -> None:
    take(database, event("A"))
    outcomes = take(database, change("R1", "A"), event("B", 2), change("R2", "B", 2, "LC03"))
    assert statuses(outcomes) == ["accepted"] * 3
    by_reference = {row.reference: row for row in stored(database)}
    assert by_reference["R1"].ref_command == by_reference["A"].seq
    assert by_reference["R2"].ref_command == by_reference["B"].seq
    assert by_reference["R1"].severity == 0


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        (change("R", "nothing"), "refers_to", "unknown"),
        (change("R", "theirs"), "refers_to", "unknown: the authority has no such record"),
        (change("R", "A", 2), "refers_to", "about another enterprise"),
        (change("R", "A", 99), "refers_to", "about another enterprise"),
        (change("R", "L"), "refers_to", "LC02, not an event"),
        (change("R", "A", decided_on=DAY - 1), "decided_on", "before the record"),
        (change("R", "good", 1, "LC03"), "refers_to", "cannot be repaired"),
        (change("R", "K", named_party("US", "Acme"), "LC03"), "refers_to", "revoked only"),
    ],
)
def test_what_a_lifecycle_record_may_not_refer_to(
    database: Database, row: Submission, field: str, said: str
) -> None:
    theirs = event("theirs", 1, "FR01")
    take(database, theirs, code="US-CPSC")
    with database.write_vault() as connection:
        connection.execute(
            vault.batches.insert().values(
                authority=AUTHORITIES["US-CPSC"].number,
                first_number=1,
                count=1,
                records=b"",
                sealed_at=0,
                sealed_block=0,
            )
        )
    positive = next(
        each.code
        for each in CATALOGUE.types
        if each.kind == "event" and not each.repairable and each.open_to("GACC")
    )
    take(
        database,
        event("A"),
        change("L", "A"),
        event("B", 2),
        event("good", 1, positive),
        link("K", "Acme", 1),
    )
    error = only_error(take(database, row)[0])
    assert error.field == field
    assert said in error.reason


def test_a_record_of_a_linked_enterprise_is_changed_where_it_stands(database: Database) -> None:
    take(database, event("A", named_party("US", "Acme")), event("B", 2))
    asked: list[tuple[int, int]] = []

    def linked(one: int, other: int) -> bool:
        asked.append((one, other))
        return True

    assert statuses(take(database, change("R", "A", 2), linked=linked)) == ["accepted"]
    assert asked == [(2, 1)]
    row = stored(database)[-1]
    assert (row.enterprise, row.ref_command) == (1, 1)
    with database.write_vault() as connection:
        connection.execute(vault.commands.update().values(number=vault.commands.c.seq))
        sealed = documents.sealed_document(connection, GACC.number, row.seq)
    content = documents.open_document(KEYS.master_key, sealed).content
    assert b'"party":"name:US:' in content
    assert party(2).text.encode() in content
    assert statuses(take(database, change("R", "A", 2), linked=linked)) == ["duplicate"]


def test_a_change_of_the_referred_record_is_other_content(database: Database) -> None:
    take(database, event("A"), event("B"), change("R", "A"))
    error = only_error(take(database, change("R", "B"))[0])
    assert error.field == "refers_to"


# ---------------------------------------------------------------------- links


def test_a_link_brings_its_mirror_and_its_revocation_revokes_both(database: Database) -> None:
    take(database, event("B", 2))
    assert statuses(take(database, link("K", "Acme", 2))) == ["accepted"]
    assert statuses(take(database, change("U", "K", named_party("US", "Acme")))) == ["accepted"]
    rows = [
        (r.reference, r.part, CATALOGUE.by_number[r.type].code, r.enterprise, r.ref_enterprise, r.ref_command)
        for r in stored(database)[1:]
    ]
    assert rows == [
        ("K", 0, "LK01", 2, 1, None),
        ("K", 1, "LK02", 1, 2, None),
        ("U", 0, "LC02", 2, None, 2),
        ("U", 1, "LC02", 1, None, 3),
    ]
    assert statuses(take(database, link("K", "Acme", 2))) == ["duplicate"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (link("K", "Acme", 5), "unknown"),
        (link("K", "Acme", 2)._replace(party=party(2)), "party itself"),
        (link("K", "Acme", 2)._replace(type=CATALOGUE.by_code["LK02"]), "LK01"),
    ],
)
def test_links_that_cannot_be(database: Database, row: Submission, said: str) -> None:
    take(database, event("B", 2))
    assert said in only_error(take(database, row)[0]).reason


# ---------------------------------------------------------------------- mandates on the chain


def test_a_type_outside_the_mandate_on_the_chain_is_refused_at_the_door(database: Database) -> None:
    def mandate(bits: int, since: int, block: int) -> tuple[Any, ...]:
        return (
            GACC.number,
            bits.to_bytes(32, "big"),
            bytes(32),
            since.to_bytes(8, "big"),
            block,
            b"h" * 32,
            0,
        )

    with database.write_index() as connection:
        insert_rows(connection, index.mandates, [mandate(GACC.mandate, 100, 1), mandate(1 << 5, 200, 2)])
    assert statuses(take(database, event("A"), clock=lambda: 199.0)) == ["accepted"]
    error = only_error(take(database, event("B"), clock=lambda: 200.0)[0])
    assert (error.field, error.value) == ("type", "CU04")
    assert "mandate of GACC on the chain" in error.reason
    assert statuses(take(database, event("C", 1, "CU05"), clock=lambda: 200.0)) == ["accepted"]
    with database.write_index() as connection:  # a chain whose time runs ahead of the clock
        insert_rows(connection, index.blocks, [(9, b"h" * 32, 201)])
    assert only_error(take(database, event("B"), clock=lambda: 0.0)[0]).field == "type"


# ---------------------------------------------------------------------- several at once

RACE = """
import sys, pathlib
sys.path.insert(0, {tests!r})
from house import *
from ledger.store.database import open_database
with open_database({url!r}, pathlib.Path({folder!r})) as database:
    for start in range(0, 60, 6):
        rows = [(n, event(f"R{{n}}", n % 20)) for n in range(start, start + 6)]
        rows += [(n, event(f"{name}-{{n}}", 20 + n % 20)) for n in range(start, start + 6)]
        from ledger.outbox.accept import accept
        assert "rejected" not in statuses(accept(database, Keys(), CATALOGUE, GACC, rows, "race"))
"""


def test_processes_that_race_agree_on_one_record_and_one_identity_each(
    database: Database, database_url: str | None, tmp_path: Path
) -> None:
    script = RACE.replace("{name}", "{name}")
    racing = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                script.format(
                    tests=str(Path(__file__).parent),
                    url=database_url,
                    folder=str(tmp_path),
                    name=f"P{number}",
                ),
            ]
        )
        for number in range(3)
    ]
    assert [each.wait(120) for each in racing] == [0, 0, 0]
    rows = stored(database)
    assert [row.seq for row in rows] == list(range(1, 60 + 3 * 60 + 1))
    assert len({row.reference for row in rows}) == len(rows)
    with database.read_vault() as connection:
        known = list(identities.stream_identities(connection))
        assert [each.enterprise for each in known] == list(range(1, 41))
        assert len({each.party_key for each in known}) == 40
        kept = connection.scalar(select(func.count()).select_from(vault.documents))
    assert kept == len(rows)
