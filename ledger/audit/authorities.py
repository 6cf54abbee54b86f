"""What is known of one authority: its mandate and keys over time, and whom each record is about.

`Terms` is the one reading of what was said of an authority; the audit's replay, the check of signatures and
the verifier of evidence all go by it. Source of the rules: the interface of the contract `Authorities`. At
time t the mandate is that of the last `MandateSet`, in log order, with `from <= t`; a key holds in the
half-open window last set for it, until it is declared compromised.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from ledger.domain.facts import (
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    SignaturesInvalidated,
    SuspensionSet,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.domain.facts import Fact

#: A chain may claim any number; a larger gap (named as a deviation anyway) is not worth its memory.
LARGEST_GAP = 1_000_000


class WrittenBatch(NamedTuple):
    """A batch of an authority: its block's number and time, its records' numbers."""

    block_number: int
    timestamp: int
    first_number: int
    records: int


class Terms:
    """What was said of an authority so far. Times are Unix seconds; bit t of a bitmap is type t."""

    __slots__ = ("_since", "_types", "compromised", "epoch", "four_eyes", "keys", "suspended")

    def __init__(self) -> None:
        self.suspended = False
        #: Each key's window: address -> (from, until), half open.
        self.keys: dict[str, tuple[int, int]] = {}
        #: Keys declared compromised, and since when: they write no more.
        self.compromised: dict[str, int] = {}
        #: Whether weighty records are taken from contract wallets only.
        self.four_eyes = False
        #: How often it has invalidated its signatures.
        self.epoch = 0
        #: Mandates that may still hold: from when (ascending), which types, which of them are weighty.
        self._since: list[int] = []
        self._types: list[tuple[int, int]] = []

    def take(self, fact: Fact) -> None:
        """Take what the chain says of it next; what is of no such kind is let be."""
        if isinstance(fact, MandateSet):
            self._set_mandate(fact.from_, fact.mandate, fact.weighty)
        elif isinstance(fact, KeySet):
            self.keys[fact.key] = (fact.from_, fact.until)
        elif isinstance(fact, KeyCompromised):
            self.compromised[fact.key] = fact.from_
        elif isinstance(fact, SuspensionSet):
            self.suspended = fact.suspended
        elif isinstance(fact, FourEyesSet):
            self.four_eyes = fact.required
        elif isinstance(fact, SignaturesInvalidated):
            self.epoch = fact.epoch

    def _set_mandate(self, from_: int, mandate: int, weighty: int) -> None:
        # One that was to begin at the same time or later is overridden by this one.
        while self._since and self._since[-1] >= from_:
            self._since.pop()
            self._types.pop()
        self._since.append(from_)
        self._types.append((mandate, weighty))

    @property
    def mandates(self) -> list[tuple[int, int, int]]:
        """The mandates that may still hold: (from, types, weighty types), ascending."""
        return [(from_, *types) for from_, types in zip(self._since, self._types, strict=True)]

    @mandates.setter
    def mandates(self, given: list[tuple[int, int, int]]) -> None:
        self._since, self._types = [], []
        for from_, mandate, weighty in given:
            self._set_mandate(from_, mandate, weighty)

    def mandate_at(self, time: int) -> int:
        """Bitmap of the mandate at that time, by what has been set so far; 0 before the first."""
        return self._at(time)[0]

    def types_at(self, time: int) -> int:
        """Bitmap of the types it may write at that time."""
        # The contract knows no type 0, whatever the mandate's lowest bit says.
        return self._at(time)[0] & ~1

    def weighty_at(self, time: int) -> int:
        """Bitmap of the types of the mandate at that time that two officers sign where four eyes are on."""
        return self._at(time)[1]

    def wallets_at(self, time: int) -> int:
        """Bitmap of the types taken from contract wallets only, at that time."""
        return self.weighty_at(time) if self.four_eyes else 0

    def key_holds(self, key: str, time: int) -> bool:
        """Whether `key` may write at that time, by what has been set so far."""
        from_, until = self.keys.get(key, (0, 0))
        return from_ <= time < until and key not in self.compromised

    def may_answer(self, key: str, time: int) -> bool:
        """Whether `key` may answer an objection for the authority at that time."""
        return not self.suspended and self.key_holds(key, time)

    def _at(self, time: int) -> tuple[int, int]:
        place = bisect_right(self._since, time)
        return self._types[place - 1] if place else (0, 0)


class AuthorityState(Terms):
    """State of one authority at the current place of the replay. Costs 9 bytes per record it wrote."""

    __slots__ = ("batches", "code", "count", "enterprises", "number", "types")

    def __init__(self, number: int, code: str) -> None:
        super().__init__()
        self.number = number
        self.code = code
        #: Records written so far; also the last number used.
        self.count = 0
        #: Each key's batches: four numbers for each, as in `WrittenBatch`.
        self.batches: dict[str, array[int]] = {}
        #: Enterprise of record n at n - 1; 0 where the chain left the record out.
        self.enterprises = array("Q")
        #: Its type likewise; 0 for one that no catalogue can have.
        self.types = array("B")

    def terms(self) -> Terms:
        """Return what was said of it, without what it wrote, to go on from."""
        found = Terms()
        found.suspended, found.four_eyes, found.epoch = self.suspended, self.four_eyes, self.epoch
        found.keys, found.compromised = dict(self.keys), dict(self.compromised)
        found.mandates = self.mandates
        return found

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

    def type_of(self, number: int) -> int:
        """Type of record `number`; 0 when the replay has not met such a record."""
        return self.types[number - 1] if 0 < number <= len(self.types) else 0

    def wrote(self, number: int, enterprise: int, types: bytes) -> None:
        """Note that records `number` and the following are about `enterprise`, and of these types."""
        known = self.enterprises
        gap = number - 1 - len(known)
        if 0 < gap <= LARGEST_GAP:
            known.extend(repeat(0, gap))
            self.types.frombytes(bytes(gap))
        if number == len(known) + 1:
            known.extend(repeat(enterprise, len(types)))
            self.types.frombytes(types)
