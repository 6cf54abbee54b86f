"""SQLite: two files in the data folder, with write-ahead logs, so that readers never wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from ledger.files import open_sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

_CACHE_KIB = 16384


def make_engine(path: Path, synchronous: str, patience: float) -> Engine:
    """Return the engine of one file; a writer waits `patience` seconds for another before it hears `Busy`.

    A connection whose file was replaced or removed under it is not used again: what it wrote would be seen by
    nobody. Nor is one that could only read, for want of room on the disk.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=lambda: open_sqlite(path, patience)[0],
        pool_size=16,
        pool_timeout=patience,
        hide_parameters=True,  # an error's text may reach a log; what people wrote must not
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()
        entry.info["file"] = _file(path)
        (entry.info["reads only"],) = connection.execute("PRAGMA query_only").fetchone()

    @event.listens_for(engine, "checkout")
    def same_file(_connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
        if entry.info.get("file") != _file(path):
            raise DisconnectionError("the file was replaced")
        if entry.info["reads only"] and entry.info.setdefault("used", 0):
            raise DisconnectionError("opened when there was no room to write, and others may have written")
        entry.info["used"] = 1

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("ledger_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def remove(path: Path) -> None:
    """Remove a database's file and what goes with it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
