"""Taking up what the chain has and this vault does not, so that work goes on from there.

Another registrar numbers a firm, another office writes with an authority's key, or this vault is a copy of
yesterday: the chain then holds numbers that the vault has not, or has given to others. The chain's stand.
What the vault holds under the same commitment is recognised by it; the rest is noted as not held; and what of
the vault's own has lost its number waits for the next, as if it had just been accepted. Enterprises are
renumbered only where the chain does not know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, select

from ledger.domain.catalogue import LINKED_TO
from ledger.domain.records import RECORD_BYTES, unpack
from ledger.errors import ChainDamaged, Conflict
from ledger.outbox.sealing import Batch
from ledger.outbox.unheld import ENTERPRISES, Span, Unheld, note_unheld, spans_of, trim_unheld
from ledger.outbox.unsealing import unseal_from, unseal_where
from ledger.store import index as chain
from ledger.store.bulk import insert_rows, set_values
from ledger.store.vault import access_log, batches, commands, identities, unheld

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from ledger.domain.records import Record


class TakenUp(NamedTuple):
    """What was taken up. `renumbered` maps a firm's number here to the one it has, or will have, there.

    `changed` are records of batches that this vault had sealed, or seen there, otherwise than they are.
    """

    enterprises: list[Span]
    records: list[Span]
    recognised: int
    renumbered: dict[int, int]
    changed: list[Span]


def take_up(vault: Connection, index: Connection, now: int) -> TakenUp:
    """Take up everything in the index, which must stand at the chain's last block.

    `now` is in Unix seconds. Everything is written in the vault's transaction. Raises `Conflict` where an
    identity that was seen registered is not the chain's.
    """
    records: list[Span] = []
    changed: list[Span] = []
    recognised = 0
    counts = _counts(index)
    enterprises = index.scalar(select(func.count()).select_from(chain.enterprises)) or 0
    trim_unheld(vault, counts | {ENTERPRISES: enterprises})
    for authority in sorted(counts):
        missing, known = _records(vault, index, authority, now, changed)
        recognised += known
        records += missing
    nameless, renumbered = _enterprises(vault, index, now)
    if renumbered:
        moved = renumbered.keys()

        def names_one(record: Record) -> bool:
            return record.enterprise in moved or (record.type >= LINKED_TO and record.ref in moved)

        for authority in sorted(set(vault.scalars(select(batches.c.authority).distinct()))):
            unseal_where(vault, authority, counts.get(authority, 0), names_one)
        _renumber(vault, renumbered)
    return TakenUp(nameless, records, recognised, renumbered, changed)


def _counts(index: Connection) -> dict[int, int]:
    """The chain's last record of each authority."""
    c = chain.batches.c
    last = select(c.authority, func.max(c.first_number + c.count - 1)).group_by(c.authority)
    return dict(index.execute(last).all())


# ---------------------------------------------------------------------- records


def _records(
    vault: Connection, index: Connection, authority: int, now: int, changed: list[Span]
) -> tuple[list[Span], int]:
    """Take up an authority's batches; return the records without a document, and how many were recognised.

    What this vault was changed in is added to `changed`.
    """
    ours = {each.first_number: each for each in _ours(vault, authority)}
    theirs = list(_theirs(index, authority, ours))
    if not theirs:
        return [], 0
    changed += [
        Span(authority, each.first_number, each.last_number)
        for each in theirs
        if each.first_number in ours and _changed(ours[each.first_number], each)
    ]
    begins = theirs[0].first_number
    over = [each.first_number for each in ours.values() if max(each.last_number, each.first_number) >= begins]
    if over:
        # From there on nothing of ours can be recorded as it stands; what was ours is recognised below.
        begins = min(over)
        unseal_from(vault, authority, begins)
        gone = (unheld.c.authority == authority) & (unheld.c.first >= begins)
        vault.execute(delete(unheld).where(gone))
        theirs = list(_theirs(index, authority, {}, begins))
    waiting = select(commands.c.commitment, commands.c.seq).where(
        commands.c.authority == authority, commands.c.number.is_(None)
    )
    seqs = dict(vault.execute(waiting).all())
    numbers: list[tuple[int, int]] = []
    missing: list[int] = []
    for each in theirs:
        for number, record in enumerate(unpack(each.records), each.first_number):
            seq = seqs.pop(record.commitment, None)
            if seq is None:
                missing.append(number)
            else:
                numbers.append((number, seq))
    insert_rows(vault, batches, theirs)
    set_values(vault, commands.c.number, commands.c.seq, numbers)
    return note_unheld(vault, authority, missing, now), len(numbers)


def _ours(vault: Connection, authority: int) -> list[Batch]:
    chosen = select(*(batches.c[name] for name in Batch._fields)).where(batches.c.authority == authority)
    return [Batch(*row) for row in vault.execute(chosen)]


def _theirs(index: Connection, authority: int, ours: Mapping[int, Batch], begins: int = 1) -> Iterator[Batch]:
    """Yield the chain's batches, ascending, that are not the vault's own."""
    c = chain.batches.c
    chosen = select(c.first_number, c.count, c.block_number, c.block_hash)
    chosen = chosen.where(c.authority == authority, c.first_number >= begins).order_by(c.first_number)
    for first, count, block, block_hash in index.execute(chosen).all():
        mine = ours.get(first)
        if mine is not None and mine.count == count and mine.block_hash == block_hash:
            continue  # seen there, and compared then
        records = _packed(index, authority, first, count)
        if mine is None or (mine.count, mine.records) != (count, records):
            yield Batch(authority, first, count, records, _sealed_at(index, block), block, block, block_hash)


def _changed(mine: Batch, theirs: Batch) -> bool:
    """Whether it is this vault that changed: it had seen the batch in its block, or contradicts itself."""
    return mine.block_hash == theirs.block_hash or mine.count * RECORD_BYTES != len(mine.records)


def _packed(index: Connection, authority: int, first: int, count: int) -> bytes:
    """The records of a batch, packed, from its runs."""
    c, begins = chain.runs.c, authority << 48 | first
    within = c.first_id.between(begins, begins + count - 1)
    packed = b"".join(index.scalars(select(c.records).where(within).order_by(c.first_id)))
    if len(packed) != count * RECORD_BYTES:
        raise ChainDamaged(
            f"of the {count} records from {first} on of authority {authority} the index holds"
            f" {len(packed) // RECORD_BYTES}: rebuild it"
        )
    return packed


def _sealed_at(index: Connection, block: int) -> int:
    """When the batch was on the chain, for want of knowing when it was sealed."""
    return index.scalar(select(chain.blocks.c.timestamp).where(chain.blocks.c.number == block)) or 0


# ---------------------------------------------------------------------- enterprises


class _Known(NamedTuple):
    enterprise: int
    commitment: bytes
    block_number: int | None


def _enterprises(vault: Connection, index: Connection, now: int) -> tuple[list[Span], dict[int, int]]:
    """Note the enterprises without an identity; return them, and new numbers for ours that have none."""
    c = identities.c
    ours = [
        _Known(*row)
        for row in vault.execute(select(c.enterprise, c.commitment, c.block_number).order_by(c.enterprise))
    ]
    by_number = {each.enterprise: each for each in ours}
    noted = Unheld(spans_of(vault))
    missing: dict[int, bytes] = {}
    last = 0
    e = chain.enterprises.c
    for number, commitment in index.execute(select(e.enterprise, e.commitment).order_by(e.enterprise)):
        last = number
        mine = by_number.get(number)
        if mine is not None and mine.commitment == commitment:
            continue
        if mine is not None and mine.block_number is not None:
            raise Conflict(
                f"the identity of enterprise {number} was seen registered, and is not the one that the chain"
                " has: this vault was changed. Restore it from a backup"
            )
        if mine is not None or not noted.has(ENTERPRISES, number):
            missing[number] = commitment
    renumbered = _new_numbers(ours, missing, last)
    for number in renumbered.values():
        missing.pop(number, None)
    return note_unheld(
        vault, ENTERPRISES, sorted(each for each in missing if not noted.has(ENTERPRISES, each)), now
    ), renumbered


def _new_numbers(ours: list[_Known], missing: Mapping[int, bytes], last: int) -> dict[int, int]:
    """The numbers of our identities that must change: to what the chain has them under, or to the next."""
    of = {commitment: number for number, commitment in missing.items()}
    found: dict[int, int] = {}
    following = last + 1
    for each in ours:
        if each.enterprise <= last and each.enterprise not in missing:
            continue
        number = of.get(each.commitment)
        if number is None:
            number, following = following, following + 1
        if number != each.enterprise:
            found[each.enterprise] = number
    return found


def _renumber(vault: Connection, numbers: Mapping[int, int]) -> None:
    """Give enterprises that the chain does not know other numbers, wherever the vault names them.

    By way of negative ones, since one's new number is another's old.
    """
    for column in (
        identities.c.enterprise,
        commands.c.enterprise,
        commands.c.ref_enterprise,
        access_log.c.enterprise,
    ):
        set_values(vault, column, column, [(-new, old) for old, new in numbers.items()])
        set_values(vault, column, column, [(new, -new) for new in numbers.values()])
