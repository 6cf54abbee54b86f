"""JSON as others write it, read with one meaning or not at all: rows, and every file a verb reads.

Refused beside what is no JSON: a key twice in one object (which value was meant?), NaN and infinities, and
nesting deeper than any record needs. The last is counted before parsing: the parser recurses in C, bounded by
Python's recursion limit alone, and the embedded chain's libraries raise that limit beyond what the stack
holds, so that a file with enough brackets would end the process.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from pathlib import Path

#: Levels of arrays and objects in one another that are read; records need three.
MAX_DEPTH: Final = 32
#: Bytes of the longest file that is read: messages to sign, key files and manifests are far from it.
MAX_FILE: Final = 16 << 20
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")


class BadJson(ValueError):
    """Why a text is not read; `str` of it is the reason."""


def read_json(text: str | bytes) -> object:
    """Return the value of a JSON text, as bytes in UTF-8. Raises `BadJson`."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            raise BadJson("not JSON: not text in UTF-8") from None
    if _too_deep(text):
        raise BadJson(f"JSON nested deeper than {MAX_DEPTH} levels")
    try:
        value: object = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except BadJson:
        raise
    except json.JSONDecodeError as error:
        raise BadJson(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except ValueError as error:
        raise BadJson(f"not JSON that can be read: {error}") from None
    return value


def read_json_file(path: Path) -> Any:
    """Return the value of a file of JSON in UTF-8. Raises `OSError`, `BadJson`."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise BadJson(f"a file of more than {MAX_FILE} bytes")
    return read_json(data)


def _too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if found.group() in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, many in Counter(key for key, _ in pairs).items() if many > 1)
        raise BadJson(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _constant(constant: str) -> NoReturn:
    raise BadJson(f"{constant} is no JSON number")
