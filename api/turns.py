"""Nobody takes everything: how much of one key is worked on at once, and how many large reads of all keys.

The work is Python in one process: what one caller's requests take, all others wait for. So of one key a few
requests are worked on at a time while its others wait in line, and reads of a very large record are turned
away when some are under way already.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

from ledger.errors import Busy
from ledger.index.extents import is_large

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ledger.store.database import Database

#: Requests of one key that are worked on at a time, and that may be under way, waiting ones among them.
AT_ONCE: Final = 4
UNDER_WAY: Final = 64
#: Reads of large records at a time, of all keys and of one.
LARGE_READS: Final = 2
LARGE_READS_OF_ONE: Final = 1
#: Records from which on a read is large, of a score and of evidence: what takes tenths of a second.
LARGE_SCORE: Final = 5_000
LARGE_EVIDENCE: Final = 1_000


class Turns:
    """Gives the requests of each key their turns; for one event loop."""

    def __init__(self) -> None:
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._under_way: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Wait for the turn of a request that comes with this key. Raises `Busy` if too many wait."""
        if self._under_way[key] >= UNDER_WAY:
            raise Busy(f"{UNDER_WAY} requests with this key are under way, the most that are taken at once")
        self._under_way[key] += 1
        try:
            async with self._lines.setdefault(key, asyncio.Semaphore(AT_ONCE)):
                yield
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key], self._lines[key]


class LargeReads:
    """Bounds the reads of large records that are under way, of all keys and of each; for many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextlib.contextmanager
    def room(self, key: str, enterprise: int, large: int) -> Iterator[None]:
        """Read an enterprise within the bounds, if it has `large` records or more. Raises `Busy`."""
        with self._database.read_index() as index:
            bounded = is_large(index, enterprise, large)
        if not bounded:
            yield
            return
        self._enter(key)
        try:
            yield
        finally:
            with self._guard:
                self._under_way -= Counter({key: 1})

    def _enter(self, key: str) -> None:
        with self._guard:
            if self._under_way[key] >= LARGE_READS_OF_ONE:
                raise Busy("this record is a very large one, and this key is reading such a one: try again")
            if self._under_way.total() >= LARGE_READS:
                raise Busy("this record is a very large one, and others like it are being read: try again")
            self._under_way[key] += 1
