"""What a reader of files yields: a row, or a row that could not be read, with the line it starts on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.domain.submissions import FieldError

_SHOWN = 80
_CHINESE = re.compile("[\u4e00-\u9fff]{2,}")


class Row(NamedTuple):
    """A row as read. `number` is the line of the file it starts on, counted from 1, the header included."""

    number: int
    fields: Mapping[str, object]


class RejectedRow(NamedTuple):
    """A row that does not count: why, and what is left of it to be mended.

    `fields` holds its values where they could be told apart, else it is empty and `raw` holds the beginning
    of the text.
    """

    number: int
    fields: Mapping[str, object]
    raw: str
    errors: tuple[FieldError, ...]


def shown(value: object) -> str:
    """Return a value short enough for a message."""
    text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def not_utf8(data: bytes, error: UnicodeDecodeError) -> str:
    """Say which byte is not UTF-8, and what the file seems to be instead."""
    reason = f"byte {error.start + 1} of the row (0x{data[error.start]:02X}) is not UTF-8"
    try:
        found = _CHINESE.search(data.decode("gb18030"))
    except UnicodeDecodeError:
        found = None
    return (
        f"{reason}; it reads as GB18030 ({shown(found.group())}): save the file as UTF-8" if found else reason
    )
