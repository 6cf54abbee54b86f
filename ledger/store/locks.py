"""Named locks between processes and threads: lock files beside SQLite, advisory locks in PostgreSQL.

Both end with their holder: the system drops a file's lock when the process dies, PostgreSQL its own when the
connection does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def file_lock(folder: Path, name: str, timeout: float) -> Iterator[None]:
    """Hold the lock file `folder/name.lock`. Raises `Busy` after `timeout` seconds of waiting."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / f"{_checked(name)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(lambda: _try_file(handle), name, timeout)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def advisory_lock(engine: Engine, name: str, timeout: float) -> Iterator[None]:
    """Hold the server's advisory lock of this name, on a connection of its own. Raises `Busy`."""
    key = lock_key(name)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        attempt = text("SELECT pg_try_advisory_lock(:key)")
        _wait(lambda: bool(connection.scalar(attempt, {"key": key})), name, timeout)
        try:
            yield
        finally:
            _unlock(connection, key)


def _unlock(connection: Connection, key: int) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
    except DBAPIError:
        connection.invalidate()  # the server drops the lock with the connection; a pooled one would keep it


def lock_key(name: str) -> int:
    """Return the 64-bit key of a name, as PostgreSQL wants it: signed."""
    digest = hashlib.sha256(b"credit-ledger/lock\0" + _checked(name).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a lock: {name!r}")
    return name


def _try_file(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(attempt: Callable[[], bool], name: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not attempt():
        if time.monotonic() >= deadline:
            raise Busy(f"another process holds the lock {name!r}; waited {timeout:g} s for it")
        time.sleep(_POLL_SECONDS)
