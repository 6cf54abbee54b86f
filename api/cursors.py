"""Cursors: where the next page begins. Every cursor of the form in the schema is taken, given out or not."""

from __future__ import annotations

import re

from ledger.errors import BadValue

_NUMBER = "(0|[1-9][0-9]{0,18})"
#: Databases hold 63 bits; no page begins beyond.
_LARGEST = (1 << 63) - 1
#: The form of a cursor, for a parameter's schema: one number or two.
PATTERN = rf"^{_NUMBER}(\.{_NUMBER})?$"


def pack(*numbers: int) -> str:
    """Return the cursor of these numbers, one or two."""
    return ".".join(map(str, numbers))


def unpack(cursor: str, many: int) -> tuple[int, ...]:
    """Return so many numbers of a cursor; those it does not have are 0. Raises `BadValue` (`cursor`)."""
    if not re.fullmatch(PATTERN, cursor, re.ASCII) or cursor.endswith("\n"):
        raise BadValue("cursor", cursor, "not the `next` of a page")
    found = [min(int(part), _LARGEST) for part in cursor.split(".")][:many]
    return (*found, *[0] * (many - len(found)))
