"""The embedded chain's storage: a key-value table in SQLite, one durable transaction per block.

Nearly every value is stored under its own Keccak-256 (headers, trie nodes, code), so a value read back is
checked against its key: a byte changed on disk is noticed when it is read, before anything follows from it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger.crypto.hashing import keccak256
from ledger.errors import ChainDamaged, ChainUnavailable
from ledger.files import disk_fault, open_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: py-evm's key for the hash of the last block.
HEAD = b"v1:canonical_head_hash"
#: Bytes of values kept in memory after reading or writing, oldest dropped first.
CACHE_BYTES = 32 << 20
_SETUP = (
    "PRAGMA page_size=8192",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-16384",
    "CREATE TABLE IF NOT EXISTS kv(k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID",
)


class Store:
    """Bytes by key. Writes collect in memory; `flush` makes them durable all at once, `discard` forgets them.

    This is the database interface py-evm expects (`eth.abc.AtomicDatabaseAPI`), without importing py-evm. It
    is not thread safe: the node that owns it holds a lock. Raises `ChainDamaged` where the file is not
    what this class wrote.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()
        self._dirty: dict[bytes, bytes | None] = {}
        self._cache: dict[bytes, bytes] = {}
        self._cached = 0

    def _open(self) -> None:
        """Open the file, to read only where there is no room to write it."""
        try:
            self._sql, self._reads_only = open_sqlite(self._path)
            for statement in () if self._reads_only else _SETUP:
                self._sql.execute(statement)
        except sqlite3.DatabaseError as error:
            fault = disk_fault(error)
            if fault is not None:
                raise fault from None
            raise ChainDamaged(f"{self._path} cannot be opened as the embedded chain: {error}") from None

    def close(self) -> None:
        """Close the file. What was not flushed is forgotten."""
        self._sql.close()

    def __getitem__(self, key: bytes) -> bytes:
        value = self._dirty.get(key)
        if value is not None:
            return value
        if key in self._dirty:
            raise KeyError(key)
        value = self._cache.get(key)
        if value is None:
            try:
                row = self._sql.execute("SELECT v FROM kv WHERE k=?", (key,)).fetchone()
            except sqlite3.DatabaseError as error:
                if disk_fault(error) is not None:
                    raise ChainUnavailable(f"the embedded chain cannot be read: {error}") from None
                raise ChainDamaged(f"the embedded chain's file cannot be read: {error}") from None
            if row is None:
                raise KeyError(key)
            value = _checked(key, row[0])
            self._keep(key, value)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._dirty[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self._dirty[key] = None

    def __contains__(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        """Return the value, or `default` where there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def holds_a_chain(self) -> bool:
        """Whether a genesis block was written."""
        return HEAD in self

    def set(self, key: bytes, value: bytes) -> None:
        """Set a value (py-evm's name for it)."""
        self[key] = value

    def exists(self, key: bytes) -> bool:
        """Whether there is a value (py-evm's name for it)."""
        return key in self

    def delete(self, key: bytes) -> None:
        """Delete a value if there is one (py-evm's name for it)."""
        if key in self:
            self._dirty[key] = None

    @contextmanager
    def atomic_batch(self) -> Iterator[Store]:
        """Write straight through: every write is part of the block's transaction, or discarded with it."""
        yield self

    def flush(self) -> None:
        """Make all writes durable, or none: returns after the disk has them. Raises `ChainUnavailable`."""
        if self._reads_only:  # there may be room by now
            self._sql.close()
            self._open()
        puts = [(key, value) for key, value in self._dirty.items() if value is not None]
        deletes = [(key,) for key, value in self._dirty.items() if value is None]
        puts.sort()  # neighbouring keys share pages
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            self._sql.executemany("INSERT OR REPLACE INTO kv VALUES(?,?)", puts)
            self._sql.executemany("DELETE FROM kv WHERE k=?", deletes)
            self._sql.execute("COMMIT")
        except BaseException as error:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise ChainUnavailable(f"the embedded chain cannot be written: {error}") from None
            raise
        for key, value in puts:
            self._keep(key, value)
        for (key,) in deletes:
            self._cache.pop(key, None)
        self._dirty.clear()

    def discard(self) -> None:
        """Forget everything written since the last flush."""
        self._dirty.clear()

    def _keep(self, key: bytes, value: bytes) -> None:
        self._cache[key] = value
        self._cached += len(key) + len(value)
        if self._cached > CACHE_BYTES:
            for old in list(self._cache)[: len(self._cache) // 4 + 1]:
                del self._cache[old]
            self._cached = sum(len(k) + len(v) for k, v in self._cache.items())


def _checked(key: bytes, value: bytes) -> bytes:
    """Return the value if it belongs under its key. py-evm's other keys are text, longer or shorter."""
    if len(key) == 32 and not key.startswith(b"v1:") and keccak256(value) != key:
        raise ChainDamaged(f"the value stored under 0x{key.hex()} is not the one that was written")
    return value
