"""Who answers for a batch: its key's signature over the batch, or the key as the sender of the transaction.

The contract has checked this before it wrote `BatchRecorded`; the audit does not trust that it did, or that
the node's log is the contract's. A signature over the records as logged needs no trust in whoever showed it.
A sender is the node's word. A key that is a contract wallet decides by its own code, which only a node can
run: that such a batch was accepted is left to the contract, and counted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

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


class Standing(NamedTuple):
    """How an authority's batches are to be answered for: its signature epoch, and whether by four eyes.

    `weighty` are its mandates' weighty types, `(from, types)` in the order of the chain.
    """

    epoch: int = 0
    four_eyes: bool = False
    weighty: tuple[tuple[int, int], ...] = ()

    def needs_wallet(self, time: int) -> int:
        """The types (bit t for type t) taken from contract wallets only, at a time in Unix seconds."""
        if not self.four_eyes:
            return 0
        return next((types for from_, types in reversed(self.weighty) if from_ <= time), 0)


class LoggedBatch(NamedTuple):
    """A batch as the log has it: its header, its records' bytes joined, its authority's standing then."""

    header: BatchRecorded
    records: bytes
    standing: Standing = Standing()


def batches_of(facts: Iterable[Fact], standings: dict[int, Standing] | None = None) -> Iterator[LoggedBatch]:
    """Yield the batches among facts in chain order that begin and end with whole blocks.

    `standings` are the authorities' before these facts; they are moved on.
    """
    header: BatchRecorded | None = None
    runs: list[bytes] = []
    standings = {} if standings is None else standings
    for fact in facts:
        if isinstance(fact, Run):
            runs.append(fact.records)
            continue
        if header is not None:
            yield LoggedBatch(header, b"".join(runs), standings.get(header.authority, Standing()))
        if isinstance(fact, SignaturesInvalidated):
            before = standings.get(fact.authority, Standing())
            standings[fact.authority] = before._replace(epoch=fact.epoch)
        elif isinstance(fact, FourEyesSet):
            before = standings.get(fact.authority, Standing())
            standings[fact.authority] = before._replace(four_eyes=fact.required)
        elif isinstance(fact, MandateSet):
            before = standings.get(fact.authority, Standing())
            weighty = (*before.weighty, (fact.from_, fact.weighty))
            standings[fact.authority] = before._replace(weighty=weighty)
        header, runs = (fact if isinstance(fact, BatchRecorded) else None), []
    if header is not None:
        yield LoggedBatch(header, b"".join(runs), standings.get(header.authority, Standing()))


def answering(batch: LoggedBatch, code: str, postings: Iterable[Posting], domain: bytes) -> Posting | None:
    """Return the call by which the batch's key answers for it: signed by it (no `sender`), or sent.

    `code` is the authority's.
    """
    header = batch.header
    expected = signed_batch(code, header.first_number, batch.records, 0, batch.standing.epoch)
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
    index = first_weighty(batch.records, batch.standing.needs_wallet(header.at.timestamp))
    if index is None:
        return None
    record = show_record((header.authority << 48 | header.first_number) + index, codes)
    where = at_log(header.at, f"record {record}")
    return Deviation("four eyes not kept", where, "a contract wallet as key", f"the account {header.key}")
