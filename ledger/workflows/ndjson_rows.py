"""NDJSON: one JSON object a line. What a line holds beside an object, or twice, is a rejected row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ledger.domain.submissions import FieldError
from ledger.workflows.lines import ROW_LIMIT, Line, Lines
from ledger.workflows.rows import RejectedRow, Row, not_utf8, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAW_KEPT: Final = 16 * 1024


class _TwiceError(ValueError):
    """A key stands twice in one object; which of its values was meant cannot be known."""


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
        value = json.loads(line.data.decode(), object_pairs_hook=_object, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        return _rejected(line, not_utf8(line.data, error))
    except _TwiceError as error:
        return _rejected(line, str(error))
    except json.JSONDecodeError as error:
        return _rejected(line, f"not JSON: {error.msg} at character {error.colno}")
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _rejected(line, f"not JSON that can be read: {why}")
    if not isinstance(value, dict):
        return _rejected(line, f"not a JSON object but {_kind(value)}")
    return Row(line.number, value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _TwiceError(f"the key {shown(twice)!r} stands twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _rejected(line: Line, reason: str) -> RejectedRow:
    text = line.data[:_RAW_KEPT].decode(errors="backslashreplace").rstrip("\r\n")
    return RejectedRow(line.number, {}, text, (FieldError("row", shown(text), reason),))
