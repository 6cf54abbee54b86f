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
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError

from ledger.errors import Busy, LedgerError, Misconfigured
from ledger.store import locks, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

#: Seconds a writer waits for another before it gives up with `Busy`.
BUSY_SECONDS = 30


class StoreUnavailable(LedgerError):
    """The database does not answer, or its disk is full."""

    code: ClassVar[str] = "store-unavailable"
    retry_helps: ClassVar[bool] = True


@dataclass(frozen=True)
class Database:
    """The vault and the index. `locks` is the folder of lock files; None: PostgreSQL keeps the locks."""

    vault: Engine
    index: Engine
    lock_folder: Path | None

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.vault.dialect.name

    @contextlib.contextmanager
    def write_vault(self) -> Iterator[Connection]:
        """One vault transaction with no other writer: committed at the end, rolled back on an error."""
        with _transaction(self.vault, "vault", write=True) as connection:
            yield connection

    @contextlib.contextmanager
    def read_vault(self) -> Iterator[Connection]:
        """One snapshot of the vault."""
        with _transaction(self.vault, "vault", write=False) as connection:
            yield connection

    @contextlib.contextmanager
    def write_index(self) -> Iterator[Connection]:
        """One index transaction with no other writer: committed at the end, rolled back on an error."""
        with _transaction(self.index, "index", write=True) as connection:
            yield connection

    @contextlib.contextmanager
    def read_index(self) -> Iterator[Connection]:
        """One snapshot of the index."""
        with _transaction(self.index, "index", write=False) as connection:
            yield connection

    @contextlib.contextmanager
    def lock(self, name: str, timeout: float = 0.0) -> Iterator[None]:
        """Hold a lock that no other process or thread holds. Raises `Busy` after `timeout` seconds."""
        if self.lock_folder is not None:
            with locks.file_lock(self.lock_folder, name, timeout):
                yield
        else:
            with _translated(), locks.advisory_lock(self.vault, name, timeout):
                yield

    def close(self) -> None:
        """Give back all connections."""
        self.vault.dispose()
        self.index.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_database(url: str | None, data_dir: Path) -> Database:
    """Open the databases, creating or migrating their tables where that is due.

    `url` is None for SQLite in `data_dir`, or `postgresql+psycopg://...` (`postgresql://` is taken as that).
    Raises `Misconfigured` for any other address, `StoreUnavailable` when the server does not answer, and
    `Misconfigured` when the tables were made by a newer version of this software.
    """
    database = _on_postgresql(url) if url else _on_sqlite(data_dir)
    try:
        _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _migrate(database: Database) -> None:
    sides = ((database.vault, migrate.VAULT), (database.index, migrate.INDEX))
    with _translated():
        due = [side for side in sides if migrate.revision(*side) != side[1].head]
    if not due:
        return
    with database.lock("migrate", timeout=60), _translated():
        for engine, line in due:
            if migrate.revision(engine, line) != line.head:
                migrate.upgrade(engine, line)


def _on_sqlite(data_dir: Path) -> Database:
    data_dir.mkdir(parents=True, exist_ok=True)
    return Database(
        vault=_sqlite(data_dir / "vault.db", "FULL"),
        index=_sqlite(data_dir / "index.db", "NORMAL"),
        lock_folder=data_dir / "locks",
    )


def _sqlite(path: Path, synchronous: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=16,
        hide_parameters=True,  # an error's text may reach a log; what people wrote must not
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver's own transactions begin too late to exclude writers
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA cache_size=-16384")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("ledger_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _on_postgresql(url: str) -> Database:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Misconfigured("the database address is not one that SQLAlchemy reads") from None
    if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
        raise Misconfigured(f"the database must be PostgreSQL through psycopg, not {parsed.drivername}")
    parsed = parsed.set(drivername="postgresql+psycopg")
    return Database(vault=_schema(parsed, "vault"), index=_schema(parsed, "index"), lock_folder=None)


def _schema(url: URL, schema: str) -> Engine:
    return create_engine(
        url,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        hide_parameters=True,
        execution_options={"schema_translate_map": {None: schema}},
    )


@contextlib.contextmanager
def _transaction(engine: Engine, name: str, *, write: bool) -> Iterator[Connection]:
    on_server = engine.dialect.name == "postgresql"
    with _translated(), engine.connect() as connection:
        if not on_server:
            connection.execution_options(ledger_write=write)
        elif write:
            # A snapshot for the whole transaction would be taken before the lock below is had: too early.
            connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            if write and on_server:
                key = locks.lock_key(f"write-{name}")
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield connection


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's complaints that a user may meet into the ledger's errors."""
    try:
        yield
    except IntegrityError:
        raise
    except OperationalError as error:
        why = (
            str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        )
        if "locked" in why or "busy" in why:
            raise Busy(f"the database is busy: {why}") from error
        raise StoreUnavailable(f"the database: {why}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable("the connection to the database was lost") from error
        raise
