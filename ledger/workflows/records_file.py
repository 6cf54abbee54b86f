"""A file of rows, opened: CSV or NDJSON by its first character, streamed, memory independent of its size.

UTF-8 is required and judged row by row; a UTF-8 byte order mark is passed over. What makes the whole file
unreadable (UTF-16, no such file, nothing in it, a header without the columns) is one `BadValue` with field
`file`; everything else is a `RejectedRow`, and reading goes on.
"""

from __future__ import annotations

import codecs
import contextlib
import os
from typing import TYPE_CHECKING, Final, Literal

from ledger.errors import BadValue
from ledger.workflows.csv_rows import CsvRows
from ledger.workflows.lines import Lines
from ledger.workflows.ndjson_rows import NdjsonRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from ledger.workflows.rows import RejectedRow, Row

_FOREIGN_MARKS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_SNIFFED: Final = 4096


class RecordsFile:
    """The rows of an open file. `position` of `size` bytes are read; `ignored` columns are not looked at."""

    def __init__(self, source: BinaryIO, size: int, columns: Sequence[str], where: str) -> None:
        self.size = size
        self.columns = tuple(columns)
        self.kind = _sniff(source, where)
        self._lines = Lines(source)
        self._rows = (
            NdjsonRows(self._lines) if self.kind == "ndjson" else CsvRows(self._lines, columns, where)
        )

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns of the header that no field is read from."""
        return self._rows.ignored

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._lines.position

    def __iter__(self) -> Iterator[Row | RejectedRow]:
        return iter(self._rows)


@contextlib.contextmanager
def open_records(path: Path, columns: Sequence[str]) -> Iterator[RecordsFile]:
    """Open a file of rows with these columns. Raises `BadValue` (field `file`) if it is no such file."""
    try:
        source = path.open("rb")
    except OSError as error:
        raise BadValue("file", path, f"cannot be read: {error.strerror}") from None
    with source:
        if not source.seekable():
            raise BadValue("file", path, "is not a regular file")
        yield RecordsFile(source, os.fstat(source.fileno()).st_size, columns, str(path))


def _sniff(source: BinaryIO, where: str) -> Literal["csv", "ndjson"]:
    """Tell the kind of file by its first character, and leave the file there. Raises `BadValue`."""
    start = source.read(_SNIFFED)
    for mark, name in _FOREIGN_MARKS.items():
        if start.startswith(mark):
            raise BadValue("file", where, f"is {name} by its byte order mark; save it as UTF-8")
    mark_size = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    source.seek(mark_size)
    first = start[mark_size:].lstrip()[:1]
    if not first and len(start) < _SNIFFED:
        raise BadValue("file", where, "the file is empty")
    if first == b"[":
        raise BadValue("file", where, "is a JSON array; NDJSON has one object a line")
    return "ndjson" if first == b"{" else "csv"
