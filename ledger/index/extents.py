"""How much there is of an enterprise, without reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, func, select

from ledger.domain.records import ids_of
from ledger.index.queries import connected
from ledger.store.bulk import IN_LIST
from ledger.store.index import days, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Extent(NamedTuple):
    """How many records an enterprise has on the chain, and its head after the last; None: it has none."""

    records: int
    head: bytes | None


def extent_of(index: Connection, enterprise: int) -> Extent:
    """Return how many records an enterprise has, and the head they lead to."""
    own = runs.c.enterprise == enterprise
    many = index.scalar(select(func.coalesce(func.sum(runs.c.count), 0)).where(own))
    last = index.scalar(select(runs.c.head).where(own).order_by(runs.c.leaf_index.desc()).limit(1))
    return Extent(int(many or 0), last)


def first_written(index: Connection, authority: int, enterprise: int) -> int | None:
    """Return the run, by its first id, of an authority's earliest decision about exactly this enterprise.

    None where it has no record about it.
    """
    own = (days.c.enterprise == enterprise) & days.c.first_id.between(*ids_of(authority))
    return index.scalar(
        select(days.c.first_id).where(own).order_by(days.c.decided_on, days.c.first_id).limit(1)
    )


def is_large(index: Connection, enterprise: int, many: int) -> bool:
    """Whether an enterprise has so many records or more, with those of all that links ever reach from it."""
    reached, found = sorted(connected(index, enterprise)), 0
    for start in range(0, len(reached), IN_LIST):
        given = {"reached": reached[start : start + IN_LIST], "many": many}
        found += index.scalar(_FIRST_COUNTS, given) or 0
        if found >= many:
            return True
    return False


_counts = (
    select(runs.c.count)
    .where(runs.c.enterprise.in_(bindparam("reached", expanding=True)))
    .limit(bindparam("many"))
    .subquery()
)
_FIRST_COUNTS = select(func.coalesce(func.sum(_counts.c.count), 0))
