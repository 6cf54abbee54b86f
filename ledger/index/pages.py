"""A page of a record: the records after a place in the order of decision, and what their status depends on.

The work is that of the page, however long the record: `days` leads to its runs, `changes` to the lifecycle
records about its records.
"""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sqlalchemy import Integer, bindparam, cast, func, select, tuple_

from ledger.domain.catalogue import CORRECTION, LINKED_TO
from ledger.domain.records import RECORD_BYTES, Posted, decided_on, ids_of, unpack_run
from ledger.index.queries import RunRow, runs_from
from ledger.store.bulk import IN_LIST
from ledger.store.index import changes, days, runs
from ledger.store.types import LARGEST, Bytes, Int

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Select, Subquery

_Part = TypeVar("_Part")
#: Runs read at a time: one may have a thousand records, of which a page takes those of one day.
_RUNS_AT_ONCE = 16


class Place(NamedTuple):
    """Where a record stands in the order of decision."""

    decided_on: int
    id: int


class Page(NamedTuple):
    """Records in the order of decision, each with its run, and whether there are more after them."""

    records: list[tuple[Posted, RunRow]]
    more: bool


def page_of(
    index: Connection,
    members: Collection[int],
    as_of: int,
    after: Place,
    limit: int,
    *,
    author: int | None = None,
) -> Page:
    """Return the first `limit` records of these enterprises, decided by a day, that come after a place.

    With an `author`, those that this authority wrote.
    """
    low, high = (0, LARGEST) if author is None else ids_of(author)
    given = {"as_of": as_of, "low": low, "high": high, "many": limit + 2}
    found: list[tuple[Posted, RunRow]] = []
    # A row has a record at least, but for the first of each enterprise, which may lie before `after`.
    rows = merge(*(_days(index, given | {"enterprise": each}, after) for each in members))
    for part in _parts(list(islice(rows, limit + 1 + len(members))), _RUNS_AT_ONCE):
        by_first = {each.first_id: each for each in runs_from(index, {first for _, first in part})}
        for day, first in part:
            run = by_first[first]
            found += [(each, run) for each in decided_on(first, run.records, day) if (day, each.id) > after]
        if len(found) > limit:
            break
    return Page(found[:limit], len(found) > limit)


def concerning(
    index: Connection,
    members: Collection[int],
    as_of: int,
    records: Sequence[Posted],
    *,
    author: int | None = None,
) -> list[Posted]:
    """Return these records, and the others of these enterprises that their status on a day depends on.

    Those are the lifecycle records about them, and for a lifecycle record the one it is about, with all that
    are about that one. With an `author`, as far as this authority wrote them.
    """
    changing = [each.id for each in records if CORRECTION <= each.type < LINKED_TO]
    found = {each.id: each for each in (*records, *_packed(index, _TARGETS, changing))}
    found.update((each.id, each) for each in _packed(index, _ABOUT, list(found)))
    low, high = (0, LARGEST) if author is None else ids_of(author)
    return [
        each
        for each in found.values()
        if low <= each.id <= high and each.enterprise in members and each.decided_on <= as_of
    ]


def _days(index: Connection, given: dict[str, int], after: Place) -> list[tuple[int, int]]:
    """The days of an enterprise's runs, with the run's first id, from the place on."""
    first = index.scalar(_FIRST, given | {"day": after.decided_on, "id": after.id})
    start = {"day": after.decided_on, "first": after.id if first is None else first}
    return [(day, first) for day, first in index.execute(_DAYS, given | start)]


def _packed(index: Connection, chosen: Select[int, bytes], wanted: Sequence[int]) -> list[Posted]:
    found: list[Posted] = []
    for part in _parts(wanted, IN_LIST):
        for number, packed in index.execute(chosen, {"wanted": part}):
            found += unpack_run(number, packed)
    return found


def _parts(found: Sequence[_Part], many: int) -> Iterator[Sequence[_Part]]:
    return (found[start : start + many] for start in range(0, len(found), many))


_FIRST = select(func.max(days.c.first_id)).where(
    days.c.enterprise == bindparam("enterprise"),
    days.c.decided_on == bindparam("day"),
    days.c.first_id <= bindparam("id"),
    days.c.first_id.between(bindparam("low"), bindparam("high")),
)
_DAYS = (
    select(days.c.decided_on, days.c.first_id)
    .where(
        days.c.enterprise == bindparam("enterprise"),
        days.c.decided_on <= bindparam("as_of"),
        days.c.first_id.between(bindparam("low"), bindparam("high")),
        tuple_(days.c.decided_on, days.c.first_id)
        >= tuple_(bindparam("day", type_=Int), bindparam("first", type_=Int)),
    )
    .order_by(days.c.decided_on, days.c.first_id)
    .limit(bindparam("many"))
)
_target = (
    select(
        changes.c.about.label("id"),
        select(func.max(runs.c.first_id))
        .where(runs.c.first_id <= changes.c.about)
        .scalar_subquery()
        .label("first_id"),
    )
    .where(changes.c.id.in_(bindparam("wanted", expanding=True)))
    .distinct()
    .subquery()
)
_change = (
    select(changes.c.id, changes.c.first_id)
    .where(changes.c.about.in_(bindparam("wanted", expanding=True)))
    .subquery()
)


def _cut(which: Subquery) -> Select[int, bytes]:
    """Select records by id and the first id of their run, without the rest of the run."""
    at = cast((which.c.id - which.c.first_id) * RECORD_BYTES + 1, Integer)
    return select(which.c.id, func.substr(runs.c.records, at, RECORD_BYTES, type_=Bytes)).join(
        runs, (runs.c.first_id == which.c.first_id) & (which.c.id < runs.c.first_id + runs.c.count)
    )


_TARGETS, _ABOUT = _cut(_target), _cut(_change)
