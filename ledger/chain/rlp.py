"""Recursive length prefix (Yellow Paper, appendix B): decoding by `rlp`, each item's kind checked."""

from __future__ import annotations

from typing import TypeAlias

import rlp
from rlp.exceptions import RLPException

#: What decoding gives: bytes, or a list of items.
Item: TypeAlias = "bytes | list[Item]"


class BadRlpError(ValueError):
    """These bytes are not the encoding of what belongs there."""


def decode_list(data: bytes) -> list[Item]:
    """Return the items of the list that `data` encodes. Raises `BadRlpError` if it encodes none."""
    try:
        return to_list(rlp.decode(data, strict=True))
    except RLPException as error:
        raise BadRlpError(str(error)) from None


def to_int(item: Item) -> int:
    """Return an integer item's value. Raises `BadRlpError` for lists and leading zeros."""
    if not isinstance(item, bytes) or item[:1] == b"\0":
        raise BadRlpError("not an integer")
    return int.from_bytes(item, "big")


def to_bytes(item: Item, length: int | None = None) -> bytes:
    """Return a string item, of exactly `length` bytes if given. Raises `BadRlpError`."""
    if not isinstance(item, bytes) or (length is not None and len(item) != length):
        raise BadRlpError("not a string" if length is None else f"not a string of {length} bytes")
    return item


def to_list(item: Item, length: int | None = None) -> list[Item]:
    """Return a list item, of exactly `length` items if given. Raises `BadRlpError`."""
    if isinstance(item, bytes) or (length is not None and len(item) != length):
        raise BadRlpError("not a list" if length is None else f"not a list of {length} items")
    return list(item)
