"""The outbox's rows whole: against the records they became, against one another, and before they are records.

What waits is what the next drain sends, so it is held to the same: a batch that is sealed is its rows, in
their order, and a row says what its document says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from ledger.audit.deviation import Deviation, NotChecked, show_record
from ledger.audit.documents import DocumentCheck, compare_documents
from ledger.domain.catalogue import CORRECTION, LINKED_FROM, LINKED_TO
from ledger.domain.records import RECORD_BYTES, Posted, record_id, unpack_run
from ledger.errors import ChainDamaged
from ledger.outbox.documents import Sealed
from ledger.store.vault import batches, commands, documents
from ledger.workflows.held import opened
from ledger.workflows.subjects import party_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.audit.documents import IsMac
    from ledger.domain.catalogue import Catalogue

#: Rows that wait, opened at a time.
_AT_ONCE: Final = 500
_target, _sibling = commands.alias("target"), commands.alias("sibling")
_referring = commands.outerjoin(_target, _target.c.seq == commands.c.ref_command)
_FIELDS: Final = ("enterprise", "type", "severity", "conduct_on", "decided_on", "commitment")
_REF: Final = (commands.c.ref_command, commands.c.ref_enterprise, _target.c.authority, _target.c.number)
_ROW = select(commands.c.number, *_REF, *(commands.c[name] for name in _FIELDS)).select_from(_referring)
_WAITING = (
    select(
        commands.c.seq,
        commands.c.authority,
        commands.c.reference,
        commands.c.part,
        commands.c.content_mac,
        commands.c.ref_enterprise,
        _target.c.reference.label("refers_to"),
        *(commands.c[name] for name in _FIELDS),
        documents.c.sealed,
        documents.c.wrapped_key,
    )
    .select_from(_referring.outerjoin(documents, documents.c.seq == commands.c.seq))
    .order_by(commands.c.seq)
)
#: Which part a row should be: a link's mirror, or what is about one.
_PART = case(
    (commands.c.type == LINKED_FROM, 1), (commands.c.ref_command.is_not(None), _target.c.part), else_=0
)


class Compared(NamedTuple):
    """How many rows there were for a batch's records, and what differs."""

    rows: int
    found: list[Deviation]


def compare_batch_rows(
    vault: Connection, first_id: int, records: bytes, codes: Mapping[int, str]
) -> Compared:
    """Compare a batch's records with the rows of their numbers; one that is not there is for others to say.

    Raises `ChainDamaged`.
    """
    posted = unpack_run(first_id, records)
    authority, first = first_id >> 48, first_id & (1 << 48) - 1
    chosen = _ROW.where(
        commands.c.authority == authority, commands.c.number.between(first, first + len(posted) - 1)
    )
    held = {row[0]: row for row in vault.execute(chosen)}
    found = []
    for number, each in enumerate(posted, first):
        row = held.get(number)
        expected = (*_refs(each), each.enterprise, *each[2:6], each.commitment)
        if row is not None and (have := (*_refs_of(row), *row[5:])) != expected:
            names = ("ref_command", "ref_enterprise", *_FIELDS)
            name, want, have = next(
                (n, w, h) for n, w, h in zip(names, expected, have, strict=True) if w != h
            )
            where = f"outbox, record {show_record(each.id, codes)}, {name}"
            found.append(Deviation("outbox row differs", where, _shown(want), _shown(have)))
    return Compared(len(held), found)


def _refs(record: Posted) -> tuple[int | None, int | None]:
    """What the row of a record names: another record, or another enterprise."""
    if record.type >= LINKED_TO:
        return None, record.ref
    return (record.ref, None) if record.type >= CORRECTION else (None, None)


def _refs_of(row: Any) -> tuple[object, object]:
    _, ref_command, ref_enterprise, authority, number, *_ = row
    if ref_command is None:
        return None, ref_enterprise
    return (record_id(authority, number) if number else f"row {ref_command}"), ref_enterprise


class RowsCheck:
    """Looks at all rows at once, on one snapshot of the vault, and at those that wait for the chain."""

    def __init__(self, vault: Connection, master_key: bytes, catalogue: Catalogue, is_mac: IsMac) -> None:
        self._vault = vault
        self._master_key = master_key
        self._catalogue = catalogue
        self._is_mac = is_mac

    def parts(self) -> Iterator[Deviation]:
        """Yield rows that are not the part they say, and mirrors with another digest than their row."""
        wrong = commands.c.part != func.coalesce(_PART, -1)
        yield from self._rows("part", select(commands.c.seq).select_from(_referring).where(wrong))
        same = and_(
            _sibling.c.authority == commands.c.authority,
            _sibling.c.reference == commands.c.reference,
            _sibling.c.part == 0,
        )
        of_mirrors = commands.outerjoin(_sibling, same)
        differs = or_(_sibling.c.seq.is_(None), _sibling.c.content_mac != commands.c.content_mac)
        chosen = select(commands.c.seq).select_from(of_mirrors).where(commands.c.part == 1, differs)
        yield from self._rows("content_mac", chosen)

    def sealed(self, recorded: Mapping[int, int], codes: Mapping[int, str]) -> Iterator[Deviation]:
        """Yield batches that do not follow on each other, and those unsent that are not their rows.

        `recorded` is how many records of each authority the chain has.
        """
        b = batches.c
        size = func.length(b.records)
        chosen = select(b.authority, b.first_number, b.count, size).order_by(b.authority, b.first_number)
        following: dict[int, int] = {}
        for authority, first, count, length in self._vault.execute(chosen).all():
            where = f"outbox, batch from record {show_record(authority << 48 | first, codes)} on"
            expected = following.get(authority, 1)
            if first != expected:
                begins = f"a batch that begins with {expected}"
                yield Deviation("outbox batch out of place", where, begins, str(first))
            following[authority] = first + length // RECORD_BYTES
            if first <= recorded.get(authority, 0):
                continue  # compared with the chain's
            if count * RECORD_BYTES != length:
                found = f"{length // RECORD_BYTES} records, {length} bytes"
                yield Deviation("outbox batch differs", where, f"{count} records", found)
            yield from self._unsent(authority, first, where, codes)

    def _unsent(
        self, authority: int, first: int, where: str, codes: Mapping[int, str]
    ) -> Iterator[Deviation]:
        this = batches.c.authority == authority, batches.c.first_number == first
        records = self._vault.scalar(select(batches.c.records).where(*this)) or b""
        try:
            rows, found = compare_batch_rows(self._vault, record_id(authority, first), records, codes)
        except ChainDamaged as error:
            yield Deviation("outbox batch differs", where, "records", str(error))
            return
        if rows != len(records) // RECORD_BYTES:
            yield Deviation(
                "outbox row missing", where, f"{len(records) // RECORD_BYTES} rows", f"{rows} rows"
            )
        yield from found

    def waiting(
        self, recorded: Mapping[int, int], codes: Mapping[int, str]
    ) -> Iterator[Deviation | NotChecked]:
        """Yield rows that are not on the chain yet and whose documents do not say what they say."""
        for authority in self._vault.scalars(select(commands.c.authority).distinct()).all():
            beyond = commands.c.number > recorded.get(authority, 0)
            this = and_(commands.c.authority == authority, or_(commands.c.number.is_(None), beyond))
            rows = self._vault.execute(_WAITING.where(this))
            for part in rows.partitions(_AT_ONCE):
                yield from self._documents(part, codes)

    def _documents(self, rows: Sequence[Any], codes: Mapping[int, str]) -> Iterator[Deviation | NotChecked]:
        named = {each.enterprise for each in rows} | {each.ref_enterprise for each in rows} - {None}
        keys = party_keys(self._vault, named)
        for each in rows:
            check = self._checked(each, keys)
            where = f"outbox, {codes.get(each.authority, f'authority {each.authority}')}, row {each.seq}"
            if check.held == "erased":
                yield NotChecked("erased", where, "it waits for the chain, and its document cannot be opened")
            for what, place, expected, found in compare_documents(
                [check], codes, self._catalogue, self._is_mac
            ):
                field = place.partition(", ")[2]
                yield Deviation(what, f"{where}, {field}" if field else where, expected, found)

    def _checked(self, row: Any, keys: Mapping[int, str]) -> DocumentCheck:
        sealed = None if row.sealed is None else Sealed(row.commitment, row.sealed, row.wrapped_key)
        held, salt, content = opened(self._master_key, sealed, taken_up=False)
        fields = row.enterprise, row.type, row.severity, row.conduct_on, row.decided_on, 0, row.commitment
        refers_to = row.refers_to if row.ref_enterprise is None else keys.get(row.ref_enterprise)
        mac = None if row.part else row.content_mac
        posted = Posted(row.authority << 48, *fields)
        return DocumentCheck(
            posted, held, salt, content, keys.get(row.enterprise), row.reference, refers_to, mac
        )

    def _rows(self, column: str, chosen: Any) -> Iterator[Deviation]:
        for row in self._vault.scalars(chosen.order_by(commands.c.seq)):
            where = f"outbox, row {row}, {column}"
            yield Deviation("outbox row differs", where, "what the rows it goes with say", "another")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
