"""What the chain said, decoded: one type per contract event, each with the place it stands at.

Hashes, roots, heads and commitments are 32 bytes; an address is `0x` and 40 lower-case hexadecimal digits;
`from_` and `until` are Unix seconds; days are civil days since 1970-01-01.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ledger.domain.access_facts import AccessFact


class Place(NamedTuple):
    """Where a log stands. `timestamp` is its block's, Unix seconds; `log_index` counts within the block."""

    block_number: int
    block_hash: bytes
    timestamp: int
    log_index: int


class AuthorityAdded(NamedTuple):
    """An authority got the next number; `code` is its short name, such as `GACC`."""

    at: Place
    authority: int
    code: str


class MandateSet(NamedTuple):
    """From `from_` on the authority may write the types whose bits are set in `mandate` (u256).

    With four eyes on, those set in `weighty` (u256) are taken from contract wallets only.
    """

    at: Place
    authority: int
    mandate: int
    weighty: int
    from_: int


class KeySet(NamedTuple):
    """The key may write for the authority in the half-open window [`from_`, `until`)."""

    at: Place
    authority: int
    key: str
    from_: int
    until: int


class KeyCompromised(NamedTuple):
    """The key was in the wrong hands from `from_` on, no later than now, and writes no more from here on."""

    at: Place
    authority: int
    key: str
    from_: int


class FourEyesSet(NamedTuple):
    """Whether the authority's records of weighty types are taken from contract wallets only."""

    at: Place
    authority: int
    required: bool


class SignaturesInvalidated(NamedTuple):
    """The authority's unused signatures are void; the ones it makes from here on name `epoch`."""

    at: Place
    authority: int
    epoch: int


class SuspensionSet(NamedTuple):
    """The authority may not write while suspended."""

    at: Place
    authority: int
    suspended: bool


class Registered(NamedTuple):
    """An enterprise got the next index, under the salted commitment of its identifier."""

    at: Place
    enterprise: int
    commitment: bytes


class BatchRecorded(NamedTuple):
    """One batch: `count` records of `authority`, numbered from `first_number`, accepted from `key`."""

    at: Place
    authority: int
    key: str
    first_number: int
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count


class Run(NamedTuple):
    """The records of one enterprise in a batch: packed bytes, its leaf in the log, its head afterwards."""

    at: Place
    enterprise: int
    authority: int
    first_id: int
    leaf_index: int
    head: bytes
    records: bytes


class TreeHead(NamedTuple):
    """A checkpoint the contract computed: size and root of the log."""

    at: Place
    size: int
    root: bytes


class CardRegistered(NamedTuple):
    """A scorecard's hash and the day it takes effect."""

    at: Place
    card: bytes
    effective_on: int


class AssessmentPublished(NamedTuple):
    """The root over `count` scores computed with `card` as of the day `as_of`.

    They were made from the records at the end of `block`, when the log had `log_size` leaves and the tree of
    heads the root `heads_root`.
    """

    at: Place
    epoch: int
    card: bytes
    as_of: int
    root: bytes
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    block: int
    log_size: int
    heads_root: bytes


class AnswerPeriodSet(NamedTuple):
    """Objections opened on the day `from_` or later are to be answered within `days` calendar days."""

    at: Place
    days: int
    from_: int


class EnterpriseKeySet(NamedTuple):
    """The account that speaks for an enterprise from here on; the zero address for none."""

    at: Place
    enterprise: int
    key: str


class ObjectionOpened(NamedTuple):
    """An enterprise objects to a record; `due_on` is the last day for the answer, `grounds` a commitment."""

    at: Place
    objection: int
    enterprise: int
    record: int
    by: str
    opened_on: int
    due_on: int
    grounds: bytes


class ObjectionAnswered(NamedTuple):
    """An objection's answer by the authority's key `by`: a number of `OUTCOMES`, and a commitment."""

    at: Place
    objection: int
    by: str
    outcome: int
    answer: bytes


#: What an answer may say, by the contract's number. 0 stands for no answer yet.
OUTCOMES = {1: "upheld", 2: "partly upheld", 3: "rejected"}

Fact: TypeAlias = (
    AuthorityAdded
    | MandateSet
    | KeySet
    | KeyCompromised
    | FourEyesSet
    | SignaturesInvalidated
    | SuspensionSet
    | Registered
    | BatchRecorded
    | Run
    | TreeHead
    | CardRegistered
    | AssessmentPublished
    | AnswerPeriodSet
    | EnterpriseKeySet
    | ObjectionOpened
    | ObjectionAnswered
    | AccessFact
)
