"""Who stands behind a batch, or an answer to an objection: its key's signature over it, or the key as the
sender of the transaction.

The contract has checked this before it wrote its log; the audit does not trust that it did, or that the
node's log is the contract's. A signature over what was logged needs no trust in whoever showed it. A sender
is the node's word. A key that is a contract wallet decides by its own code, which only a node can run (see
`Offered`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from ledger.audit.authorities import Terms
from ledger.audit.deviation import Deviation, at_log, show_record, show_span
from ledger.crypto.typed_data import SignedAnswer, answer_digest, batch_digest, signed_batch, signer
from ledger.domain.facts import (
    BatchRecorded,
    FourEyesSet,
    MandateSet,
    ObjectionAnswered,
    Run,
    SignaturesInvalidated,
)
from ledger.domain.records import first_weighty, split_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ledger.domain.facts import Fact

#: By whom a batch is answered for.
Answered = Literal["signed", "sent"]


class Posting(NamedTuple):
    """A call that asked for a batch to be recorded. `sender` is set if the batch's key had to send it itself.

    Otherwise `signature` is what the call carried, over the batch with this `deadline` (Unix seconds).
    """

    authority: int
    first_number: int
    sender: str | None = None
    deadline: int = 0
    signature: bytes = b""


class AnswerPosting(NamedTuple):
    """A call that asked for an answer to be taken. `sender`, `deadline` and `signature` as in `Posting`."""

    objection: int
    outcome: int
    answer: bytes
    sender: str | None = None
    deadline: int = 0
    signature: bytes = b""


_Call = TypeVar("_Call", Posting, AnswerPosting)


class Offered(NamedTuple):
    """A 32-byte digest, and what a call in its block offered as the key's signature of it."""

    digest: bytes
    signature: bytes


class LoggedAnswer(NamedTuple):
    """An answer as the log has it. `content` is what was signed, but for its deadline."""

    fact: ObjectionAnswered
    content: SignedAnswer


class LoggedBatch(NamedTuple):
    """A batch as the log has it: its header, and its records' bytes joined.

    `epoch` is its authority's signature epoch then; `wallets` the types (bit t for type t) that were taken
    from contract wallets only.
    """

    header: BatchRecorded
    records: bytes
    epoch: int = 0
    wallets: int = 0


def batches_of(facts: Iterable[Fact], terms: dict[int, Terms] | None = None) -> Iterator[LoggedBatch]:
    """Yield the batches among facts in chain order that begin and end with whole blocks.

    `terms` are the authorities' before these facts; they are moved on.
    """
    header: BatchRecorded | None = None
    runs: list[bytes] = []
    terms = {} if terms is None else terms
    for fact in facts:
        if isinstance(fact, Run):
            runs.append(fact.records)
            continue
        if header is not None:
            yield _logged(header, runs, terms)
        if isinstance(fact, (SignaturesInvalidated, FourEyesSet, MandateSet)):
            terms.setdefault(fact.authority, Terms()).take(fact)
        header, runs = (fact if isinstance(fact, BatchRecorded) else None), []
    if header is not None:
        yield _logged(header, runs, terms)


def answers_of(
    facts: Iterable[Fact],
    terms: Mapping[int, Terms],
    about: Mapping[int, tuple[int, int]],
    codes: Mapping[int, str],
) -> Iterator[LoggedAnswer]:
    """Yield the answers among facts in chain order; `about` has the enterprise and record of each objection.

    `terms` are the authorities' before these facts, and stay as they are.
    """
    epochs = {number: each.epoch for number, each in terms.items()}
    for fact in facts:
        if isinstance(fact, SignaturesInvalidated):
            epochs[fact.authority] = fact.epoch
        elif isinstance(fact, ObjectionAnswered) and fact.objection in about:
            enterprise, record = about[fact.objection]
            authority, number = split_id(record)
            code, epoch = codes.get(authority, ""), epochs.get(authority, 0)
            said = (fact.outcome, fact.answer)
            yield LoggedAnswer(
                fact, SignedAnswer(fact.objection, enterprise, code, number, *said, epoch, deadline=0)
            )


def _logged(header: BatchRecorded, runs: Sequence[bytes], terms: Mapping[int, Terms]) -> LoggedBatch:
    known = terms.get(header.authority, Terms())
    return LoggedBatch(header, b"".join(runs), known.epoch, known.wallets_at(header.at.timestamp))


def answering(batch: LoggedBatch, code: str, postings: Iterable[Posting], domain: bytes) -> Posting | None:
    """Return the call by which the batch's key answers for it: signed by it (no `sender`), or sent.

    `code` is the authority's.
    """
    own = list(_of_batch(batch, postings))
    offered = offered_for_batch(batch, code, own, domain)
    return _standing(own, offered, batch.header.key)


def offered_for_batch(
    batch: LoggedBatch, code: str, postings: Iterable[Posting], domain: bytes
) -> dict[Posting, Offered]:
    """Return what these calls offered in time as signatures of the batch by its key."""
    header = batch.header
    expected = signed_batch(code, header.first_number, batch.records, 0, batch.epoch)
    return {
        each: Offered(batch_digest(domain, expected._replace(deadline=each.deadline)), each.signature)
        for each in _of_batch(batch, postings)
        # A batch recorded after its deadline was not what the key had signed for.
        if each.sender is None and header.at.timestamp <= each.deadline
    }


def offered_for_answer(
    answer: LoggedAnswer, postings: Iterable[AnswerPosting], domain: bytes
) -> dict[AnswerPosting, Offered]:
    """Return what these calls offered in time as signatures of the answer by its key."""
    return {
        each: Offered(answer_digest(domain, answer.content._replace(deadline=each.deadline)), each.signature)
        for each in _of_answer(answer, postings)
        if each.sender is None and answer.fact.at.timestamp <= each.deadline
    }


def answer_by(answer: LoggedAnswer, postings: Iterable[AnswerPosting], domain: bytes) -> Answered | None:
    """Return how the answer's key stands behind it, by one of these calls; None if by none of them."""
    own = list(_of_answer(answer, postings))
    found = _standing(own, offered_for_answer(answer, own, domain), answer.fact.by)
    if found is None:
        return None
    return "signed" if found.sender is None else "sent"


def _of_batch(batch: LoggedBatch, postings: Iterable[Posting]) -> Iterator[Posting]:
    place = (batch.header.authority, batch.header.first_number)
    return (each for each in postings if (each.authority, each.first_number) == place)


def _of_answer(answer: LoggedAnswer, postings: Iterable[AnswerPosting]) -> Iterator[AnswerPosting]:
    said = (answer.fact.objection, answer.fact.outcome, answer.fact.answer)
    return (each for each in postings if each[:3] == said)


def _standing(own: Iterable[_Call], offered: Mapping[_Call, Offered], key: str) -> _Call | None:
    """The call by which the key stands behind what was logged: sent by it, or with its signature."""
    for each in own:
        if each.sender is not None:
            if each.sender == key:
                return each
        elif each in offered and signer(*offered[each]) == key:
            return each
    return None


def answered_by(batch: LoggedBatch, code: str, postings: Iterable[Posting], domain: bytes) -> Answered | None:
    """Return how the batch's key answers for it, by one of these calls; None if by none of them."""
    found = answering(batch, code, postings, domain)
    if found is None:
        return None
    return "signed" if found.sender is None else "sent"


def unanswered(batch: LoggedBatch, postings: Sequence[Posting], codes: Mapping[int, str]) -> Deviation:
    """Name a batch that its key does not answer for."""
    return _unanswered("batch", place_of_batch(batch, codes), batch.header.key, len(postings))


def unanswered_answer(answer: LoggedAnswer, postings: Sequence[AnswerPosting]) -> Deviation:
    """Name an answer that its key does not stand behind."""
    return _unanswered("answer", place_of_answer(answer), answer.fact.by, len(postings))


def place_of_batch(batch: LoggedBatch, codes: Mapping[int, str]) -> str:
    """Where a batch is, for people."""
    header = batch.header
    span = show_span(header.authority << 48 | header.first_number, header.count, codes)
    return at_log(header.at, f"batch {span}")


def place_of_answer(answer: LoggedAnswer) -> str:
    """Where an answer is, for people."""
    return at_log(answer.fact.at, f"objection {answer.fact.objection}")


def _unanswered(what: str, where: str, key: str, calls: int) -> Deviation:
    found = f"none that holds among {calls} calls in its block" if calls else "no call in its block"
    return Deviation(f"{what} without its key's signature", where, f"a signature by {key}", found)


def by_one_officer(batch: LoggedBatch, codes: Mapping[int, str]) -> Deviation | None:
    """Name a weighty record in a batch that an account answers for, where four eyes are asked for; or None.

    Source of the rule: `IAuthorities.setFourEyes`.
    """
    header = batch.header
    index = first_weighty(batch.records, batch.wallets)
    if index is None:
        return None
    record = show_record((header.authority << 48 | header.first_number) + index, codes)
    where = at_log(header.at, f"record {record}")
    return Deviation("four eyes not kept", where, "a contract wallet as key", f"the account {header.key}")
