"""Questions to the index. Each takes a connection, so that several answers come from one snapshot:

with database.read_index() as index:
    ids = linked_enterprises(index, 7)
    posted = posted_of(index, ids)
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, func, select

from ledger.crypto.heads import genesis_head, leaf_data
from ledger.crypto.merkle import leaf_hash, root_of
from ledger.crypto.statement import head_leaf
from ledger.domain.catalogue import LINKED_TO
from ledger.domain.records import Posted, unpack_run
from ledger.errors import NotFound
from ledger.store.index import assessments, authorities, batches, cursor, enterprises, links, runs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Select

#: What streams fetches this many rows at once.
_STREAM = {"yield_per": 2000}


class Place(NamedTuple):
    """Where a row's log stands: block number, block hash (32 bytes), place in the block."""

    block_number: int
    block_hash: bytes
    log_index: int


class RunRow(NamedTuple):
    """A run as the index holds it: `records` is packed, 64 bytes a record, the first with id `first_id`."""

    leaf_index: int
    enterprise: int
    authority: int
    first_id: int
    head: bytes
    records: bytes
    block_number: int
    block_hash: bytes
    log_index: int

    @property
    def posted(self) -> list[Posted]:
        """The run's records."""
        return unpack_run(self.first_id, self.records)


class EnterpriseRow(NamedTuple):
    """A registered enterprise: its index, its identity's commitment, and where the registration stands."""

    enterprise: int
    commitment: bytes
    at: Place


class AuthorityRow(NamedTuple):
    """An authority by its number and code."""

    authority: int
    code: str


class Counts(NamedTuple):
    """How much the index holds. `block` is the block it stands at, -1 before the first."""

    block: int
    records: int
    runs: int
    batches: int
    enterprises: int
    authorities: int
    assessments: int


_RUN = tuple(runs.c[name] for name in RunRow._fields)
_BY_FIRST = select(*_RUN).where(runs.c.first_id.in_(bindparam("wanted", expanding=True)))
_POSTED = (
    select(runs.c.first_id, runs.c.records)
    .where(runs.c.enterprise.in_(bindparam("wanted", expanding=True)))
    .order_by(runs.c.leaf_index)
)


# Asked for every score: built once.
NEIGHBOURS = (
    select(links.c.other)
    .where(links.c.enterprise == bindparam("enterprise"), links.c.type >= LINKED_TO)
    .union(select(links.c.enterprise).where(links.c.other == bindparam("enterprise")))
)


# ---------------------------------------------------------------------- records of enterprises


def posted_of(index: Connection, wanted: Collection[int]) -> list[Posted]:
    """Return all records of these enterprises, in the order the chain took them."""
    found: list[Posted] = []
    for first_id, packed in index.execute(_POSTED, {"wanted": list(wanted)}):
        found += unpack_run(first_id, packed)
    return found


def runs_of(index: Connection, wanted: Collection[int]) -> list[RunRow]:
    """Return all runs of these enterprises, in the order of their leaves."""
    chosen = select(*_RUN).where(runs.c.enterprise.in_(list(wanted))).order_by(runs.c.leaf_index)
    return [RunRow(*row) for row in index.execute(chosen)]


def runs_from(index: Connection, first_ids: Collection[int]) -> list[RunRow]:
    """Return the runs that begin with these records."""
    return [RunRow(*row) for row in index.execute(_BY_FIRST, {"wanted": list(first_ids)})]


def stream_posted(index: Connection) -> Iterator[tuple[int, list[Posted]]]:
    """Yield every enterprise that has records, ascending, with all of its records in chain order."""
    chosen = select(runs.c.enterprise, runs.c.first_id, runs.c.records)
    rows = index.execute(chosen.order_by(runs.c.enterprise, runs.c.leaf_index), execution_options=_STREAM)
    for enterprise, group in groupby(rows, key=itemgetter(0)):
        yield enterprise, [each for _, first_id, packed in group for each in unpack_run(first_id, packed)]


# ---------------------------------------------------------------------- links


def link_records(index: Connection, enterprise: int | None = None) -> list[Posted]:
    """Return link records, and lifecycle records about them, in the order of their ids within an authority.

    Of one enterprise: those on its own record and those that name it. None: all of them.
    """
    chosen = select(links.c.id, links.c.record).order_by(links.c.block_number, links.c.log_index, links.c.id)
    if enterprise is None:
        return _unpacked(index, chosen)
    concerned = (links.c.enterprise == enterprise) | (links.c.other == enterprise)
    found = {each.id: each for each in _unpacked(index, chosen.where(concerned))}
    # A link to this enterprise stands on the other's record, and so does what revokes it.
    fresh = list(found)
    while fresh:
        about = _unpacked(index, chosen.where(links.c.about.in_(fresh)))
        fresh = [each.id for each in about if each.id not in found]
        found.update((each.id, each) for each in about)
    return sorted(found.values(), key=lambda each: each.id)


def neighbours(index: Connection, enterprise: int) -> set[int]:
    """Return every enterprise ever linked with this one, directly, whether or not the link still stands."""
    found = index.scalars(NEIGHBOURS, {"enterprise": enterprise})
    return {int(each) for each in found if each is not None}


def connected(index: Connection, enterprise: int) -> set[int]:
    """Return the enterprise and all that links ever reach from it, either way, in any number of steps.

    Which of those links stand on a day is for `domain.standing` to say, from these enterprises' records.
    """
    reached, fresh = {enterprise}, {enterprise}
    while fresh:
        fresh = {each for one in fresh for each in neighbours(index, one)} - reached
        reached |= fresh
    return reached


def _unpacked(index: Connection, chosen: Select[int, bytes]) -> list[Posted]:
    return [unpack_run(number, packed)[0] for number, packed in index.execute(chosen)]


# ---------------------------------------------------------------------- the log


def leaf_hashes(index: Connection, first: int = 0) -> Iterator[bytes]:
    """Yield the leaf hashes of the log from leaf `first` on, in order."""
    chosen = (
        select(runs.c.enterprise, runs.c.head).where(runs.c.leaf_index >= first).order_by(runs.c.leaf_index)
    )
    for enterprise, head in index.execute(chosen, execution_options=_STREAM):
        yield leaf_hash(leaf_data(enterprise, head))


def heads(
    index: Connection, log_size: int | None = None, block: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield every enterprise with its head, ascending; with `log_size` and `block`, as they were then."""
    last = select(func.max(runs.c.leaf_index).label("leaf"))
    registered = select(enterprises.c.enterprise, enterprises.c.commitment)
    if log_size is not None:
        last = last.where(runs.c.leaf_index < log_size)
    if block is not None:
        registered = registered.where(enterprises.c.block_number <= block)
    latest = last.group_by(runs.c.enterprise).subquery()
    moved = select(runs.c.enterprise, runs.c.head).join(latest, runs.c.leaf_index == latest.c.leaf)
    upcoming = iter(index.execute(moved.order_by(runs.c.enterprise), execution_options=_STREAM))
    after = next(upcoming, None)
    rows = index.execute(registered.order_by(enterprises.c.enterprise), execution_options=_STREAM)
    for enterprise, commitment in rows:
        if after is not None and after[0] == enterprise:
            yield enterprise, after[1]
            after = next(upcoming, None)
        else:
            yield enterprise, genesis_head(enterprise, commitment)


def heads_root(index: Connection, log_size: int | None = None, block: int | None = None) -> bytes:
    """Root of the tree of heads, in little memory; see `heads`."""
    return root_of(head_leaf(*each) for each in heads(index, log_size, block))


# ---------------------------------------------------------------------- the rest


def enterprise_by_index(index: Connection, number: int) -> EnterpriseRow:
    """Return a registered enterprise. Raises `NotFound`."""
    row = index.execute(select(enterprises).where(enterprises.c.enterprise == number)).one_or_none()
    if row is None:
        raise NotFound(f"enterprise {number} is not registered on the chain")
    return EnterpriseRow(
        row.enterprise, row.commitment, Place(row.block_number, row.block_hash, row.log_index)
    )


def all_authorities(index: Connection) -> list[AuthorityRow]:
    """Return the authorities in the order of their numbers."""
    chosen = select(authorities.c.authority, authorities.c.code).order_by(authorities.c.authority)
    return [AuthorityRow(*row) for row in index.execute(chosen)]


def authority_number(index: Connection, code: str) -> int:
    """Return the number of the authority with this code; 0, which no authority has, if there is none."""
    return index.scalar(select(authorities.c.authority).where(authorities.c.code == code)) or 0


def counts(index: Connection) -> Counts:
    """Count what the index holds, from the chain's own consecutive numbers: quick however much there is."""
    many, records = index.execute(select(func.count(), func.coalesce(func.sum(batches.c.count), 0))).one()
    number, leaf, enterprise, authority, epoch = (
        index.scalar(select(func.max(column)))
        for column in (
            cursor.c.number,
            runs.c.leaf_index,
            enterprises.c.enterprise,
            authorities.c.authority,
            assessments.c.epoch,
        )
    )
    return Counts(
        block=-1 if number is None else number,
        records=int(records),
        runs=0 if leaf is None else leaf + 1,
        batches=many,
        enterprises=enterprise or 0,
        authorities=authority or 0,
        assessments=epoch or 0,
    )
