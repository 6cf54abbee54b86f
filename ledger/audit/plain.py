"""Text that somebody else wrote, as one harmless line: what a file says can't write the report about it."""

from __future__ import annotations

import json
import re
from typing import Final

#: Longest text from a file that is printed, in characters.
LONGEST: Final = 200
_CODE = re.compile(r"[A-Z0-9-]{1,20}")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return `text` with every control character, bidirectional mark and line end escaped, and cut."""
    shown = text if text.isprintable() else "".join(map(_escaped, text[: longest + 1]))
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def ascii_line(text: str, longest: int = LONGEST) -> str:
    """Return `text` likewise with every character beyond ASCII escaped: names have no look-alikes here."""
    return one_line(text[: longest + 1].encode("ascii", "backslashreplace").decode(), longest)


def is_code(text: str) -> bool:
    """Whether `text` is a code that the contract gives an authority: 1 to 20 of A-Z, 0-9 and the hyphen."""
    return _CODE.fullmatch(text) is not None


def json_line(value: object) -> str:
    """Return `value` as one line of JSON in which nothing moves a terminal's cursor or turns its text."""
    return re.sub(r"[^ -~]", _json_escaped, json.dumps(value, ensure_ascii=False))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _json_escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]
