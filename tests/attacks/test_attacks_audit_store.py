"""Every column of vault and index, changed to everything: the audit raises nothing and passes over nothing unsaid.

`docs/verification.md` says of each column what it is held to, or that nothing is; this file reads it there.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, change
from workflows_office import opened_copy
from workflows_rows import ALPHA, record_line, records_file

from ledger.audit.deviation import Deviation
from ledger.audit.replay import Replay
from ledger.bootstrap import Ledger
from ledger.chain.logs import read_facts
from ledger.errors import LedgerError
from ledger.settings import Settings
from ledger.store import access, answers, index, vault
from ledger.store.forms import misshapen
from ledger.store.types import Bytes, Flag, Int, Text
from ledger.workflows.assessing import assess
from ledger.workflows.audit_findings import guarded
from ledger.workflows.audit_index import IndexCheck
from ledger.workflows.audit_store import StoreCheck
from ledger.workflows.importing import import_file
from ledger.workflows.linking import link
from ledger.workflows.objecting import answer_objection, open_objection
from ledger.workflows.repairing import repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

    from ledger.audit.deviation import NotChecked
    from ledger.domain.facts import Fact

pytest_plugins = ["workflows_office", "audited_ledger"]

PAGE = (Path(__file__).parents[2] / "docs" / "verification.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("### Every column of vault and index")[2].partition("\n### ")[0]
#: What is put in the place of a value: nothing, another type, huge, negative, empty, bytes, text with escapes.
NUMBERS = (None, "zz", b"\xff", 7, 2**62, -1)
BYTES = (None, "zz", 7, b"", b"\xff")
TEXTS = (None, b"zz", "", "\x1b[2J\u202e\nThe ledger holds", "CAST(x'ff' AS TEXT)")
VALUES = {Int: NUMBERS, Flag: NUMBERS, Bytes: BYTES, Text: TEXTS}


# ---------------------------------------------------------------------- the list


def listed() -> dict[tuple[str, str], bool]:
    """Each column (`vault.identities`, `text`) of the page's table, and whether it is held to something."""
    found: dict[tuple[str, str], bool] = {}
    for line in re.findall(r"^\| (?:vault|index) \|.*$", SECTION, re.MULTILINE):
        where, tables, columns, said = line.strip("| ").split(" | ", 3)
        named = vault.metadata.tables if where == "vault" else index.metadata.tables
        for table in re.findall(r"`(\w+)`", tables):
            every = columns == "every column"
            for column in named[table].columns.keys() if every else re.findall(r"`(\w+)`", columns):
                assert (f"{where}.{table}", column) not in found, (table, column)
                found[f"{where}.{table}", column] = not said.startswith("nothing")
    return found


def schema() -> Iterator[tuple[str, str]]:
    for where, metadata in (("vault", vault.metadata), ("index", index.metadata)):
        for table in metadata.sorted_tables:
            yield from ((f"{where}.{table.name}", column.name) for column in table.columns)


def test_every_column_is_held_to_something_or_said_not_to_be() -> None:
    assert sorted(listed()) == sorted(schema())


# ---------------------------------------------------------------------- everything in every column


@pytest.fixture(scope="module")
def rich(lasting_office: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger with a row in every table, as far as there is one to be had by a verb."""
    ledger, folder = lasting_office, tmp_path_factory.mktemp("rows")
    gacc = ledger.authorities["GACC"]
    lines = record_line("R1"), record_line("N1", party="name:CN:Some Firm Ltd")
    import_file(ledger, records_file(folder / "rows.csv", *lines), "records", gacc)
    link(ledger, gacc, "name:CN:Some Firm Ltd", ALPHA, "same address")
    changes = record_line("C1", type="LC02", refers_to="R1", decided_on="2026-05-02")
    import_file(ledger, records_file(folder / "change.csv", changes), "records", gacc)
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, "rejected", "It was not.")
    assess(ledger)
    key, _ = access.create_key(ledger.db, access.Scope("audit", ""), "auditor", 1)
    access.revoke_key(ledger.db, key.id, 2)
    access.log_looks(ledger.db, [access.Look(1, access.Scope("audit", ""), key.id, "score", 1)])
    answers.claim(ledger.db, key.id, "once", bytes(32), 1)
    answers.settle(ledger.db, key.id, "once", answers.Answer(200, b"{}"))
    taken = {"id": 1, "at": 1, "first_block": 1, "looked": 1, "authority": 1, "holds": False}
    told = {"mark": "x", "said": "x", "done_block": 1, "done_log": 1, "given_up": "x"}
    unheld = {"authority": 0, "first": 99, "last": 99, "noted_at": 1}
    change(ledger, vault.taken_back.insert().values(taken | told), vault.unheld.insert().values(unheld))
    ledger.follower.catch_up()
    return ledger


class Store:
    """Vault or index in memory, without any constraint: what an attacker can make of a file."""

    def __init__(self, file: Path, tables: list[Table]) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        sqlite3.connect(file).backup(self.raw)
        for table in tables:
            self.raw.execute(f'ALTER TABLE "{table.name}" RENAME TO old')
            self.raw.execute(f'CREATE TABLE "{table.name}" AS SELECT * FROM old')
            self.raw.execute("DROP TABLE old")
        engine = create_engine("sqlite://", creator=lambda: self.raw, poolclass=StaticPool)
        self.connection: Connection = engine.connect()

    def put(self, table: Table, column: str, value: object) -> bool:
        """Change a column of one row; whether it is another value then."""
        here, last = f'"{table.name}"', f'rowid = (SELECT max(rowid) FROM "{table.name}")'
        kept = f'SELECT hex("{column}"), typeof("{column}") FROM {here} WHERE {last}'
        before = self.raw.execute(kept).fetchone()
        assert before is not None, f"{table.name} has no row"
        self.raw.execute("SAVEPOINT it")
        literal = isinstance(value, str) and value.startswith("CAST")
        given, arguments = (value, ()) if literal else ("?", (value,))
        self.raw.execute(f'UPDATE {here} SET "{column}" = {given} WHERE {last}', arguments)
        return bool(self.raw.execute(kept).fetchone() != before)

    def back(self) -> None:
        self.raw.execute("ROLLBACK TO it")
        self.raw.execute("RELEASE it")


class Whole:
    """A ledger read once, to be compared with its stores as they are at any moment."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, folder = ledger, ledger.settings.data_dir
        self._empty: dict[str, Connection] = {}
        self.vault = Store(folder / "vault.db", vault.metadata.sorted_tables)
        self.index = Store(folder / "index.db", [table for table, _ in index.FACTS])
        self.last = int(ledger.node.request("eth_blockNumber"), 16)
        where = ledger.deployment
        self.facts: list[Fact] = list(read_facts(ledger.node, where.addresses, where.block, self.last))
        self.replay = Replay()
        for fact in self.facts:
            assert not self.replay.apply(fact)
        assert not self.replay.finish()

    def found(self, where: str) -> list[Deviation | NotChecked]:
        """What is found of the vault, or of the index."""
        ledger, first = self.ledger, self.ledger.deployment.block
        if where == "index":
            check = IndexCheck(self.index.connection, self.last)
            found = guarded("the index", "", check.compare(self.facts, first, self.last))
            return [*found, *guarded("the index", "", check.outside(first))]
        if where not in self._empty:
            self._empty[where] = create_engine("sqlite://", poolclass=StaticPool).connect()
            index.metadata.create_all(self._empty[where])
        store = StoreCheck(self._empty[where], self.vault.connection, -1, ledger.keystore, ledger.catalogue)
        found_here = list(store.stretch(self.facts, first, self.last, self.replay.codes))
        return [*found_here, *store.end(self.replay, ledger.deployment, 1_900_000_000)]


@pytest.fixture(scope="module")
def whole(rich: Ledger) -> Whole:
    return Whole(rich)


def test_nothing_is_passed_over_whatever_any_column_of_the_vault_says(whole: Whole) -> None:
    # An enterprise that the chain has not cannot have been taken up: the one thing found before any change.
    assert [each.what for each in whole.found("vault")] == [
        "taken up and not on the chain",
        "identity not held",
    ]
    silent = set(compared(whole, "vault", vault.metadata.sorted_tables))
    held = {(table, column) for (table, column), is_held in listed().items() if is_held}
    assert not {each for each in silent if each[:2] in held}


def test_nothing_is_passed_over_whatever_any_column_of_the_index_says(whole: Whole) -> None:
    tables = [
        table
        for table, _ in index.FACTS
        if whole.index.raw.execute(f'SELECT 1 FROM "{table.name}"').fetchone()
    ]
    assert len(tables) >= 15
    assert list(compared(whole, "index", tables)) == []


def compared(whole: Whole, where: str, tables: list[Table]) -> Iterator[tuple[str, str, str]]:
    """Put everything in every column; yield where nothing more is found than before."""
    store = whole.vault if where == "vault" else whole.index
    held = listed()
    before = {True: whole.found(where), False: []}
    for table in tables:
        for column in table.columns:
            judged = held[f"{where}.{table.name}", column.name]
            for value in VALUES.get(column.type, BYTES):
                try:
                    if not store.put(table, column.name, value):
                        continue
                    # What nothing is held to is looked at for its form alone.
                    found = whole.found(where) if judged else list(misshapen(store.connection))
                    if found == before[judged]:
                        yield f"{where}.{table.name}", column.name, repr(value)
                finally:
                    store.back()


# ---------------------------------------------------------------------- the whole audit, where they lie


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("vault", "UPDATE documents SET sealed = 'zz'"),
        ("vault", "UPDATE identities SET salt = -1"),
        ("vault", "UPDATE batches SET records = 7"),
        ("vault", "UPDATE commands SET reference = CAST(x'ff' AS TEXT) WHERE seq = 1"),
        ("vault", "UPDATE submissions SET created_at = 'zz'"),
        ("vault", "INSERT INTO unheld VALUES (0, 1, 1000000000000, 1)"),
        ("vault", "INSERT INTO deployment SELECT 2, chain_id, genesis_hash, content FROM deployment"),
        ("index", "UPDATE cursor SET number = 'zz'"),
        ("index", "UPDATE cursor SET number = -1"),
        ("index", "INSERT INTO cursor VALUES (2, 5, x'00')"),
        ("index", "UPDATE enterprises SET log_index = 'zz'"),
    ],
)
def test_a_file_that_was_changed_is_named_and_ends_nothing(ledger: Ledger, file: str, statement: str) -> None:
    with sqlite3.connect(ledger.settings.data_dir / f"{file}.db") as raw:
        raw.execute(statement)
    report = audited(ledger)
    mended = file == "index" and "cursor" in statement  # following makes the index anew
    assert report.verdict == ("holds" if mended else "deviates"), report.to_text()


def test_what_was_taken_up_without_end_is_repaired(ledger: Ledger, tmp_path: Path) -> None:
    ones = [{"authority": 0, "first": 1, "last": 10**12, "noted_at": 1},
            {"authority": 1, "first": 3, "last": 10**12, "noted_at": 1}]  # fmt: skip
    change(ledger, vault.unheld.insert().values(ones))
    found = [(each.what, each.where) for each in audited(ledger).deviations]
    assert ("taken up and not on the chain", "enterprises 1 to 1000000000000") in found
    repair(ledger)
    path = records_file(tmp_path / "more.csv", record_line("R4", party="name:CN:Another Firm Ltd"))
    import_file(ledger, path, "records", ledger.authorities["GACC"])
    assert not audited(ledger).deviations


@pytest.mark.parametrize("content", ["zz", "[", "{}", "[" * 100_000, '{"chain_id": "1"}'])
def test_a_vault_that_does_not_say_where_its_contracts_are_is_refused(
    deployed: Path, tmp_path: Path, content: str
) -> None:
    with opened_copy(deployed, tmp_path / "data") as ledger:
        change(ledger, vault.deployment.update().values(content=content))
    with pytest.raises(LedgerError), Ledger.open(Settings(data_dir=tmp_path / "data", passphrase="test")):
        pass


def test_a_clock_beyond_the_calendar_is_a_time_all_the_same(ledger: Ledger) -> None:
    from ledger.cli.audit import _about

    far = 401_769_000_000.0  # the year 14702
    assert audited(ledger, clock=lambda: far).verdict in {"holds", "deviates"}
    about: dict[str, Any] = _about(ledger, far, [])
    assert about["begun"] == "401769000000 s since 1970, beyond the calendar"
