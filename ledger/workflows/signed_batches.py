"""Signatures for an evidence file, from the transactions that posted its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ledger.audit.evidence import EvidenceSignature
from ledger.audit.postings import LoggedBatch, answering
from ledger.chain.calldata import postings_in
from ledger.crypto.hashing import keccak256
from ledger.crypto.typed_data import batch_domain, types_of
from ledger.domain.facts import BatchRecorded, Place
from ledger.domain.records import record_id
from ledger.store.bulk import IN_LIST
from ledger.store.index import authorities, batches, runs, signature_epochs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from ledger.audit.evidence import EvidenceRun
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node


def signatures_shown(
    index: Connection, node: Node, deployment: Deployment, shown: Iterable[EvidenceRun]
) -> list[EvidenceSignature]:
    """Return the signatures of the batches that these runs came in, in the order of the batches.

    Left out: a batch that its key sent itself, or that a contract wallet signed by rules of its own.
    """
    by_block: dict[int, list[EvidenceRun]] = {}
    for run in shown:
        if run.written:
            by_block.setdefault(run.written.block, []).append(run)
    domain = batch_domain(deployment.chain_id, bytes.fromhex(deployment.credit_ledger[2:]))
    found: dict[int, EvidenceSignature] = {}
    logged = _batches(index, by_block)
    a = authorities.c
    codes = dict(index.execute(select(a.authority, a.code)).all())
    for number, postings in postings_in(node, deployment, sorted(by_block)):
        for batch in logged.get(number, ()):
            first_id = record_id(batch.header.authority, batch.header.first_number)
            ids = range(first_id, first_id + batch.header.count)
            if not any(run.first_id in ids for run in by_block[number]):
                continue
            posting = answering(batch, codes[batch.header.authority], postings, domain)
            if posting is not None and posting.sender is None:
                found[first_id] = EvidenceSignature(
                    first_id,
                    batch.header.count,
                    posting.deadline,
                    batch.header.key,
                    types_of(batch.records),
                    keccak256(batch.records),
                    posting.signature,
                    batch.epoch,
                )
    return [found[each] for each in sorted(found)]


def _batches(index: Connection, blocks: Iterable[int]) -> dict[int, list[LoggedBatch]]:
    """The batches of these blocks as they were logged. Their times are not asked for."""
    numbers, found = sorted(blocks), dict[int, list[LoggedBatch]]()
    epochs = _epochs(index)
    b, r = batches.c, runs.c
    for start in range(0, len(numbers), IN_LIST):
        some = numbers[start : start + IN_LIST]
        logged: dict[int, list[tuple[int, bytes]]] = {}
        chosen = select(r.block_number, r.first_id, r.records).where(r.block_number.in_(some))
        for block, first_id, records in index.execute(chosen.order_by(r.leaf_index)):
            logged.setdefault(block, []).append((first_id, records))
        columns = (b.block_number, b.block_hash, b.log_index, b.authority, b.key, b.first_number, b["count"])
        headers = select(*columns).where(b.block_number.in_(some))
        for block, block_hash, log_index, authority, key, first_number, count in index.execute(headers):
            # Recorded in time, the contract saw to that; the time is not needed to find the signature.
            at = Place(block, block_hash, 0, log_index)
            batch = BatchRecorded(at, authority, key, first_number, count)
            first = record_id(batch.authority, batch.first_number)
            inside = [records for at, records in logged[block] if first <= at < first + batch.count]
            found.setdefault(block, []).append(LoggedBatch(batch, b"".join(inside), epochs(batch)))
    return found


def _epochs(index: Connection) -> Callable[[BatchRecorded], int]:
    """What tells the signature epoch that a batch's authority was in. There are few changes: all are read."""
    e = signature_epochs.c
    changes = index.execute(select(e.authority, e.block_number, e.log_index, e.epoch)).all()

    def epoch_of(batch: BatchRecorded) -> int:
        place = (batch.at.block_number, batch.at.log_index)
        before = [each.epoch for each in changes if each.authority == batch.authority and each[1:3] < place]
        return max(before, default=0)

    return epoch_of
