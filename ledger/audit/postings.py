"""Who answers for a batch: its key's signature over the batch, or the key as the sender of the transaction.

The contract has checked this before it wrote `BatchRecorded`; the audit does not trust that it did, or that
the node's log is the contract's. A signature over the records as logged needs no trust in whoever showed it.
A sender is the node's word. A key that is a contract wallet decides by its own code, which only a node can
run: that such a batch was accepted is left to the contract, and counted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ledger.audit.authorities import Terms
from ledger.audit.deviation import Deviation, at_log, show_record, show_span
from ledger.crypto.typed_data import batch_digest, signed_batch, signer
from ledger.domain.facts import BatchRecorded, FourEyesSet, MandateSet, Run, SignaturesInvalidated
from ledger.domain.records import first_weighty

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


def _logged(header: BatchRecorded, runs: Sequence[bytes], terms: Mapping[int, Terms]) -> LoggedBatch:
    known = terms.get(header.authority, Terms())
    return LoggedBatch(header, b"".join(runs), known.epoch, known.wallets_at(header.at.timestamp))


def answering(batch: LoggedBatch, code: str, postings: Iterable[Posting], domain: bytes) -> Posting | None:
    """Return the call by which the batch's key answers for it: signed by it (no `sender`), or sent.

    `code` is the authority's.
    """
    header = batch.header
    expected = signed_batch(code, header.first_number, batch.records, 0, batch.epoch)
    for each in postings:
        if (each.authority, each.first_number) != (header.authority, header.first_number):
            continue
        if each.sender is not None:
            if each.sender == header.key:
                return each
            continue
        digest = batch_digest(domain, expected._replace(deadline=each.deadline))
        # A batch recorded after its deadline was not what the key had signed for.
        if header.at.timestamp <= each.deadline and signer(digest, each.signature) == header.key:
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
    header = batch.header
    span = show_span(header.authority << 48 | header.first_number, header.count, codes)
    where = at_log(header.at, f"batch {span}")
    found = (
        f"none that holds among {len(postings)} calls in its block" if postings else "no call in its block"
    )
    return Deviation("batch without its key's signature", where, f"a signature by {header.key}", found)


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
