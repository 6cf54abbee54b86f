"""Nobody takes everything: how much of one key is worked on at once, and how many large reads of all keys.

The work is Python in one process: what one caller's requests take, all others wait for. So of one key a few
requests are worked on at a time while its others wait in line, and reads of a very large record are turned
away when some are under way already.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool

from ledger.errors import Busy
from ledger.index.extents import is_large

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ledger.store.database import Database

#: Requests of one key that are worked on at a time, and that may be under way, waiting ones among them.
AT_ONCE: Final = 4
UNDER_WAY: Final = 64
#: The line of what needs no key: readiness, metrics, the description and what is not there.
OPEN: Final = ""
#: Requests with any valid key that may be under way; in each line of those without; keys looked up.
KEYED_UNDER_WAY: Final = 256
STRANGERS_UNDER_WAY: Final = 32
LOOKUPS: Final = 64
#: Tokens remembered as those of a key.
_REMEMBERED: Final = 10_000
#: Reads of large records at a time, of all keys and of one.
LARGE_READS: Final = 2
LARGE_READS_OF_ONE: Final = 1
#: Records from which on a read is large, of a score and of evidence: what takes tenths of a second.
LARGE_SCORE: Final = 5_000
LARGE_EVIDENCE: Final = 1_000


class Turns:
    """Gives the requests of each key their turns, and strangers one line between them; for one event loop.

    `key_of` says which key a token belongs to (None: to none), in a thread.
    """

    def __init__(self, key_of: Callable[[str], str | None]) -> None:
        self._key_of = key_of
        self._lookups = 0
        self._keys: dict[bytes, str] = {}
        self._lines: dict[str | None, asyncio.Semaphore] = {}
        self._under_way: Counter[str | None] = Counter()

    async def key_of(self, token: str) -> str | None:
        """Return the id of the key a token belongs to, revoked since or not; None if none. Raises `Busy`."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._keys.get(digest)
        if known is not None:
            return known
        if self._lookups >= LOOKUPS:
            raise Busy(f"{LOOKUPS} keys are being looked up, the most that are at once")
        self._lookups += 1
        try:
            found = await run_in_threadpool(self._key_of, token)
        finally:
            self._lookups -= 1
        if found is not None:
            if len(self._keys) >= _REMEMBERED:
                self._keys.clear()
            self._keys[digest] = found
        return found

    @contextlib.asynccontextmanager
    async def of(self, key: str | None) -> AsyncIterator[None]:
        """Wait for the turn of a request with this key, with none that holds, or `OPEN`. Raises `Busy`."""
        self._check(key)
        self._under_way[key] += 1
        try:
            async with self._lines.setdefault(key, asyncio.Semaphore(AT_ONCE)):
                yield
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key], self._lines[key]

    def _check(self, key: str | None) -> None:
        if not key:
            if self._under_way[key] >= STRANGERS_UNDER_WAY:
                raise Busy(
                    f"{STRANGERS_UNDER_WAY} requests without a valid key are under way, the most at once"
                )
        elif self._under_way[key] >= UNDER_WAY:
            raise Busy(f"{UNDER_WAY} requests with this key are under way, the most that are taken at once")
        elif sum(many for line, many in self._under_way.items() if line) >= KEYED_UNDER_WAY:
            raise Busy(f"{KEYED_UNDER_WAY} requests are under way, the most that are taken at once")


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
