"""Commands already in the vault, found by the authority's own reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, select

from ledger.domain.records import record_id
from ledger.errors import NotFound
from ledger.store.bulk import IN_LIST
from ledger.store.vault import commands, submissions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection


class Command(NamedTuple):
    """An accepted record. `part` 1 is the mirror of a link. `number` is None until its batch is sealed.

    `ref_command` is the `seq` of the command a lifecycle record refers to, `ref_enterprise` the index a link
    names.
    """

    seq: int
    authority: int
    reference: str
    part: int
    content_mac: bytes
    type: int
    enterprise: int
    conduct_on: int
    decided_on: int
    severity: int
    ref_command: int | None
    ref_enterprise: int | None
    commitment: bytes
    number: int | None

    @property
    def record_id(self) -> int | None:
        """The record's id on the chain, once its batch is sealed."""
        return None if self.number is None else record_id(self.authority, self.number)


class SubmissionRow(NamedTuple):
    """One call to `accept`, and what became of its rows."""

    id: str
    created_at: int
    authority: int
    source: str
    accepted: int
    duplicate: int
    rejected: int
    first_seq: int
    commands: int


_COLUMNS = tuple(commands.c[name] for name in Command._fields)
# Built once: as literals, every reference of an import would be examined by SQLAlchemy.
_BY_REFERENCES = select(*_COLUMNS).where(
    commands.c.authority == bindparam("authority"),
    commands.c.reference.in_(bindparam("wanted", expanding=True)),
)


def by_references(vault: Connection, authority: int, references: Collection[str]) -> list[Command]:
    """Return the authority's commands of these references, mirrors too, in no order."""
    wanted = list(references)
    found: list[Command] = []
    for start in range(0, len(wanted), IN_LIST):
        part = wanted[start : start + IN_LIST]
        rows = vault.execute(_BY_REFERENCES, {"authority": authority, "wanted": part}).all()
        found += [Command(*row) for row in rows]
    return found


def by_reference(vault: Connection, authority: int, reference: str) -> Command:
    """Return the authority's command of this reference, not its mirror. Raises `NotFound`."""
    for each in by_references(vault, authority, [reference]):
        if each.part == 0:
            return each
    raise NotFound(f"the authority has no record with the reference {reference!r}")


def by_numbers(vault: Connection, authority: int, numbers: Sequence[int]) -> dict[int, Command]:
    """Return the authority's sealed commands of these numbers, by number."""
    found: dict[int, Command] = {}
    for start in range(0, len(numbers), IN_LIST):
        part = numbers[start : start + IN_LIST]
        chosen = select(*_COLUMNS).where(commands.c.authority == authority, commands.c.number.in_(part))
        found.update((row.number, Command(*row)) for row in vault.execute(chosen))
    return found


def submission(vault: Connection, name: str) -> SubmissionRow:
    """Return one call to the outbox. Raises `NotFound`."""
    row = vault.execute(select(submissions).where(submissions.c.id == name)).one_or_none()
    if row is None:
        raise NotFound(f"there is no submission {name!r}")
    return SubmissionRow(*row)


def commands_of(vault: Connection, row: SubmissionRow) -> Iterator[Command]:
    """Yield the commands a submission brought, mirrors too, in the order of acceptance."""
    brought = commands.c.seq.between(row.first_seq, row.first_seq + row.commands - 1)
    chosen = select(*_COLUMNS).where(brought, commands.c.authority == row.authority)
    for each in vault.execute(chosen.order_by(commands.c.seq), execution_options={"yield_per": 1000}):
        yield Command(*each)
