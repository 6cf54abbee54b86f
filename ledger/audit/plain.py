"""Text that somebody else wrote, made harmless: what a file or a ledger says can't write the report about it.

One line, or a block of lines that each begin with a bar: no text ends its line, or moves the cursor, itself.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Longest text from a file that is printed, in characters.
LONGEST: Final = 200
#: Longest text of a ledger, or sentence with one in it: no name, reference or error is cut that is in order.
LONG: Final = 1000
#: What a line of a block begins with, and how wide it is in all: no terminal wraps it to look like another's.
_BAR: Final = "    | "
_WIDTH: Final = 78
_CODE = re.compile(r"[A-Z0-9-]{1,20}")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return `text` with every control character, bidirectional mark and line end escaped, and cut."""
    shown = escaped(text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def escaped(text: str) -> str:
    """Return `text` likewise, however long it is."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def ascii_line(text: str, longest: int = LONGEST) -> str:
    """Return `text` likewise with every character beyond ASCII escaped: names have no look-alikes here."""
    return one_line(text[: longest + 1].encode("ascii", "backslashreplace").decode(), longest)


def is_code(text: str) -> bool:
    """Whether `text` is a code that the contract gives an authority: 1 to 20 of A-Z, 0-9 and the hyphen."""
    return _CODE.fullmatch(text) is not None


def block(text: str) -> list[str]:
    """Return a text written at length as lines with a bar before each, none too wide for a terminal."""
    # The space that a Chinese paragraph begins with is as wide as two, and no control character.
    lines = text.replace("\r\n", "\n").replace("\u3000", "  ").split("\n")
    return [_BAR + part for line in lines for part in _wrapped(escaped(line))]


def harmless(value: Any, at_length: Collection[str] = ()) -> Any:
    """Return JSON with every text in it as one line; those under the keys `at_length` as a block's lines."""
    if isinstance(value, str):
        return one_line(value, LONG)
    if isinstance(value, dict):
        long = {key for key in at_length if isinstance(value.get(key), str)}
        return {
            harmless(key): block(each) if key in long else harmless(each, at_length)
            for key, each in value.items()
        }
    return [harmless(each, at_length) for each in value] if isinstance(value, list | tuple) else value


def json_line(value: object, **how: Any) -> str:
    """Return `value` as one line of JSON in which nothing moves a terminal's cursor or turns its text.

    `how`: what else `json.dumps` is to be told.
    """
    return re.sub(r"[^ -~]", _json_escaped, json.dumps(value, ensure_ascii=False, **how))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _json_escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def _wrapped(line: str) -> Iterator[str]:
    """The line in parts that fit beside the bar, at least one."""
    start, cells = 0, 0
    for at, character in enumerate(line):
        wide = unicodedata.east_asian_width(character) in "WF"
        cells += 1 + wide
        if cells > _WIDTH - len(_BAR):
            yield line[start:at]
            start, cells = at, 1 + wide
    yield line[start:]
