"""The ledger's state at a block under four roots, byte for byte: what a checkpoint's statement is made of.

A log proves that a run is in it, never that none follows. So a checkpoint also signs the state itself:

    heads         "heads" | enterprise u64 | head 32                              index = enterprise - 1
    authorities   "authority" | number u16 | chain 32                             index = number - 1
    objections    "objections" | chain 32 (32 zero bytes where there is none)     index = enterprise - 1
    assessments   "assessment" | epoch u64 | card 32 | as_of u32 | root 32 | count u64 | log_size u64 |
                  block u64 | heads root 32                                       index = epoch - 1

This is the leaf data; leaf hashes and inner nodes are those of RFC 6962, numbers are big-endian. The word at
the beginning differs from tree to tree, and leaf data of the log (40 bytes, no word) has another length than
any of these: no leaf of one passes in another. A chain grows with every fact about one authority, or about
the objections of one enterprise, so who holds all of its facts can show that none is missing:

    chain' = keccak256(chain | fact bytes)                                        from 32 zero bytes
    fact bytes = kind u8 | block u64 | log u32 | time u64 | the fact's own fields
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ledger.crypto.hashing import keccak256
from ledger.crypto.proofs import leaf_hash
from ledger.crypto.trees import SparseTree, StateTree
from ledger.domain.facts import (
    AuthorityAdded,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    ObjectionAnswered,
    ObjectionOpened,
    SignaturesInvalidated,
    SuspensionSet,
)

if TYPE_CHECKING:
    from ledger.domain.facts import AssessmentPublished

#: A chain without a fact.
NO_CHAIN: Final = bytes(32)

AuthorityFact: TypeAlias = (
    AuthorityAdded
    | MandateSet
    | KeySet
    | KeyCompromised
    | FourEyesSet
    | SignaturesInvalidated
    | SuspensionSet
)
ObjectionFact: TypeAlias = ObjectionOpened | ObjectionAnswered

#: Kinds of fact in an authority's chain, and in one of objections, for `isinstance`.
AUTHORITY_FACTS: Final = (
    AuthorityAdded,
    MandateSet,
    KeySet,
    KeyCompromised,
    FourEyesSet,
    SignaturesInvalidated,
    SuspensionSet,
)
OBJECTION_FACTS: Final = (ObjectionOpened, ObjectionAnswered)


# ---------------------------------------------------------------- facts and chains


def fact_bytes(fact: AuthorityFact | ObjectionFact) -> bytes:
    """Return a fact as its chain takes it."""
    kind, rest = _objection(fact) if isinstance(fact, OBJECTION_FACTS) else _authority(fact)
    at = fact.at
    place = at.block_number.to_bytes(8, "big") + at.log_index.to_bytes(4, "big")
    return bytes([kind]) + place + at.timestamp.to_bytes(8, "big") + rest


def next_chain(chain: bytes, fact: AuthorityFact | ObjectionFact) -> bytes:
    """Return the chain after one more fact."""
    return keccak256(chain + fact_bytes(fact))


def _authority(fact: AuthorityFact) -> tuple[int, bytes]:
    number = fact.authority.to_bytes(2, "big")
    if isinstance(fact, AuthorityAdded):
        return 1, number + _code(fact.code)
    if isinstance(fact, MandateSet):
        bitmaps = fact.mandate.to_bytes(32, "big") + fact.weighty.to_bytes(32, "big")
        return 2, number + bitmaps + fact.from_.to_bytes(8, "big")
    if isinstance(fact, KeySet):
        window = fact.from_.to_bytes(8, "big") + fact.until.to_bytes(8, "big")
        return 3, number + _account(fact.key) + window
    if isinstance(fact, KeyCompromised):
        return 4, number + _account(fact.key) + fact.from_.to_bytes(8, "big")
    if isinstance(fact, FourEyesSet):
        return 5, number + bytes([fact.required])
    if isinstance(fact, SignaturesInvalidated):
        return 6, number + fact.epoch.to_bytes(8, "big")
    return 7, number + bytes([fact.suspended])


def _objection(fact: ObjectionFact) -> tuple[int, bytes]:
    number = fact.objection.to_bytes(8, "big")
    if isinstance(fact, ObjectionAnswered):
        return 18, number + _account(fact.by) + bytes([fact.outcome]) + fact.answer
    about = fact.enterprise.to_bytes(8, "big") + fact.record.to_bytes(8, "big")
    days = fact.opened_on.to_bytes(4, "big") + fact.due_on.to_bytes(4, "big")
    return 17, number + about + _account(fact.by) + days + fact.grounds


def _code(code: str) -> bytes:
    raw = code.encode()
    if len(raw) > 32:
        raise ValueError(f"an authority's code has 32 bytes at most, not {len(raw)}")
    return raw.ljust(32, b"\0")


def _account(address: str) -> bytes:
    raw = bytes.fromhex(address[2:])
    if len(raw) != 20:
        raise ValueError(f"an account has 20 bytes, not {len(raw)}")
    return raw


# ---------------------------------------------------------------- leaves


def head_leaf(enterprise: int, head: bytes) -> bytes:
    """Leaf hash of an enterprise's head."""
    return leaf_hash(b"heads" + enterprise.to_bytes(8, "big") + head)


def authority_leaf(authority: int, chain: bytes) -> bytes:
    """Leaf hash of an authority's chain."""
    return leaf_hash(b"authority" + authority.to_bytes(2, "big") + chain)


def objections_leaf(chain: bytes) -> bytes:
    """Leaf hash of the chain of one enterprise's objections."""
    return leaf_hash(b"objections" + chain)


def assessment_leaf(fact: AssessmentPublished) -> bytes:
    """Leaf hash of a published assessment."""
    made = fact.epoch.to_bytes(8, "big") + fact.card + fact.as_of.to_bytes(4, "big")
    scores = fact.root + fact.count.to_bytes(8, "big")
    state = fact.log_size.to_bytes(8, "big") + fact.block.to_bytes(8, "big") + fact.heads_root
    return leaf_hash(b"assessment" + made + scores + state)


# ---------------------------------------------------------------- the four trees


class State(NamedTuple):
    """The four roots and what they count: what `Statement` says of the ledger, without block and time.

    A tree of nothing has the root `EMPTY_ROOT`; `objection_facts` is 0 where `enterprises` is.
    """

    enterprises: int
    heads_root: bytes
    authorities: int
    authority_facts: int
    authorities_root: bytes
    objection_facts: int
    objections_root: bytes
    assessments: int
    assessments_root: bytes


class StateTrees:
    """The four trees, kept up fact by fact in chain order.

    A fact that does not fit (a number out of order, an unknown authority, enterprise or objection) changes
    nothing: no contract of this ledger says such, and the audit names it.
    """

    def __init__(self) -> None:
        self.heads = StateTree()
        self.authorities = StateTree()
        self.objections = SparseTree(objections_leaf(NO_CHAIN))
        self.assessments = StateTree()
        self.authority_facts = self.objection_facts = 0
        self._authority_chains: list[bytes] = []
        self._objection_chains: dict[int, bytes] = {}
        self._objecting: dict[int, int] = {}

    def register(self, enterprise: int, head: bytes) -> None:
        """Take a new enterprise with its genesis head."""
        if enterprise == self.heads.size + 1:
            self.heads.append(head_leaf(enterprise, head))

    def move_head(self, enterprise: int, head: bytes) -> None:
        """Take an enterprise's head after a run."""
        if 0 < enterprise <= self.heads.size:
            self.heads.set(enterprise - 1, head_leaf(enterprise, head))

    def authority(self, fact: AuthorityFact) -> None:
        """Take a fact about an authority."""
        number, chains = fact.authority, self._authority_chains
        if isinstance(fact, AuthorityAdded) and number == len(chains) + 1:
            chains.append(NO_CHAIN)
        if not 0 < number <= len(chains):
            return
        chains[number - 1] = next_chain(chains[number - 1], fact)
        self.authorities.set(number - 1, authority_leaf(number, chains[number - 1]))
        self.authority_facts += 1

    def objection(self, fact: ObjectionFact) -> None:
        """Take an objection or its answer."""
        if isinstance(fact, ObjectionOpened):
            self._objecting.setdefault(fact.objection, fact.enterprise)
        enterprise = self._objecting.get(fact.objection, 0)
        if not 0 < enterprise <= self.heads.size:
            return
        chain = next_chain(self._objection_chains.get(enterprise, NO_CHAIN), fact)
        self._objection_chains[enterprise] = chain
        self.objections.grow(self.heads.size)
        self.objections.set(enterprise - 1, objections_leaf(chain))
        self.objection_facts += 1

    def assessment(self, fact: AssessmentPublished) -> None:
        """Take a published assessment."""
        if fact.epoch == self.assessments.size + 1:
            self.assessments.append(assessment_leaf(fact))

    def state(self) -> State:
        """Return the roots as they are now."""
        self.objections.grow(self.heads.size)
        return State(
            self.heads.size,
            self.heads.root(),
            self.authorities.size,
            self.authority_facts,
            self.authorities.root(),
            self.objection_facts,
            self.objections.root(),
            self.assessments.size,
            self.assessments.root(),
        )
