"""What the audit knows of one authority: its mandate and keys over time, and whom each record is about.

Source of the rules: the interface of the contract `Authorities`. At time t the mandate is that of the last
`MandateSet`, in log order, with `from <= t`; a key holds in the half-open window last set for it, until it is
declared compromised.
"""

from __future__ import annotations

from array import array
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A chain may claim any number; a larger gap (named as a deviation anyway) is not worth its memory.
LARGEST_GAP = 1_000_000


class WrittenBatch(NamedTuple):
    """A batch of an authority: its block's number and time, its records' numbers."""

    block_number: int
    timestamp: int
    first_number: int
    records: int


class AuthorityState:
    """State of one authority at the current place of the replay. Costs 8 bytes per record it wrote."""

    __slots__ = (
        "batches",
        "code",
        "compromised",
        "count",
        "enterprises",
        "epoch",
        "four_eyes",
        "keys",
        "mandates",
        "number",
        "suspended",
        "weighty",
    )

    def __init__(self, number: int, code: str) -> None:
        self.number = number
        self.code = code
        #: Records written so far; also the last number used.
        self.count = 0
        self.suspended = False
        #: Each key's window: address -> (from, until), Unix seconds, half open.
        self.keys: dict[str, tuple[int, int]] = {}
        #: Keys declared compromised, and since when: they write no more.
        self.compromised: dict[str, int] = {}
        #: Whether weighty records are taken from contract wallets only.
        self.four_eyes = False
        #: How often it has invalidated its signatures.
        self.epoch = 0
        #: Each key's batches: four numbers for each, as in `WrittenBatch`.
        self.batches: dict[str, array[int]] = {}
        #: Enterprise of record n at n - 1; 0 where the chain left the record out.
        self.enterprises = array("Q")
        self.mandates: list[tuple[int, int]] = []
        #: The weighty types of each mandate, in the same order.
        self.weighty: list[tuple[int, int]] = []

    def set_mandate(self, mandate: int, from_: int, weighty: int = 0) -> None:
        """Take a mandate that holds from `from_` on; it overrides what was set before for any later time."""
        self.mandates.append((from_, mandate))
        self.weighty.append((from_, weighty))

    def mandate_at(self, timestamp: int) -> int:
        """Bitmap of the types it may write at that time, by what has been set so far; 0 before the first."""
        for from_, mandate in reversed(self.mandates):
            if from_ <= timestamp:
                return mandate
        return 0

    def key_holds(self, key: str, timestamp: int) -> bool:
        """Whether `key` may write at that time, by what has been set so far."""
        from_, until = self.keys.get(key, (0, 0))
        return from_ <= timestamp < until and key not in self.compromised

    def note_batch(self, key: str, batch: WrittenBatch) -> None:
        """Remember what a key wrote, should it be declared compromised. Costs 32 bytes per batch."""
        self.batches.setdefault(key, array("Q")).extend(batch)

    def batches_since(self, key: str, timestamp: int) -> Iterator[WrittenBatch]:
        """What `key` has written from that time (Unix seconds) on."""
        batches = self.batches.get(key, ())
        for at in range(0, len(batches), len(WrittenBatch._fields)):
            batch = WrittenBatch(*batches[at : at + len(WrittenBatch._fields)])
            if batch.timestamp >= timestamp:
                yield batch

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
