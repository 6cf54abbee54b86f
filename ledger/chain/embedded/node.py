"""The embedded chain as a `Node`: the method table on a locked store in the data folder."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ledger.chain.clock import SPAN_DAYS
from ledger.chain.connect import CHAIN_FILE
from ledger.chain.embedded.blocks import Blocks
from ledger.chain.embedded.clock import ChainClock
from ledger.chain.embedded.lock import ChainLock
from ledger.chain.embedded.methods import Methods
from ledger.chain.embedded.store import Store
from ledger.chain.embedded.taking_back import Removed, made_ahead, remove
from ledger.errors import ChainUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOCK = "chain.lock"


class EmbeddedNode:
    """The chain of one data folder, owned by this process until `close`. Any thread may call it."""

    def __init__(self, folder: Path, store: Store, lock: ChainLock, clock: ChainClock) -> None:
        self.where = f"the embedded chain in {folder}"
        self.folder = folder
        self._store = store
        self._lock = lock
        self._clock = clock
        self._methods = Methods(store, clock)
        self._guard = threading.RLock()
        self._open = True

    def request(self, method: str, *params: object, seconds: float | None = None) -> Any:
        """Call one method; given `seconds`, code is executed for as long at most (see `bounded`).

        Raises `RpcRefused`, `ChainDamaged`, `WrongClock`; `ChainUnavailable` after `close`.
        """
        with self._guard:
            if not self._open:
                raise ChainUnavailable(f"{self.where} is closed")
            return self._methods.answer(method, params, seconds)

    def requests(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call several methods; nothing comes between them. The first error is raised."""
        with self._guard:
            return [self.request(method, *params) for method, *params in calls]

    def made_ahead(self) -> list[Removed]:
        """Return the last blocks that were made while the clock showed more than it does now."""
        with self._guard:
            return made_ahead(Blocks(self._store), self._clock.now())

    def take_back(self, removed: list[Removed]) -> None:
        """Remove these blocks, the last ones (see `made_ahead`)."""
        with self._guard:
            remove(self._store, removed)
            self._methods = Methods(self._store, self._clock)

    def close(self) -> None:
        """Let another process own the chain. Doing so twice does nothing."""
        with self._guard:
            if self._open:
                self._open = False
                self._store.close()
                self._lock.release()


def open_embedded(folder: Path, funded: Sequence[str], span_days: int = SPAN_DAYS) -> EmbeddedNode:
    """Open the chain in `folder`, or start one whose genesis gives money to the `funded` addresses only.

    `span_days` is how long the chain may rest before the clock is asked about (see `clock`).
    Raises `Busy` (naming the process that has it) and `ChainDamaged`.
    """
    lock = ChainLock(folder / LOCK)
    try:
        store = Store(folder / CHAIN_FILE)
        clock = ChainClock(store, span_days=span_days)
        try:
            if not store.holds_a_chain():
                from ledger.chain.embedded.backend import DurableBackend  # noqa: PLC0415  py-evm takes a second

                DurableBackend(store, clock, [bytes.fromhex(address[2:]) for address in funded])
        except BaseException:
            store.close()
            raise
    except BaseException:
        lock.release()
        raise
    return EmbeddedNode(folder, store, lock, clock)
