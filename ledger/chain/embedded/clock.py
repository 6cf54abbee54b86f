"""When the embedded chain may make a block: never by a clock that cannot be right.

A block's time cannot be taken back by whoever runs into it later, and everything dated follows it: objections
fall due, cards come into force, an assessment refuses earlier days. So no block is made while the clock is
behind the one by which the last was made, and none while it is further ahead than an office rests, until
somebody says that the clock is right.

Two blocks never have the same second, so a chain that makes many at once runs ahead of the clock by
counting. What is compared is therefore not the last block's time but what the clock showed when it was made:
eight bytes in the header's extra data.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue, WrongClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.embedded.store import Store

#: Seconds by which the clock may go back: what time servers correct.
BEHIND: Final = 120
#: Days without a block after which somebody must say that the clock is right.
SPAN_DAYS: Final = 35
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
        self._span = span_days * 86_400

    def now(self) -> int:
        """Return the clock's time in Unix seconds."""
        return int((self._clock or time.time)())

    def stamp(self) -> bytes:
        """Return the clock's time as a block's extra data."""
        return self.now().to_bytes(_READING_BYTES, "big")

    def fault(self, last: _Made) -> str | None:
        """Return why no block may be made after `last`, and what to do; None if one may."""
        now, made = self.now(), reading_of(last)
        if now < made - BEHIND:
            return (
                f"the clock says {_shown(now)}, and the chain's last block was made when it said"
                f" {_shown(made)}: no block is made before the last. Set the clock right; if it is right now"
                " and was wrong then, `credit-ledger repair --take-back` removes what was made ahead of it"
            )
        if now > max(made, self._said(now)) + self._span:
            days = (now - made) // 86_400
            return (
                f"the clock says {_shown(now)}, {days} days after the chain's last block of {_shown(made)}:"
                " no block is made until somebody has looked. Set the clock right; or, if it is right, give"
                " the command once more with --clock-is-right"
            )
        return None

    def check(self, last: _Made) -> None:
        """Raise `WrongClock` if no block may be made after `last`."""
        fault = self.fault(last)
        if fault is not None:
            raise WrongClock(fault)

    def accept(self) -> None:
        """Note, durably, that the clock is right now: blocks may be made from here on."""
        self._store.set(_KEY, self.stamp())
        self._store.flush()

    def _said(self, now: int) -> int:
        """When the clock was last said to be right; 0 if never, or if that itself was ahead of the clock."""
        said = int.from_bytes(self._store.get(_KEY) or b"", "big")
        return said if said <= now + BEHIND else 0


def _shown(timestamp: int) -> str:
    try:
        return iso_instant(timestamp)
    except BadValue:
        return f"{timestamp} s after 1970"
