"""From queued commands to numbered batches.

A batch takes an authority's commands in the order of acceptance, ends where it is full or where a command
refers to one that is in it (the contract wants an earlier batch's), and is sorted by enterprise. Numbers go
on from the last sealed. Once sealed it never changes, whatever happens to it on its way: the numbers are
what makes sending it again harmless.

With four eyes on, what they cover goes into batches of its own, after all else: it waits for officers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from ledger.domain.calendar import day_of
from ledger.domain.catalogue import LINKED_TO
from ledger.domain.records import RECORD_BYTES, Record, first_weighty, pack_run, record_id, unpack
from ledger.store.bulk import IN_LIST, insert_rows, set_values
from ledger.store.types import LARGEST
from ledger.store.vault import batches, commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select


class Batch(NamedTuple):
    """A sealed batch, its records packed. Block number and hash: where it was last seen recorded."""

    authority: int
    first_number: int
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    records: bytes
    sealed_at: int
    sealed_block: int
    block_number: int | None
    block_hash: bytes | None

    @property
    def last_number(self) -> int:
        """The number of its last record."""
        return self.first_number + self.count - 1

    @property
    def runs(self) -> int:
        """How many enterprises it is about."""
        records = self.records
        return len({records[at : at + 8] for at in range(0, len(records), RECORD_BYTES)})

    @property
    def last_enterprise(self) -> int:
        """The largest number of an enterprise that its records are about, or link to."""
        linked = (each.ref for each in unpack(self.records) if each.type >= LINKED_TO)
        return max(int.from_bytes(self.records[-RECORD_BYTES:][:8], "big"), *linked, 0)

    def holds(self, types: int) -> bool:
        """Whether any of its records is of one of these types (bit t for type t)."""
        return first_weighty(self.records, types) is not None


class _Queued(NamedTuple):
    seq: int
    part: int
    enterprise: int
    type: int
    severity: int
    conduct_on: int
    decided_on: int
    ref_command: int | None
    ref_enterprise: int | None
    commitment: bytes


_QUEUED = select(*(commands.c[name] for name in _Queued._fields))
_BATCH = select(*(batches.c[name] for name in Batch._fields))
_LAST_NUMBER = batches.c.first_number + batches.c.count - 1


def last_sealed(vault: Connection, authority: int) -> int:
    """Return the last number given to a record of the authority; 0 before the first."""
    last = select(_LAST_NUMBER).where(batches.c.authority == authority)
    return vault.scalar(last.order_by(batches.c.first_number.desc()).limit(1)) or 0


def seal(
    vault: Connection,
    authority: int,
    size: int,
    most: int,
    *,
    now: int,
    block: int,
    upto: int,
    only: int | None = None,
) -> list[Batch]:
    """Seal up to `most` batches of up to `size` records; return them, or none when nothing is queued.

    `now` (Unix seconds) and `block` (the chain's height) are noted beside them. Only commands up to the
    `seq` `upto` are taken (see `sealable`), and none that were decided on a day to come: the contract refuses
    those until their day, with all in their batch. `only`: nothing but these types (bit t for type t). What
    four eyes cover is sealed once all else is, which never refers to that.
    """
    queued = _queue(vault, authority, size * most, upto=upto, today=day_of(now), only=only)
    numbers = _numbers(vault, queued)
    first = last_sealed(vault, authority) + 1
    sealed = []
    for taken in _cut(queued, size):
        taken.sort(key=lambda each: each.enterprise)
        numbers.update((each.seq, number) for number, each in enumerate(taken, first))
        records = pack_run(_record(authority, each, numbers) for each in taken)
        sealed.append(Batch(authority, first, len(taken), records, now, block, None, None))
        first += len(taken)
    set_values(vault, commands.c.number, commands.c.seq, [(numbers[each.seq], each.seq) for each in queued])
    insert_rows(vault, batches, sealed)
    return sealed


def last_batch(vault: Connection, authority: int) -> Batch | None:
    """Return the authority's last sealed batch; None before the first."""
    mine = _BATCH.where(batches.c.authority == authority).order_by(batches.c.first_number.desc())
    row = vault.execute(mine.limit(1)).one_or_none()
    return None if row is None else Batch(*row)


def sealable(vault: Connection, authority: int, registered: int) -> int:
    """Return the last `seq` up to which no queued command of an authority needs one beyond `registered`.

    What is numbered can only go on: a record about an enterprise that the chain does not know would hold up
    all that come after it. Firms are accepted while others are being registered, so this is asked of the
    vault after registering, and what came later waits for the next round.
    """
    needs = (commands.c.enterprise > registered) | (commands.c.ref_enterprise > registered)
    queued = (commands.c.authority == authority) & commands.c.number.is_(None)
    first = vault.scalar(select(func.min(commands.c.seq)).where(queued, needs))
    return first - 1 if first is not None else vault.scalar(select(func.max(commands.c.seq))) or 0


def unsent(vault: Connection, authority: int, recorded: int, most: int) -> list[Batch]:
    """Return the first batches beyond the authority's `recorded` records that the chain holds."""
    chosen = _BATCH.where(batches.c.authority == authority, recorded < _LAST_NUMBER)
    return [Batch(*row) for row in vault.execute(chosen.order_by(batches.c.first_number).limit(most))]


def unseen(vault: Connection) -> dict[int, list[Batch]]:
    """Return each authority's batches that nobody saw on the chain yet, in the order of their numbers."""
    chosen = _BATCH.where(batches.c.block_number.is_(None))
    found: dict[int, list[Batch]] = {}
    for row in vault.execute(chosen.order_by(batches.c.authority, batches.c.first_number)):
        found.setdefault(row.authority, []).append(Batch(*row))
    return found


def batch_at(vault: Connection, authority: int, first_number: int) -> Batch | None:
    """Return the sealed batch that begins with this number, if there is one."""
    if first_number > LARGEST:
        return None
    chosen = _BATCH.where(batches.c.authority == authority, batches.c.first_number == first_number)
    row = vault.execute(chosen).one_or_none()
    return None if row is None else Batch(*row)


def queued_by_authority(vault: Connection) -> dict[int, int]:
    """Return how many commands of each authority wait for a number."""
    chosen = select(commands.c.authority, func.count()).where(commands.c.number.is_(None))
    return dict(vault.execute(chosen.group_by(commands.c.authority)).all())


def queued_of(vault: Connection, authority: int, types: int) -> int:
    """Return how many commands of an authority, of these types (bit t for type t), wait for a number."""
    waiting = (commands.c.authority == authority) & commands.c.number.is_(None)
    chosen = select(func.count()).select_from(commands).where(waiting, _of_types(types))
    return vault.scalar(chosen) or 0


def sealed_by_authority(vault: Connection) -> dict[int, int]:
    """Return the last number given to a record of each authority."""
    chosen = select(batches.c.authority, func.max(_LAST_NUMBER))
    return dict(vault.execute(chosen.group_by(batches.c.authority)).all())


def _queue(
    vault: Connection, authority: int, most: int, *, upto: int, today: int, only: int | None
) -> list[_Queued]:
    """The first commands without a number: `most`, and one more if that is the mirror of the last."""
    ours = (commands.c.authority == authority) & commands.c.number.is_(None)
    chosen: Select[Any] = _QUEUED.where(ours, commands.c.seq <= upto, commands.c.decided_on <= today)
    if only is not None:
        chosen = chosen.where(_of_types(only))
    rows = vault.execute(chosen.order_by(commands.c.seq).limit(most + 1)).all()
    found = [_Queued(*row) for row in rows]
    return found if len(found) <= most or found[-1].part else found[:-1]


def _of_types(types: int) -> ColumnElement[bool]:
    return commands.c.type.in_([each for each in range(256) if types >> each & 1])


def _numbers(vault: Connection, queued: Sequence[_Queued]) -> dict[int, int]:
    """Numbers, by `seq`, of the commands that these refer to and that have one."""
    wanted = sorted({each.ref_command for each in queued if each.ref_command is not None})
    found: dict[int, int] = {}
    for start in range(0, len(wanted), IN_LIST):
        chosen = select(commands.c.seq, commands.c.number).where(
            commands.c.seq.in_(wanted[start : start + IN_LIST]), commands.c.number.is_not(None)
        )
        found.update((seq, number) for seq, number in vault.execute(chosen))
    return found


def _cut(queued: Sequence[_Queued], size: int) -> Iterator[list[_Queued]]:
    """Split the queue into batches; a record and its mirror stay together."""
    if not any(each.part or each.ref_command is not None for each in queued):
        # Events alone, as nearly always: nothing ends a batch early.
        yield from (list(queued[at : at + size]) for at in range(0, len(queued), size))
        return
    taken: list[_Queued] = []
    inside: set[int] = set()
    at = 0
    while at < len(queued):
        mirrored = at + 1 < len(queued) and queued[at + 1].part
        unit = queued[at : at + (2 if mirrored else 1)]
        at += len(unit)
        if taken and (len(taken) + len(unit) > size or any(each.ref_command in inside for each in unit)):
            yield taken
            taken, inside = [], set()
        taken.extend(unit)
        inside.update(each.seq for each in unit)
    if taken:
        yield taken


def _record(authority: int, command: _Queued, numbers: dict[int, int]) -> Record:
    if command.ref_command is not None:
        ref = record_id(authority, numbers[command.ref_command])
    else:
        ref = command.ref_enterprise or 0
    return Record(
        command.enterprise,
        command.type,
        command.severity,
        command.conduct_on,
        command.decided_on,
        ref,
        command.commitment,
    )
