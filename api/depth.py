"""Keeping JSON within what can be walked and sent.

Parsers and writers of JSON recurse in C, where Python's recursion limit is all that stands before a crash of
the process. `py_ecc`, which the embedded chain brings along, raises that limit to 100,000, beyond what the
stack holds. So it is lowered again here, to what the chain's virtual machine asks for.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Final

#: Levels of lists and objects in one another that this API takes and gives; records themselves need three.
MAX_DEPTH: Final = 32
#: What py-evm sets for its own call depth; at some 140 bytes of stack each, far from the end of it.
_RECURSION: Final = 12 * 1024
_HALF: Final = re.compile("[\ud800-\udfff]")
_LARGEST: Final = 1.7e308


def bound_recursion() -> None:
    """Lower Python's recursion limit to one the stack holds."""
    sys.setrecursionlimit(min(sys.getrecursionlimit(), _RECURSION))


def sendable(value: object) -> object:
    """Return a value as it is, or as JSON text if it cannot be sent (too deep, half a character, NaN)."""
    if _fits(value):
        return value
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        return None


def _fits(value: object) -> bool:
    work = [(value, 1)]
    while work:
        each, depth = work.pop()
        if isinstance(each, str):
            if not each.isascii() and _HALF.search(each):
                return False
        elif isinstance(each, int | float):
            if not -_LARGEST <= each <= _LARGEST:  # NaN compares false
                return False
        elif isinstance(each, (dict, list)):
            if depth > MAX_DEPTH:
                return False
            if isinstance(each, dict):
                work.extend((key, depth) for key in each)
            inner = each.values() if isinstance(each, dict) else each
            work.extend((item, depth + 1) for item in inner)
    return True
