"""Opening, migrating, locking and writing: the same on both kinds of database."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from ledger.errors import Busy, LedgerError, Misconfigured
from ledger.store import index, migrate, vault
from ledger.store.bulk import insert_rows
from ledger.store.database import Database, StoreUnavailable, open_database

if TYPE_CHECKING:
    from pathlib import Path

FOR_EVER = (1 << 64) - 1


def test_migrations_make_exactly_the_tables_the_code_describes(database: Database) -> None:
    for engine, line, tables in (
        (database.vault, migrate.VAULT, vault.metadata),
        (database.index, migrate.INDEX, index.metadata),
    ):
        with engine.connect() as connection:
            if database.kind == "postgresql":
                connection.execute(text(f'SET search_path TO "{line.name}"'))
            context = MigrationContext.configure(
                connection, opts={"compare_type": database.kind == "postgresql"}
            )
            ours = [each for each in compare_metadata(context, tables) if "alembic_version" not in str(each)]
        assert ours == []


def test_head_constants_are_the_heads_of_the_scripts(database: Database) -> None:
    assert migrate.revision(database.vault, migrate.VAULT) == migrate.VAULT.head
    assert migrate.revision(database.index, migrate.INDEX) == migrate.INDEX.head


def test_an_open_that_is_up_to_date_does_not_import_alembic(database_url: str | None, tmp_path: Path) -> None:
    open_database(database_url, tmp_path).close()
    script = (
        "import sys, pathlib; from ledger.store.database import open_database;"
        f"open_database({database_url!r}, pathlib.Path({str(tmp_path)!r})).close();"
        "sys.exit('alembic' in sys.modules or 'web3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_tables_of_a_newer_version_are_refused(database_url: str | None, tmp_path: Path) -> None:
    with open_database(database_url, tmp_path) as opened, opened.write_vault() as connection:
        table = "vault.alembic_version" if database_url else "alembic_version"
        connection.execute(text(f"UPDATE {table} SET version_num = 'from_the_future'"))
    with pytest.raises(Misconfigured, match="another version"):
        open_database(database_url, tmp_path)


def test_several_processes_may_open_a_new_database_at_once(database_url: str | None, tmp_path: Path) -> None:
    script = (
        "import pathlib; from ledger.store.database import open_database;"
        f"open_database({database_url!r}, pathlib.Path({str(tmp_path)!r})).close()"
    )
    racing = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(4)]
    assert [each.wait(60) for each in racing] == [0, 0, 0, 0]


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite:///x", "no address", "postgresql+asyncpg://x/y"])
def test_other_databases_are_refused_by_name(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        open_database(url, tmp_path)


def test_a_server_that_does_not_answer_is_worth_a_retry(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_database(f"postgresql://ledger:secret@/x?host={tmp_path}", tmp_path)
    assert caught.value.retry_helps
    assert "secret" not in str(caught.value)


def test_a_lock_excludes_threads_and_processes_and_ends_with_its_block(database: Database) -> None:
    with database.lock("sender"):
        with pytest.raises(Busy, match="sender"), database.lock("sender"):
            pass
        with database.lock("follower"):
            pass
    with database.lock("sender", timeout=1):
        pass


def test_waiting_for_a_lock_gets_it_when_it_is_given_up(database: Database) -> None:
    held = threading.Event()

    def hold() -> None:
        with database.lock("sender"):
            held.set()
            time.sleep(0.2)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    with database.lock("sender", timeout=5):
        assert not holder.is_alive() or holder.join(5) is None


def test_a_lock_ends_with_its_process(database: Database, database_url: str | None, tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys; from ledger.store.database import open_database;"
        f"lock = open_database({database_url!r}, pathlib.Path({str(tmp_path)!r})).lock('sender');"
        "lock.__enter__(); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Busy), database.lock("sender"):
        pass
    holder.kill()
    holder.wait(10)
    with database.lock("sender", timeout=10):
        pass


def test_an_error_rolls_the_transaction_back(database: Database) -> None:
    with pytest.raises(LedgerError), database.write_vault() as connection:  # noqa: PT012
        connection.execute(insert(vault.documents).values(seq=1, sealed=b"s", wrapped_key=None))
        raise LedgerError("no")
    with database.read_vault() as connection:
        assert connection.scalar(select(func.count()).select_from(vault.documents)) == 0


def test_writers_wait_for_each_other_and_lose_no_update(database: Database) -> None:
    with database.write_vault() as connection:
        connection.execute(insert(vault.scores).values(epoch=1, enterprise=1, milli=0, grade=1))

    def add() -> None:
        for _ in range(20):
            with database.write_vault() as connection:
                found = connection.scalar(select(vault.scores.c.milli)) or 0
                connection.execute(vault.scores.update().values(milli=found + 1))

    writers = [threading.Thread(target=add) for _ in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    with database.read_vault() as connection:
        assert connection.scalar(select(vault.scores.c.milli)) == 80


def test_a_reader_keeps_its_snapshot_while_others_write(database: Database) -> None:
    count = select(func.count()).select_from(vault.scores)
    with database.read_vault() as reader:
        assert reader.scalar(count) == 0
        with database.write_vault() as writer:
            writer.execute(insert(vault.scores).values(epoch=1, enterprise=1, milli=0, grade=1))
        assert reader.scalar(count) == 0


@pytest.mark.parametrize("many", [1, 19, 20, 3000])
def test_bulk_inserts_keep_every_value(database: Database, many: int) -> None:
    rows = [
        (number, f"0x{number:040x}", (FOR_EVER - number).to_bytes(8, "big"), bytes(8), number, b"h" * 32, 0)
        for number in range(many)
    ]
    with database.write_index() as connection:
        insert_rows(connection, index.keys, rows)
    with database.read_index() as connection:
        found = connection.execute(select(index.keys).order_by(index.keys.c.block_number)).all()
    assert [each.valid_from for each in found] == [FOR_EVER - number for number in range(many)]
    assert all(each.valid_until == 0 and each.block_hash == b"h" * 32 for each in found)
    assert [each.key for each in found] == [row[1] for row in rows]


@pytest.mark.parametrize("many", [2, 40])
def test_bulk_inserts_refuse_a_taken_key(database: Database, many: int) -> None:
    rows = [(7, b"r" * 32, 1, b"h" * 32, 0)] * many
    with pytest.raises(IntegrityError), database.write_index() as connection:
        insert_rows(connection, index.tree_heads, rows)
