"""NDJSON: one JSON object a line. What a line holds beside an object, or twice, is a rejected row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.domain.submissions import FieldError
from ledger.json_text import BadJson, read_json
from ledger.workflows.lines import ROW_LIMIT, Line, Lines
from ledger.workflows.rows import RejectedRow, Row, not_utf8, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAW_KEPT: Final = 16 * 1024


class NdjsonRows:
    """Iterates over the objects of a file. Blank lines are passed over; `ignored` is as in `CsvRows`."""

    ignored: tuple[str, ...] = ()

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Row | RejectedRow]:
        while (line := self._lines.next()) is not None:
            if not line.data.isspace():
                yield _read(line)


def _read(line: Line) -> Row | RejectedRow:
    if line.cut:
        return _rejected(line, f"the row has {line.size} bytes, more than {ROW_LIMIT}")
    try:
        value = read_json(line.data.decode())
    except UnicodeDecodeError as error:
        return _rejected(line, not_utf8(line.data, error))
    except BadJson as error:
        return _rejected(line, str(error))
    if not isinstance(value, dict):
        return _rejected(line, f"not a JSON object but {_kind(value)}")
    return Row(line.number, value)


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _rejected(line: Line, reason: str) -> RejectedRow:
    text = line.data[:_RAW_KEPT].decode(errors="backslashreplace").rstrip("\r\n")
    return RejectedRow(line.number, {}, text, (FieldError("row", shown(text), reason),))
