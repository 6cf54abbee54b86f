"""Cursors: where the next page begins, opaque to clients so that what is inside may change."""

from __future__ import annotations

import base64
import binascii

from ledger.errors import BadValue

#: The form of a cursor, for a parameter's schema.
PATTERN = "^[A-Za-z0-9_-]{1,64}$"
#: Databases hold 63 bits.
_TOO_LARGE = 1 << 63


def pack(*numbers: int) -> str:
    """Return the cursor of these numbers."""
    return base64.urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


def unpack(cursor: str, many: int) -> tuple[int, ...]:
    """Return the numbers of a cursor. Raises `BadValue` (`cursor`) for one this API did not give out."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _bad(cursor) from None
    parts = text.split(".")
    if len(parts) != many or not all(
        part.isascii() and part.isdecimal() and len(part) < 20 for part in parts
    ):
        raise _bad(cursor)
    numbers = tuple(map(int, parts))
    if pack(*numbers) != cursor or max(numbers) >= _TOO_LARGE:
        raise _bad(cursor)
    return numbers


def _bad(cursor: str) -> BadValue:
    return BadValue("cursor", cursor, "not the `next` of a page")
