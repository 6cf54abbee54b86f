"""What the audit knows of one authority: its mandate and keys over time, and whom each record is about.

Source of the rules: the interface of the contract `Authorities`. At time t the mandate is that of the last
`MandateSet`, in log order, with `from <= t`; a key holds in the half-open window last set for it.
"""

from __future__ import annotations

from array import array
from itertools import repeat

#: A chain may claim any number; a larger gap (named as a deviation anyway) is not worth its memory.
LARGEST_GAP = 1_000_000


class AuthorityState:
    """State of one authority at the current place of the replay. Costs 8 bytes per record it wrote."""

    __slots__ = ("code", "count", "enterprises", "keys", "mandates", "number", "suspended")

    def __init__(self, number: int, code: str) -> None:
        self.number = number
        self.code = code
        #: Records written so far; also the last number used.
        self.count = 0
        self.suspended = False
        #: Each key's window: address -> (from, until), Unix seconds, half open.
        self.keys: dict[str, tuple[int, int]] = {}
        #: Enterprise of record n at n - 1; 0 where the chain left the record out.
        self.enterprises = array("Q")
        self.mandates: list[tuple[int, int]] = []

    def set_mandate(self, mandate: int, from_: int) -> None:
        """Take a mandate that holds from `from_` on; it overrides what was set before for any later time."""
        self.mandates.append((from_, mandate))

    def mandate_at(self, timestamp: int) -> int:
        """Bitmap of the types it may write at that time, by what has been set so far; 0 before the first."""
        for from_, mandate in reversed(self.mandates):
            if from_ <= timestamp:
                return mandate
        return 0

    def key_holds(self, key: str, timestamp: int) -> bool:
        """Whether `key` may write at that time, by what has been set so far."""
        from_, until = self.keys.get(key, (0, 0))
        return from_ <= timestamp < until

    def enterprise_of(self, number: int) -> int:
        """Enterprise that record `number` is about; 0 when the replay has not met such a record."""
        return self.enterprises[number - 1] if 0 < number <= len(self.enterprises) else 0

    def take(self, number: int, enterprise: int, count: int) -> None:
        """Note that records `number` and the following, `count` in all, are about `enterprise`."""
        known = self.enterprises
        gap = number - 1 - len(known)
        if 0 < gap <= LARGEST_GAP:
            known.extend(repeat(0, gap))
        if number == len(known) + 1:
            known.extend(repeat(enterprise, count))
