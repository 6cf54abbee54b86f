"""The outbox's own copy of what was recorded, and what it accepted and the chain never got.

The vault is the only place that knows what this office promised to record. So it is held against itself and
the chain: a batch recorded is the batch sealed, a row with a number is the record of that number, every
submission has as many rows as it was told were taken, and none waits for longer than `audit_late.PATIENCE`.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, or_, select

from ledger.audit.deviation import Deviation, NotChecked, Review, show_span, show_time
from ledger.audit.postings import batches_of
from ledger.domain.records import RECORD_BYTES
from ledger.store.vault import batches, commands, submissions
from ledger.workflows.audit_late import find_late
from ledger.workflows.audit_rows import compare_batch_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from ledger.audit.authorities import AuthorityState
    from ledger.audit.postings import LoggedBatch
    from ledger.domain.facts import Fact, Place

_BROUGHT = and_(
    commands.c.seq.between(submissions.c.first_seq, submissions.c.first_seq + submissions.c.commands - 1),
    commands.c.authority == submissions.c.authority,
)
#: How many rows a submission still has, and how many of them are no mirrors.
_HELD = func.count(commands.c.seq)
_OWN = func.count(case((commands.c.part == 0, commands.c.seq)))
_FEWER = (
    select(submissions, _HELD.label("held"), _OWN.label("own"))
    .select_from(submissions.outerjoin(commands, _BROUGHT))
    .group_by(submissions.c.id)
    .having(or_(submissions.c.commands != _HELD, submissions.c.accepted != _OWN))
    .order_by(submissions.c.first_seq)
)


class OutboxCheck:
    """Compares on one snapshot of the vault. `counts`: batches and rows that were compared."""

    def __init__(self, vault: Connection) -> None:
        self._vault = vault
        #: Rows that an authority's officers are still to sign for.
        self.waiting: list[Review] = []
        self.counts = {"outbox_batches": 0, "outbox_rows": 0}

    def compare(self, facts: Iterable[Fact], codes: Mapping[int, str]) -> Iterator[Deviation | NotChecked]:
        """Yield where the outbox's copy of a stretch's batches is another than was recorded."""
        for batch in batches_of(facts):
            yield from self._batch(batch, codes)
            first_id = batch.header.authority << 48 | batch.header.first_number
            rows, found = compare_batch_rows(self._vault, first_id, batch.records, codes)
            self.counts["outbox_rows"] += rows
            yield from found

    def outstanding(self, authorities: Mapping[int, AuthorityState], now: int) -> Iterator[Deviation]:
        """Yield rows that were accepted and are gone, or not on the chain by `now` (Unix seconds)."""
        yield from self._lost()
        for found in find_late(self._vault, authorities, now):
            if isinstance(found, Review):
                self.waiting.append(found)
            else:
                yield found

    def _batch(self, batch: LoggedBatch, codes: Mapping[int, str]) -> Iterator[Deviation | NotChecked]:
        header = batch.header
        where = (
            f"outbox, batch {show_span(header.authority << 48 | header.first_number, header.count, codes)}"
        )
        mine = batches.c.authority == header.authority, batches.c.first_number == header.first_number
        columns = batches.c.count, batches.c.records, batches.c.block_number, batches.c.block_hash
        row = self._vault.execute(select(*columns).where(*mine)).one_or_none()
        if row is None:
            yield Deviation("outbox batch missing", where, f"{header.count} records", "no batch")
            return
        self.counts["outbox_batches"] += 1
        count, kept, *seen = row
        if count != header.count:
            yield Deviation("outbox batch differs", f"{where}, count", f"{header.count} records", str(count))
        yield from seen_elsewhere(where, header.at, *seen)
        if kept != batch.records:
            pieces = zip_longest(_pieces(batch.records), _pieces(kept), fillvalue=b"")
            place, want, have = next((n, w, h) for n, (w, h) in enumerate(pieces, 1) if w != h)
            yield Deviation("outbox batch differs", f"{where}, its record {place}", want.hex(), have.hex())

    def _lost(self) -> Iterator[Deviation]:
        lost = False
        for row in self._vault.execute(_FEWER):
            lost = True
            where = f"outbox, submission {row.id} of {show_time(row.created_at)} ({row.source})"
            took = f"{row.commands} rows, {row.accepted} without their mirrors"
            yield Deviation("accepted rows are gone", where, took, f"{row.held} rows, {row.own} without")
        if lost:
            return
        highest, many = self._vault.execute(select(func.max(commands.c.seq), func.count())).one()
        told = self._vault.scalar(select(func.sum(submissions.c.commands))) or 0
        if many != (highest or 0) or many != told:
            expected = f"{highest or 0} rows, of submissions that took {highest or 0}"
            yield Deviation("accepted rows are gone", "outbox", expected, f"{many} rows, of {told}")


def seen_elsewhere(
    where: str, at: Place | None, number: int | None, hash_: bytes | None
) -> Iterator[NotChecked]:
    """Yield that the vault saw something in a block that it is not in, or saw it though it is nowhere.

    It may have been there: when a reorganisation takes a block back, the next drain drops what was seen.
    """
    if number is None and hash_ is None:
        return
    if at is None or (number, hash_) != (at.block_number, at.block_hash):
        seen = f"block {number}, {hash_.hex() if hash_ else 'no hash'}"
        why = f"the vault saw it in {seen}, which was taken back or changed here: the next import looks again"
        yield NotChecked("seen in another block", where, why)


def _pieces(records: bytes) -> Iterator[bytes]:
    return (records[at : at + RECORD_BYTES] for at in range(0, len(records), RECORD_BYTES))
