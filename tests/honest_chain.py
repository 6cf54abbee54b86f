"""A small honest ledger for the audit's tests: it writes facts as the contracts would, and checks nothing.

What a test asks for is what is written, heads and leaves recomputed, so that the same model also forges: a batch
out of its mandate comes out consistent in every other respect. `history(seed)` is a random honest one.
"""

from __future__ import annotations

import random
from itertools import groupby
from typing import TYPE_CHECKING

from ledger.crypto.commitments import identity_commitment
from ledger.crypto.hashing import keccak256, sha256
from ledger.crypto.heads import genesis_head, leaf_data, next_head
from ledger.crypto.merkle import Log, leaf_hash
from ledger.domain.calendar import day_of, to_day
from ledger.domain.facts import (
    AssessmentPublished,
    AuthorityAdded,
    BatchRecorded,
    CardRegistered,
    Fact,
    KeyCompromised,
    KeySet,
    MandateSet,
    Place,
    Registered,
    Run,
    SuspensionSet,
    TreeHead,
)
from ledger.domain.records import Record, pack_run

if TYPE_CHECKING:
    from collections.abc import Sequence

GENESIS = 1_790_000_000
TODAY = day_of(GENESIS)
LIFECYCLE = sum(1 << t for t in (240, 241, 242, 243))
LINKS = 1 << 248 | 1 << 249
#: What four eyes cover.
WEIGHTY = LIFECYCLE | LINKS
MANDATES = {1: 0b1111110 | LIFECYCLE | LINKS, 2: 0b11 << 21 | LIFECYCLE, 3: 1 << 91 | LIFECYCLE | LINKS}
CODES = {1: "GACC", 2: "STA", 3: "US-CPSC"}
FOREVER = 2**64 - 1
CARD = sha256(b"a card")


def key_of(authority: int, which: int = 0) -> str:
    return "0x" + keccak256(b"key %d %d" % (authority, which))[:20].hex()


def salt_of(enterprise: int) -> bytes:
    return sha256(b"salt %d" % enterprise)


def party_of(enterprise: int) -> str:
    return f"name:CN:firm {enterprise}"


def record(enterprise: int, type_: int = 1, ref: int = 0, **changed: int | bytes) -> Record:
    commitment = sha256(b"%d %d %d" % (enterprise, type_, ref))
    made = Record(enterprise, type_, 0 if type_ >= 240 else 2, TODAY - 9, TODAY - 3, ref, commitment)
    return made._replace(**changed)  # type: ignore[arg-type]


class Chain:
    """Facts, in order, of everything asked for so far. Each call is a block of its own."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.counts: dict[int, int] = {}
        self.heads: dict[int, bytes] = {}
        self.commitments: dict[int, bytes] = {}
        self.log = Log()
        self.epochs = 0
        self.now = GENESIS
        self._block, self._index = 1, 0

    def block(self, seconds: int = 12) -> None:
        self.now += seconds
        self._block, self._index = self._block + 1, 0

    def place(self) -> Place:
        at = Place(self._block, keccak256(b"block %d" % self._block), self.now, self._index)
        self._index += 1
        return at

    def add_authority(self, number: int, until: int = FOREVER) -> None:
        self.block()
        self.facts += [
            AuthorityAdded(self.place(), number, CODES.get(number, f"A{number}")),
            MandateSet(self.place(), number, MANDATES.get(number, LIFECYCLE), WEIGHTY, self.now),
            KeySet(self.place(), number, key_of(number), self.now, until),
        ]
        self.counts[number] = 0

    def set_mandate(self, number: int, mandate: int, delay: int = 0) -> None:
        self.block()
        self.facts.append(MandateSet(self.place(), number, mandate, WEIGHTY, self.now + delay))

    def set_key(self, number: int, key: str, from_: int, until: int) -> None:
        self.block()
        self.facts.append(KeySet(self.place(), number, key, from_, until))

    def compromise(self, number: int, key: str, from_: int) -> None:
        self.block()
        self.facts.append(KeyCompromised(self.place(), number, key, from_))

    def suspend(self, number: int, suspended: bool = True) -> None:
        self.block()
        self.facts.append(SuspensionSet(self.place(), number, suspended))

    def register(self, count: int = 1) -> None:
        self.block()
        for enterprise in range(len(self.heads) + 1, len(self.heads) + 1 + count):
            commitment = identity_commitment(salt_of(enterprise), party_of(enterprise))
            self.commitments[enterprise] = commitment
            self.heads[enterprise] = genesis_head(enterprise, commitment)
            self.facts.append(Registered(self.place(), enterprise, commitment))

    def batch(self, authority: int, records: Sequence[Record], key: str | None = None) -> int:
        """Write records in the order given, a run for each stretch of one enterprise; return the first id."""
        self.block()
        first = first_id = authority << 48 | self.counts[authority] + 1
        key = key or key_of(authority)
        header = BatchRecorded(self.place(), authority, key, self.counts[authority] + 1, len(records))
        self.facts.append(header)
        for enterprise, group in groupby(records, key=lambda r: r.enterprise):
            run = pack_run(list(group))
            head = next_head(self.heads.get(enterprise, bytes(32)), first_id, run)
            self.heads[enterprise] = head
            self.facts.append(Run(self.place(), enterprise, authority, first_id, self.log.size, head, run))
            self.log.append(leaf_hash(leaf_data(enterprise, head)))
            first_id += len(run) // 64
        self.counts[authority] += len(records)
        return first

    def checkpoint(self) -> None:
        self.block()
        self.facts.append(TreeHead(self.place(), self.log.size, self.log.root()))

    def register_card(self, card: bytes = CARD, effective_on: int = to_day("2026-04-01")) -> None:
        self.block()
        self.facts.append(CardRegistered(self.place(), card, effective_on))

    def assess(self, as_of: int = TODAY, card: bytes = CARD, epoch: int | None = None) -> None:
        self.block()
        self.epochs += 1
        root = sha256(b"scores %d" % self.epochs)
        self.facts.append(
            AssessmentPublished(
                self.place(), epoch or self.epochs, card, as_of, root, 1, self._block, 0, bytes(32)
            )
        )


def scene() -> Chain:
    """A fixed history with something of everything: three authorities, five enterprises, 14 records."""
    chain = Chain()
    for number in (1, 2, 3):
        chain.add_authority(number)
    chain.register(3)
    first = chain.batch(1, [record(1), record(1, 2), record(2, 4), record(3)])
    chain.register(2)
    chain.batch(2, [record(2, 21), record(4, 22)])
    chain.checkpoint()
    chain.batch(1, [record(1, 242, ref=first), record(4, 3)])
    chain.batch(3, [record(5, 91), record(5, 248, ref=1), record(5, 91)])
    chain.batch(1, [record(1, 249, ref=5), record(2, 241, ref=first + 2), record(2)])
    chain.register_card()
    chain.assess()
    chain.checkpoint()
    return chain


def paired_scene() -> Chain:
    """As `scene`, with the link beside its mirror: three authorities, five enterprises, 15 records."""
    chain = Chain()
    for number in (1, 2, 3):
        chain.add_authority(number)
    chain.register(3)
    first = chain.batch(1, [record(1), record(1, 2), record(2, 4), record(3)])
    chain.register(2)
    chain.batch(2, [record(2, 21), record(4, 22)])
    chain.checkpoint()
    chain.batch(1, [record(1, 242, ref=first), record(4, 3)])
    chain.batch(3, [record(1, 249, ref=5), record(5, 91), record(5, 248, ref=1), record(5, 91)])
    chain.batch(1, [record(1, 3), record(2, 241, ref=first + 2), record(2)])
    chain.register_card()
    chain.assess()
    chain.checkpoint()
    return chain


def history(seed: int, batches: int = 12) -> Chain:
    """A random honest history: rotations, suspensions lifted again, mandates that begin later, references."""
    chance, chain = random.Random(seed), Chain()
    for number in (1, 2, 3):
        chain.add_authority(number)
    chain.register(chance.randint(2, 6))
    chain.register_card()
    about: dict[int, list[tuple[int, int]]] = {1: [], 2: [], 3: []}  # (record id, enterprise)
    keys = {number: key_of(number) for number in about}
    for round_ in range(batches):
        authority = chance.choice([1, 2, 3])
        if chance.random() < 0.2:
            old, keys[authority] = keys[authority], key_of(authority, round_ + 1)
            chain.set_key(authority, keys[authority], chain.now, FOREVER)
            chain.set_key(authority, old, 0, chain.now)
        if chance.random() < 0.2:
            chain.suspend(authority)
            chain.suspend(authority, suspended=False)
        if chance.random() < 0.2:
            chain.set_mandate(authority, MANDATES[authority] | 1 << 100, delay=chance.randint(0, 100))
        if chance.random() < 0.3:
            chain.register(chance.randint(1, 3))
        drawn = (
            _any_records(chance, chain, authority, about[authority]) for _ in range(chance.randint(1, 12))
        )
        records = sorted((each for some in drawn for each in some), key=lambda r: r.enterprise)
        first_id = chain.batch(authority, records, keys[authority])
        about[authority] += [(first_id + i, r.enterprise) for i, r in enumerate(records) if r.type < 248]
        if chance.random() < 0.3:
            chain.checkpoint()
        if chance.random() < 0.2:
            chain.assess(as_of=TODAY)
    return chain


def _any_records(
    chance: random.Random, chain: Chain, authority: int, written: list[tuple[int, int]]
) -> list[Record]:
    """One record, or a link and its mirror."""
    if written and chance.random() < 0.3:
        ref, enterprise = chance.choice(written)
        return [record(enterprise, chance.choice([240, 241, 242, 243]), ref=ref)]
    enterprise = chance.choice(list(chain.heads))
    if authority != 2 and chance.random() < 0.2:
        other = chance.choice([e for e in chain.heads if e != enterprise])
        return [record(enterprise, 248, ref=other), record(other, 249, ref=enterprise)]
    decided = TODAY - chance.randint(0, 400)
    type_ = chance.choice([t for t in range(1, 100) if MANDATES[authority] >> t & 1])
    return [record(enterprise, type_, decided_on=decided, conduct_on=decided - chance.randint(0, 90))]
