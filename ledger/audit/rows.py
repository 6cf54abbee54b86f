"""Rows of a derived table against the rows the chain gives: a merge of two sorted streams, row for row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from ledger.audit.deviation import Deviation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ledger.domain.facts import Run

Cell: TypeAlias = "int | str | bytes | bool | None"
Row: TypeAlias = "Sequence[Cell]"

_RANKS: Final = {int: 1, bool: 1, float: 1, str: 2, bytes: 3}

#: Columns of one run as the index keeps it, in the order of `run_row`; the first is the sort key.
RUN_COLUMNS = (
    "leaf_index",
    "enterprise",
    "authority",
    "first_id",
    "head",
    "records",
    "block_number",
    "block_hash",
    "log_index",
)


class RunRow(NamedTuple):
    """One run as a row: the columns of `RUN_COLUMNS`."""

    leaf_index: int
    enterprise: int
    authority: int
    first_id: int
    head: bytes
    records: bytes
    block_number: int
    block_hash: bytes
    log_index: int


def run_row(run: Run) -> RunRow:
    """The row an index must hold for a run that the chain logged."""
    return RunRow(
        run.leaf_index,
        run.enterprise,
        run.authority,
        run.first_id,
        run.head,
        run.records,
        run.at.block_number,
        run.at.block_hash,
        run.at.log_index,
    )


def compare_rows(
    table: str, columns: Sequence[str], expected: Iterable[Row], found: Iterable[Row], *, keys: int = 1
) -> Iterator[Deviation]:
    """Yield where `found` differs from `expected`: rows missing, rows too many, first column that differs.

    Both streams hold rows in the order of `columns` and ascend by their first `keys` columns; a row that does
    not ascend counts as one too many, and so does one whose key is of other types. Memory: one row of each.
    """
    ours, theirs = iter(expected), iter(found)
    want, have = next(ours, None), next(theirs, None)
    last: tuple[Cell, ...] | None = None
    while want is not None or have is not None:
        key = tuple(have[:keys]) if have is not None else ()
        # The honest row, as nearly all are: the one expected, and above the one before.
        if want == have and (last is None or last < key):
            last, want, have = key, next(ours, None), next(theirs, None)
            continue
        like = want[:keys] if want is not None else last
        if have is not None and like is not None and [*map(type, key)] != [*map(type, like)]:
            yield Deviation("row too many", _place(table, columns, key), "no row", _show(have))
            have = next(theirs, None)
            continue
        if have is not None and last is not None and _order(key) <= _order(last):
            yield Deviation(
                "row too many", _place(table, columns, key), f"rows above {_show(last)}", _show(have)
            )
            have = next(theirs, None)
            continue
        if have is None or (want is not None and _order(want[:keys]) < _order(have[:keys])):
            assert want is not None
            yield Deviation("row missing", _place(table, columns, want[:keys]), _show(want), "no row")
            want = next(ours, None)
            continue
        last = key
        if want is None or _order(key) < _order(want[:keys]):
            yield Deviation("row too many", _place(table, columns, key), "no row", _show(have))
        else:
            if tuple(want) != tuple(have):
                yield _first_difference(table, columns, want, have, keys)
            want = next(ours, None)
        have = next(theirs, None)


def _first_difference(table: str, columns: Sequence[str], want: Row, have: Row, keys: int) -> Deviation:
    where = _place(table, columns, want[:keys])
    for column, left, right in zip(columns, want, have, strict=False):
        if left != right:
            return Deviation("row differs", f"{where}, column {column}", _cell(left), _cell(right))
    return Deviation("row differs", where, f"{len(want)} columns", f"{len(have)} columns")


def _order(key: Sequence[Cell]) -> tuple[tuple[int, Any], ...]:
    """By type first, as SQLite sorts: a key that nobody wrote is to be reported, not to crash."""
    return tuple((_RANKS.get(type(cell), 0), 0 if cell is None else cell) for cell in key)


def _place(table: str, columns: Sequence[str], key: Sequence[Cell]) -> str:
    return f"table {table}, " + ", ".join(f"{c} {_cell(v)}" for c, v in zip(columns, key, strict=False))


def _show(row: Row) -> str:
    return ", ".join(_cell(cell) for cell in row)


def _cell(cell: Cell) -> str:
    if isinstance(cell, bytes):
        # Enough to find the byte in; a whole run may have 64,000.
        return cell.hex() if len(cell) <= 64 else f"{cell[:60].hex()}... ({len(cell)} bytes)"
    return "NULL" if cell is None else str(cell)
