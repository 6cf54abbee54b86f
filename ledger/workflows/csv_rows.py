r"""CSV (RFC 4180) row by row: one bad row is one rejected row, whatever is wrong with it.

A quoted value may hold line breaks, so where a row ends depends on quotes, and one stray quote could swallow
the rest of a file. Therefore:

- a row that opens a quote is read on until its quotes balance, and is then parsed strictly;
- over `ROW_LIMIT` bytes it is read past and rejected as a whole, without being kept;
- if it does not parse, or its quote is still open `QUOTE_REACH` bytes on or at the end of the file, only its
  first line is rejected and reading goes on with the next: the stray quote costs its own row.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from ledger.domain.submissions import FieldError
from ledger.errors import BadValue
from ledger.workflows.lines import ROW_LIMIT, Line, Lines
from ledger.workflows.rows import RejectedRow, Row, not_utf8, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How far an open quote is followed before it counts as stray.
QUOTE_REACH: Final = 8 * 1024 * 1024
_RAW_KEPT: Final = 16 * 1024

# The module's own bound of 131,072 characters is below a permitted document; rows are bounded here instead.
csv.field_size_limit(ROW_LIMIT + 1)


class CsvRows:
    """Iterates over the rows behind the header. Raises `BadValue` (field `file`) for an unfit header.

    `columns` are the names a header must have, in any order, compared without case, spaces, `_` and `-`.
    `ignored` are the header's other columns. Blank lines are passed over.
    """

    def __init__(self, lines: Lines, columns: Sequence[str], where: str) -> None:
        self._lines = lines
        header = _header_cells(lines, where)
        self._names = _matched(header, columns, where)
        self.ignored = tuple(cell for cell, name in zip(header, self._names, strict=True) if not name)

    def __iter__(self) -> Iterator[Row | RejectedRow]:
        while (line := self._lines.next()) is not None:
            if line.data.isspace():
                continue
            if line.cut or line.quotes & 1:
                yield self._long_row(line)
            else:
                yield self._row(line.number, line.data)

    def _row(self, number: int, data: bytes) -> Row | RejectedRow:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            return self._not_utf8(number, data, error)
        try:
            cells = _parse(text)
        except csv.Error as error:
            return _rejected(number, text, FieldError("row", shown(text), f"not CSV: {error}"))
        if len(cells) != len(self._names):
            reason = f"{len(cells)} values, the header has {len(self._names)} columns"
            return _rejected(number, text, FieldError("row", shown(text), reason))
        fields = self._fields(cells)
        odd = [name for name, value in fields.items() if "\0" in value] if "\0" in text else []
        if odd:
            errors = (FieldError(name, shown(fields[name]), "contains a NUL byte") for name in odd)
            return RejectedRow(number, fields, "", tuple(errors))
        return Row(number, fields)

    def _long_row(self, first: Line) -> Row | RejectedRow:
        """Read a row that goes on behind its first line, or whose first line alone is too long."""
        if not first.cut and _parses(first.data):
            return self._row(first.number, first.data)  # a quote inside an unquoted value opens nothing
        parts, size, is_open = [first.data], first.size, bool(first.quotes & 1)
        while is_open:
            line = self._lines.next()
            if line is None or line.after - first.after > QUOTE_REACH:
                return self._stray_quote(first)
            is_open ^= bool(line.quotes & 1)
            size += line.size
            if size <= ROW_LIMIT:
                parts.append(line.data)
        data = b"".join(parts)
        if size > ROW_LIMIT:
            return self._too_long(first.number, data, size)
        if not _parses(data):
            return self._stray_quote(first)
        return self._row(first.number, data)

    def _stray_quote(self, first: Line) -> RejectedRow:
        self._lines.back_to(first)
        text = first.data.decode(errors="backslashreplace")
        name, value = self._last_field(text)
        return _rejected(first.number, text, FieldError(name, value, "a quote is opened and not closed"))

    def _too_long(self, number: int, data: bytes, size: int) -> RejectedRow:
        text = data[:_RAW_KEPT].decode(errors="backslashreplace")
        name, value = self._last_field(text)
        reason = f"the row has {size} bytes, more than {ROW_LIMIT}"
        return _rejected(number, text, FieldError(name, value, reason))

    def _last_field(self, text: str) -> tuple[str, str]:
        """Return name and value of the field in which a text, broken off, ends."""
        try:
            cells = next(csv.reader([text]))
        except (csv.Error, StopIteration):
            return "row", shown(text)
        name = self._names[len(cells) - 1] if 0 < len(cells) <= len(self._names) else ""
        return name or "row", shown(cells[-1] if cells else "")

    def _not_utf8(self, number: int, data: bytes, error: UnicodeDecodeError) -> RejectedRow:
        """Reject a row for its encoding and name the field: UTF-8 hides no comma or quote in a character."""
        reason = not_utf8(data, error)
        try:
            cells = _parse(data.decode(errors="surrogateescape"))
        except csv.Error:
            cells = []
        visible = [cell.encode(errors="surrogateescape").decode(errors="backslashreplace") for cell in cells]
        if len(cells) != len(self._names):
            text = data.decode(errors="backslashreplace")
            return _rejected(number, text, FieldError("row", shown(text), reason))
        bad = [
            FieldError(name, shown(seen), reason)
            for name, seen, cell in zip(self._names, visible, cells, strict=True)
            if name and any("\udc80" <= char <= "\udcff" for char in cell)
        ]
        # A bad byte in a column that is not read is a fault of the row too: the file's encoding is in doubt.
        return RejectedRow(number, self._fields(visible), "", tuple(bad) or (FieldError("row", "", reason),))

    def _fields(self, cells: Sequence[str]) -> dict[str, str]:
        return {name: cell for name, cell in zip(self._names, cells, strict=True) if name}


def _parse(text: str) -> list[str]:
    """Return the cells of one row. Raises `csv.Error`, also for a quote left open."""
    return next(csv.reader([text], strict=True), [])


def _parses(data: bytes) -> bool:
    try:
        _parse(data.decode(errors="surrogateescape"))
    except csv.Error:
        return False
    return True


def _rejected(number: int, text: str, error: FieldError) -> RejectedRow:
    return RejectedRow(number, {}, text[:_RAW_KEPT].rstrip("\r\n"), (error,))


def _header_cells(lines: Lines, where: str) -> list[str]:
    line = lines.next()
    while line is not None and line.data.isspace():
        line = lines.next()
    if line is None:
        raise BadValue("file", where, "the file is empty")
    if b"\0" in line.data:
        raise BadValue("file", where, "has NUL bytes: UTF-16 or no text at all; save it as UTF-8")
    if line.cut:
        raise BadValue("file", where, f"its first line is longer than {ROW_LIMIT} bytes")
    try:
        text = line.data.decode()
    except UnicodeDecodeError as error:
        raise BadValue("file", where, f"header: {not_utf8(line.data, error)}") from None
    if "\r" in text.rstrip("\r\n"):
        raise BadValue("file", where, "lines end with a carriage return alone; save it with LF or CRLF ends")
    try:
        return [cell.strip() for cell in _parse(text)]
    except csv.Error as error:
        raise BadValue("file", where, f"the header is not CSV: {error}") from None


def _matched(header: Sequence[str], columns: Sequence[str], where: str) -> list[str]:
    """Return, for each column of the header, the name it stands for, or nothing."""
    wanted = {_plain(name): name for name in columns}
    names = [wanted.get(_plain(cell), "") for cell in header]
    missing = [name for name in columns if name not in names]
    if missing:
        found = ", ".join(header)
        hint = next((f"; are the columns separated by {mark!r}?" for mark in ";\t|" if mark in found), "")
        reason = (
            f"missing columns: {', '.join(missing)}; found: {shown(found)}{hint if len(header) == 1 else ''}"
        )
        raise BadValue("file", where, reason)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise BadValue("file", where, f"the header has a column twice: {', '.join(twice)}")
    return names


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char not in " _-\t\xa0")
