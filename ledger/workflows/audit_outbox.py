"""The outbox's own copy of what was recorded, and what it accepted and the chain never got.

The vault is the only place that knows what this office promised to record. So it is held against itself and
the chain: a batch recorded is the batch sealed, a row with a number is the record of that number, every
submission has as many rows as it was told were taken, and none waits for longer than `PATIENCE`.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, or_, select

from ledger.audit.deviation import Deviation, Review, show_record, show_span
from ledger.audit.postings import batches_of
from ledger.domain.calendar import iso_instant
from ledger.domain.catalogue import LINKED_TO
from ledger.domain.records import RECORD_BYTES, unpack_run
from ledger.store.vault import batches, commands, submissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from ledger.audit.authorities import AuthorityState
    from ledger.audit.postings import LoggedBatch
    from ledger.domain.facts import Fact

#: Seconds after which an accepted row should be on the chain.
PATIENCE: Final = 24 * 3600

_COLUMNS: Final = ("enterprise", "type", "severity", "conduct_on", "decided_on", "commitment")
_RECORD = tuple(commands.c[name] for name in _COLUMNS)
#: How many rows a submission still has.
_HELD = (
    select(func.count())
    .where(
        commands.c.seq.between(submissions.c.first_seq, submissions.c.first_seq + submissions.c.commands - 1),
        commands.c.authority == submissions.c.authority,
    )
    .scalar_subquery()
)


class OutboxCheck:
    """Compares on one snapshot of the vault. `counts`: batches and rows that were compared."""

    def __init__(self, vault: Connection) -> None:
        self._vault = vault
        #: Rows that an authority's officers are still to sign for.
        self.waiting: list[Review] = []
        self.counts = {"outbox_batches": 0, "outbox_rows": 0}

    def compare(self, facts: Iterable[Fact], codes: Mapping[int, str]) -> Iterator[Deviation]:
        """Yield where the outbox's copy of a stretch's batches is another than was recorded."""
        for batch in batches_of(facts):
            yield from self._batch(batch, codes)
            yield from self._rows(batch, codes)

    def outstanding(self, authorities: Mapping[int, AuthorityState], now: int) -> Iterator[Deviation]:
        """Yield rows that were accepted and are gone, or not on the chain by `now` (Unix seconds)."""
        yield from self._lost()
        until = self._vault.scalar(
            select(func.max(submissions.c.first_seq + submissions.c.commands - 1)).where(
                submissions.c.created_at < now - PATIENCE
            )
        )
        for number in self._vault.scalars(select(commands.c.authority).distinct()).all() if until else ():
            state = authorities.get(number)
            recorded = state.count if state else 0
            absent = or_(commands.c.number.is_(None), commands.c.number > recorded)
            this = and_(commands.c.authority == number, absent, commands.c.seq <= until)
            many, first = self._vault.execute(
                select(func.count(), func.min(commands.c.seq)).where(this)
            ).one()
            if many:
                yield from self._late(state, number, many, first)

    def _batch(self, batch: LoggedBatch, codes: Mapping[int, str]) -> Iterator[Deviation]:
        header = batch.header
        where = (
            f"outbox, batch {show_span(header.authority << 48 | header.first_number, header.count, codes)}"
        )
        mine = batches.c.authority == header.authority, batches.c.first_number == header.first_number
        row = self._vault.execute(select(batches.c.count, batches.c.records).where(*mine)).one_or_none()
        if row is None:
            yield Deviation("outbox batch missing", where, f"{header.count} records", "no batch")
            return
        self.counts["outbox_batches"] += 1
        if row.records != batch.records:
            pieces = zip_longest(_pieces(batch.records), _pieces(row.records), fillvalue=b"")
            place, want, have = next((n, w, h) for n, (w, h) in enumerate(pieces, 1) if w != h)
            yield Deviation("outbox batch differs", f"{where}, its record {place}", want.hex(), have.hex())

    def _rows(self, batch: LoggedBatch, codes: Mapping[int, str]) -> Iterator[Deviation]:
        """Compare rows with records; a row that is not there is for the documents to say."""
        header = batch.header
        first = header.first_number
        chosen = select(commands.c.number, commands.c.ref_enterprise, *_RECORD).where(
            commands.c.authority == header.authority,
            commands.c.number.between(first, first + header.count - 1),
        )
        held = {row[0]: row for row in self._vault.execute(chosen)}
        self.counts["outbox_rows"] += len(held)
        for number, each in enumerate(unpack_run(header.authority << 48 | first, batch.records), first):
            row = held.get(number)
            if row is None:
                continue
            expected = (
                each.enterprise,
                each.type,
                each.severity,
                each.conduct_on,
                each.decided_on,
                each.commitment,
            )
            if each.type >= LINKED_TO and row[1] != each.ref:
                where = f"outbox, record {show_record(each.id, codes)}, ref_enterprise"
                yield Deviation("outbox row differs", where, str(each.ref), str(row[1]))
            if tuple(row[2:]) != expected:
                name, want, have = next(
                    (n, w, h) for n, w, h in zip(_COLUMNS, expected, row[2:], strict=True) if w != h
                )
                where = f"outbox, record {show_record(each.id, codes)}, {name}"
                yield Deviation("outbox row differs", where, _shown(want), _shown(have))

    def _lost(self) -> Iterator[Deviation]:
        fewer = select(submissions, _HELD.label("held")).where(submissions.c.commands != _HELD)
        lost = False
        for row in self._vault.execute(fewer.order_by(submissions.c.first_seq)):
            lost = True
            where = f"outbox, submission {row.id} of {iso_instant(row.created_at)} ({row.source})"
            yield Deviation("accepted rows are gone", where, f"{row.commands} rows", f"{row.held}")
        if lost:
            return
        highest, many = self._vault.execute(select(func.max(commands.c.seq), func.count())).one()
        told = self._vault.scalar(select(func.sum(submissions.c.commands))) or 0
        if many != (highest or 0) or many > told:
            expected = f"{highest or 0} rows, of submissions that took {highest or 0}"
            yield Deviation("accepted rows are gone", "outbox", expected, f"{many} rows, of {told}")

    def _late(self, state: AuthorityState | None, number: int, many: int, seq: int) -> Iterator[Deviation]:
        reference = self._vault.scalar(select(commands.c.reference).where(commands.c.seq == seq))
        since = self._vault.scalar(
            select(submissions.c.created_at)
            .where(submissions.c.first_seq <= seq)
            .order_by(submissions.c.first_seq.desc())
            .limit(1)
        )
        code = state.code if state else f"authority {number}"
        where = f"outbox, {code}: {many} rows, the first with the reference {reference!r}"
        found = f"accepted at {iso_instant(since or 0)}"
        if state and state.four_eyes:
            self.waiting.append(Review("accepted and not recorded", where, f"{found}; four eyes are on"))
        else:
            yield Deviation(
                "accepted and not recorded", where, f"on the chain within {PATIENCE // 3600} hours", found
            )


def _pieces(records: bytes) -> Iterator[bytes]:
    return (records[at : at + RECORD_BYTES] for at in range(0, len(records), RECORD_BYTES))


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
