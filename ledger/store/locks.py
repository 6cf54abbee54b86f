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
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.errors import Busy
from ledger.files import open_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def file_lock(folder: Path, name: str, timeout: float) -> Iterator[None]:
    """Hold the lock file `folder/name.lock`. Raises `Busy` after `timeout` seconds, `NotWritable`."""
    handle = open_lock(folder / f"{_checked(name)}.lock")
    try:
        _wait(lambda: _try_file(handle), name, timeout)
        yield
    finally:
        os.close(handle)


class ServerLocks:
    """The server's advisory locks of one process, all on one connection, which is open while there are any.

    Should it break, the server drops them all; their holders go on, and another process may begin. Nothing
    rests on these locks but that nobody does work twice: what is sent twice, the chain takes once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._held: set[str] = set()
        self._users = 0
        self._connection: Connection | None = None

    @contextlib.contextmanager
    def hold(self, name: str, timeout: float) -> Iterator[None]:
        """Hold the lock of this name. Raises `Busy` after `timeout` seconds of waiting."""
        key = lock_key(name)
        with self._guard:
            self._users += 1
        try:
            _wait(lambda: self._take(name, key), name, timeout)
            try:
                yield
            finally:
                self._give_back(name, key)
        finally:
            with self._guard:
                self._users -= 1
                if not self._users:
                    self._close()

    def _take(self, name: str, key: int) -> bool:
        with self._guard:
            if name in self._held or not self._ask("SELECT pg_try_advisory_lock(:key)", key):
                return False
            self._held.add(name)
            return True

    def _give_back(self, name: str, key: int) -> None:
        with self._guard:
            self._held.discard(name)
            if self._connection is not None:
                with contextlib.suppress(DBAPIError):  # with the connection, the lock is gone too
                    self._ask("SELECT pg_advisory_unlock(:key)", key)

    def _ask(self, question: str, key: int) -> bool:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            return bool(self._connection.scalar(text(question), {"key": key}))
        except DBAPIError:
            self._close()
            raise

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


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
