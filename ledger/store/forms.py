"""The form of every value of the vault: counted by the database itself, column by column.

SQLite keeps in any column whatever is put there, and a table's NOT NULL can be taken away; a server keeps to
types, not to lengths. A row of another form ends whatever reads it (`types.RowDamaged`), so whoever wants to
know all that is wrong asks here first. What a value means is not judged here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import LargeBinary, and_, cast, func, not_, or_, select, type_coerce
from sqlalchemy.types import NullType

from ledger.store.types import Bytes, Flag, Text
from ledger.store.vault import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, ColumnElement, Connection, Select, Table

#: Bytes of a column of this name: hashes, salts and digests.
_HASHES: Final = frozenset(
    {
        "salt",
        "commitment",
        "block_hash",
        "content_mac",
        "digest",
        "secret_hash",
        "card",
        "root",
        "heads_root",
        "fingerprint",
    }
)
_HASH: Final = 32


class Misshapen(NamedTuple):
    """A column of a table, what its values should be, and how many rows have another."""

    table: str
    column: str
    form: str
    rows: int


def misshapen(vault: Connection) -> Iterator[Misshapen]:
    """Yield the columns of the vault with values of another form. A table without any is read once."""
    typed = vault.dialect.name == "sqlite"
    if typed:
        driver = vault.connection.driver_connection
        driver.create_function("is_utf8", 1, _is_utf8, deterministic=True)  # type: ignore[union-attr]
    for table in metadata.sorted_tables:
        any_other, others = _counts(table, typed=typed)
        if vault.scalar(any_other):
            for column, count in others.items():
                rows = vault.scalar(count) or 0
                if rows:
                    yield Misshapen(table.name, column.name, _form(column), rows)


@cache
def _counts(table: Table, *, typed: bool) -> tuple[Select[int], dict[Column[object], Select[int]]]:
    """What counts a table's rows with a value of another form, in any column and in each."""
    bad = {column: _other(column, typed=typed) for column in table.columns}
    count = select(func.count()).select_from(table)
    return count.where(or_(*bad.values())), {column: count.where(each) for column, each in bad.items()}


def _other(column: Column[object], *, typed: bool) -> ColumnElement[bool]:
    """Whether a column's value is of another form."""
    raw = type_coerce(column, NullType())
    if column.type is Text:
        kind, good = "text", func.is_utf8(cast(raw, LargeBinary)) == 1 if typed else raw.is_not(None)
    elif column.type is Bytes:
        kind, good = "blob", func.length(raw) == _HASH if column.name in _HASHES else raw.is_not(None)
    elif column.type is Flag:
        kind, good = "integer", raw.in_((0, 1)) if typed else raw.is_not(None)
    else:
        kind, good = "integer", raw >= 0
    parts = [func.typeof(raw) != kind] if typed else []
    wrong = or_(*parts, not_(good))
    return and_(raw.is_not(None), wrong) if column.nullable else or_(raw.is_(None), wrong)


def _form(column: Column[object]) -> str:
    if column.type is Text:
        form = "text in UTF-8"
    elif column.type is Bytes:
        form = f"{_HASH} bytes" if column.name in _HASHES else "bytes"
    else:
        form = "yes or no" if column.type is Flag else "a whole number from 0 on"
    return f"{form}, or nothing" if column.nullable else form


def _is_utf8(value: object) -> bool:
    """Whether bytes are text; of anything else its type says so."""
    try:
        return isinstance(value, bytes) and value.decode() is not None
    except UnicodeDecodeError:
        return False
