"""When the embedded chain may make a block: never by a clock that is not to be believed (see `chain.clock`).

Two blocks never have the same second, so a chain that makes many at once runs ahead of the clock by
counting. What is compared is therefore not the last block's time but what the clock showed when it was made:
eight bytes in the header's extra data.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from ledger.chain.clock import SPAN_DAYS, clock_fault
from ledger.errors import WrongClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.embedded.store import Store

_KEY: Final = b"credit-ledger:clock-is-right"
_READING_BYTES: Final = 8


class _Made(Protocol):
    """A header, of this module's readers or of py-evm."""

    @property
    def timestamp(self) -> int:
        """Unix seconds."""

    @property
    def extra_data(self) -> bytes:
        """At most 32 bytes."""


def reading_of(header: _Made) -> int:
    """Return what the clock showed when a block was made, in Unix seconds."""
    data = bytes(header.extra_data)
    return int.from_bytes(data, "big") if len(data) == _READING_BYTES else header.timestamp


class ChainClock:
    """The clock of one chain, with what was said about it kept in the chain's store."""

    def __init__(
        self, store: Store, clock: Callable[[], float] | None = None, span_days: int = SPAN_DAYS
    ) -> None:
        self._store = store
        self._clock = clock
        self._span = span_days

    def now(self) -> int:
        """Return the clock's time in Unix seconds."""
        return int((self._clock or time.time)())

    def stamp(self) -> bytes:
        """Return the clock's time as a block's extra data."""
        return self.now().to_bytes(_READING_BYTES, "big")

    def fault(self, last: _Made) -> str | None:
        """Return why no block may be made after `last`, and what to do; None if one may."""
        said = int.from_bytes(self._store.get(_KEY) or b"", "big")
        return clock_fault(self.now(), reading_of(last), said, self._span, here=True)

    def check(self, last: _Made) -> None:
        """Raise `WrongClock` if no block may be made after `last`."""
        fault = self.fault(last)
        if fault is not None:
            raise WrongClock(fault)

    def accept(self) -> None:
        """Note, durably, that the clock is right now: blocks may be made from here on."""
        self._store.set(_KEY, self.stamp())
        self._store.flush()
