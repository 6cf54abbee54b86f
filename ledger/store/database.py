"""The vault and the index, opened: two SQLite files in the data folder, or two schemas on PostgreSQL.

    with open_database(None, Path("data")) as database:
        with database.write_vault() as connection: ...   # one transaction, no other writer
        with database.read_index() as connection: ...    # one snapshot

SQLite: write-ahead logs, so that readers never wait; the vault is flushed at every commit
(`synchronous=FULL`), the index only at checkpoints, because it can be rebuilt. PostgreSQL: tables carry no
schema of their own, SQLAlchemy puts it in front (`schema_translate_map`), so that both kinds run the same
statements.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy import text

from ledger.errors import Misconfigured
from ledger.store import index as index_tables
from ledger.store import locks, migrate, postgresql, sqlite
from ledger.store import vault as vault_tables
from ledger.store.connections import Connections
from ledger.store.failures import StoreUnavailable, TablesMissing, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine, MetaData

#: Seconds that anybody waits for another's lock, or for a connection, before hearing `Busy`.
BUSY_SECONDS = 15
#: Connections to a server that one process has at most, with the one for locks.
CONNECTIONS = 4

__all__ = ["BUSY_SECONDS", "CONNECTIONS", "Database", "StoreUnavailable", "TablesMissing", "open_database"]


@dataclass(frozen=True)
class Database:
    """The vault and the index; of a server, its locks and how many connections there may be."""

    vault: Engine
    index: Engine
    #: Where the files are; None: on a server.
    folder: Path | None
    locks: locks.ServerLocks | None = None
    connections: Connections | None = None

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.vault.dialect.name

    @contextlib.contextmanager
    def write_vault(self) -> Iterator[Connection]:
        """One vault transaction with no other writer: committed at the end, rolled back on an error."""
        with self._transaction(self.vault, "vault", write=True) as connection:
            yield connection

    @contextlib.contextmanager
    def read_vault(self) -> Iterator[Connection]:
        """One snapshot of the vault."""
        with self._transaction(self.vault, "vault", write=False) as connection:
            yield connection

    @contextlib.contextmanager
    def write_index(self) -> Iterator[Connection]:
        """One index transaction with no other writer: committed at the end, rolled back on an error."""
        with self._transaction(self.index, "index", write=True) as connection:
            yield connection

    @contextlib.contextmanager
    def read_index(self) -> Iterator[Connection]:
        """One snapshot of the index."""
        with self._transaction(self.index, "index", write=False) as connection:
            yield connection

    @contextlib.contextmanager
    def lock(self, name: str, timeout: float = 0.0) -> Iterator[None]:
        """Hold a lock that no other process or thread holds. Raises `Busy` after `timeout` seconds."""
        if self.locks is not None:
            with translated(), self.locks.hold(name, timeout):
                yield
        else:
            assert self.folder is not None
            with locks.file_lock(self.folder / "locks", name, timeout):
                yield

    def renew_index(self) -> None:
        """Make the tables of the index anew and empty, whatever is left of them.

        The caller holds the lock `follower`, and follows then.
        """
        with self.lock("migrate", timeout=60), translated():
            try:
                with translated():
                    migrate.drop(self.index, migrate.INDEX, index_tables.metadata)
            except TablesMissing:
                if self.folder is None:
                    raise
                self.index.dispose()  # the file is damaged; whoever has it open takes up the new one
                sqlite.remove(self.folder / INDEX_FILE)
            migrate.upgrade(self.index, migrate.INDEX)

    @contextlib.contextmanager
    def _transaction(self, engine: Engine, name: str, *, write: bool) -> Iterator[Connection]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(translated())
            if self.connections is not None:
                stack.enter_context(self.connections.one())
            connection = stack.enter_context(engine.connect())
            if self.connections is None:
                connection.execution_options(ledger_write=write)
            elif write:
                # A snapshot for the whole transaction would be taken before the lock below is had: too early.
                connection.execution_options(isolation_level="READ COMMITTED")
            stack.enter_context(connection.begin())
            if write and self.connections is not None:
                connection.execute(_ALONE, {"key": locks.lock_key(f"write-{name}"), "idle": _IDLE})
            yield connection

    def close(self) -> None:
        """Give back all connections."""
        self.vault.dispose()
        self.index.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


#: Wait for the other writers of this part (as long as `lock_timeout` says); stand idle no longer than this.
_ALONE = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :idle, true), pg_advisory_xact_lock(:key)"
)
_IDLE = f"{postgresql.IDLE_SECONDS}s"
VAULT_FILE, INDEX_FILE = "vault.db", "index.db"


def open_database(
    url: str | None,
    data_dir: Path,
    connections: int = CONNECTIONS,
    *,
    renew_index: bool = False,
    vault_opened: Callable[[Database], None] = lambda _: None,
) -> Database:
    """Open the databases, creating or migrating their tables where that is due.

    `url` is None for SQLite in `data_dir`, or `postgresql+psycopg://...` (`postgresql://` is taken as that),
    of which this process takes `connections` at most. `renew_index`: an index of another version, or a
    damaged one, is made anew and empty. `vault_opened` may look into the vault, and raise, before anything
    else is looked at. Raises `Misconfigured` for any other address, a server that is not
    UTF8, a role without the rights, and tables of another version of this software; `StoreUnavailable` when
    the server does not answer.
    """
    database = _on_postgresql(url, connections) if url else _on_sqlite(data_dir)
    try:
        _bring_up(database, database.vault, migrate.VAULT)
        vault_opened(database)
        _compare(database.vault, migrate.VAULT, vault_tables.metadata)
        _open_index(database, renew=renew_index)
    except BaseException:
        database.close()
        raise
    return database


def _open_index(database: Database, *, renew: bool) -> None:
    try:
        _bring_up(database, database.index, migrate.INDEX)
        _compare(database.index, migrate.INDEX, index_tables.metadata)
    except (Misconfigured, TablesMissing) as error:
        if not renew:
            raise Misconfigured(f"{error}; credit-ledger rebuild makes the index anew") from error
        with database.lock("follower", timeout=60):
            database.renew_index()


def _bring_up(database: Database, engine: Engine, line: migrate.Line) -> None:
    with translated():
        if migrate.revision(engine, line) == line.head:
            return
    with database.lock("migrate", timeout=60), translated():
        found = migrate.revision(engine, line)
        if found is None and migrate.has_tables(engine, line):
            raise Misconfigured(f"the {line.name} has tables, and nothing says of which version they are")
        if found != line.head:
            migrate.upgrade(engine, line)


def _compare(engine: Engine, line: migrate.Line, tables: MetaData) -> None:
    with translated(), engine.connect() as connection:
        fault = migrate.differs(connection, line, tables)
    if fault:
        raise Misconfigured(f"the {line.name} was made by another version of this software: {fault}")


def _on_sqlite(data_dir: Path) -> Database:
    data_dir.mkdir(parents=True, exist_ok=True)
    return Database(
        vault=sqlite.make_engine(data_dir / VAULT_FILE, "FULL", BUSY_SECONDS),
        index=sqlite.make_engine(data_dir / INDEX_FILE, "NORMAL", BUSY_SECONDS),
        folder=data_dir,
    )


def _on_postgresql(url: str, connections: int) -> Database:
    parsed = postgresql.parse(url)
    pooled = max(2, connections - 1)
    engine = postgresql.make_engine(parsed, pooled, BUSY_SECONDS)
    return Database(
        vault=postgresql.in_schema(engine, "vault"),
        index=postgresql.in_schema(engine, "index"),
        folder=None,
        locks=locks.ServerLocks(postgresql.make_lock_engine(parsed, BUSY_SECONDS)),
        connections=Connections(pooled, BUSY_SECONDS),
    )
