"""The index's rows against the rows the chain gives, stretch by stretch of blocks, every table and column."""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, type_coerce
from sqlalchemy.types import NullType

from ledger.audit.deviation import Deviation, NotChecked
from ledger.audit.rows import compare_rows
from ledger.index.follower import Block, read_cursor
from ledger.index.rows import is_link, link_row, rows_of
from ledger.store import index as tables
from ledger.store.types import RowDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select, Table

    from ledger.domain.facts import Fact
    from ledger.index.rows import Row, Rows

#: What rows are sorted by within a table of facts: the order of the chain.
_ORDER: Final = ("block_number", "log_index")
#: And within a log that gave several rows.
_WITHIN: Final = {tables.links: ("id",), tables.changes: ("id",), tables.days: ("decided_on",)}
#: Rows fetched at a time.
_AT_ONCE: Final = 1000


class IndexCheck:
    """Compares a stretch of blocks at a time, on one snapshot of the index, up to the block it stands at."""

    def __init__(self, connection: Connection, upto: int) -> None:
        self._connection = connection
        self._upto = upto
        self._links: set[int] = set()
        #: Rows that the chain gave and that were looked for.
        self.rows = 0

    @property
    def links(self) -> frozenset[int]:
        """The link records met so far, and what undid them."""
        return frozenset(self._links)

    def take_up(self, rows: int, links: Iterable[int]) -> None:
        """Go on from where an earlier check stood."""
        self.rows, self._links = rows, set(links)

    def compare(self, facts: Sequence[Fact], first: int, last: int) -> Iterator[Deviation]:
        """Yield what differs in blocks `first`..`last`, of which these are all the facts, in chain order."""
        last = min(last, self._upto)
        expected = rows_of(fact for fact in facts if fact.at.block_number <= last)
        links = self._link_rows(expected)
        for table, number in tables.FACTS:
            rows = links if table is tables.links else expected.by_table.get(table, [])
            self.rows += len(rows)
            yield from self._table(table, number, rows, first, last)

    def outside(self, first: int) -> Iterator[Deviation]:
        """Yield the tables that have rows of blocks before the first or after the last compared."""
        for table, number in tables.FACTS:
            stands = type_coerce(table.c[number], NullType())
            beyond = (stands < first) | (stands > self._upto) | stands.is_(None)
            many = self._connection.scalar(select(func.count()).select_from(table).where(beyond))
            if many:
                where = f"table {table.name}, outside blocks {first} to {self._upto}"
                yield Deviation("row too many", where, "no row", f"{many} rows")

    def _table(
        self, table: Table, number: str, rows: Sequence[Row], first: int, last: int
    ) -> Iterator[Deviation]:
        keys, columns, chosen = _chosen(table, number)
        found = self._connection.execute(chosen, {"first": first, "last": last})
        names = [column.name for column in table.columns]
        expected = map(itemgetter(*map(names.index, columns)), rows)
        rows_found = (tuple(row) for part in found.partitions(_AT_ONCE) for row in part)
        yield from compare_rows(table.name, columns, expected, rows_found, keys=keys)

    def _link_rows(self, expected: Rows) -> list[Row]:
        found = []
        for each in expected.referring:
            if is_link(each.record) or each.record.ref in self._links:
                self._links.add(each.record.id)
                found.append(link_row(each))
        return sorted(found, key=lambda row: (row[6], row[8], row[0]))


def stands_at(index: Connection, found: list[Deviation | NotChecked]) -> Block | None:
    """Return the block that the index stands at; where it says none, that is added to what is found."""
    try:
        return read_cursor(index)
    except RowDamaged as error:
        found.append(Deviation("value of another form", "index, table cursor", "one block", str(error)))
        return None


@cache
def _chosen(table: Table, number: str) -> tuple[int, list[str], Select[Any]]:
    """How many columns a table's rows are sorted by, all its columns with these first, and its rows so."""
    keys = (number,) if table is tables.blocks else (*_ORDER, *_WITHIN.get(table, ()))
    columns = [*keys, *(column.name for column in table.columns if column.name not in keys)]
    chosen: Any = select(*(_plain(table, name) for name in columns))
    within = table.c[number].between(bindparam("first"), bindparam("last"))
    return len(keys), columns, chosen.where(within).order_by(*(table.c[key] for key in keys))


def _plain(table: Table, name: str) -> ColumnElement[object]:
    """The column as it is stored, of whatever type: the expected rows are what goes to the driver."""
    return type_coerce(table.c[name], NullType())
