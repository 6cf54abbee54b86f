"""Recursive length prefix: the encoding of transactions, headers and receipts (Yellow Paper, appendix B).

Small and strict: decoding accepts exactly what encoding produces, and nothing else. Kept here rather than
taken from `rlp`, whose import alone costs a quarter of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What decoding gives: bytes, or a list of items.
Item: TypeAlias = "bytes | list[Item]"
#: What encoding takes; an integer is written big endian without leading zeros.
Encodable: TypeAlias = "bytes | int | Sequence[Encodable]"


class BadRlpError(ValueError):
    """These bytes are not the encoding of anything."""


def encode(item: Encodable) -> bytes:
    """Return the encoding of bytes, of a non-negative integer, or of a sequence of these."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    body = b"".join(map(encode, item))
    return _prefix(len(body), 0xC0) + body


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes((offset + length,))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((offset + 55 + len(size),)) + size


def decode(data: bytes) -> Item:
    """Return the one item that `data` encodes. Raises `BadRlpError` if it encodes none, or more than one."""
    items: list[Item] = []
    if _read_one(data, 0, len(data), items) != len(data):
        raise BadRlpError("bytes after the item")
    return items[0]


def decode_list(data: bytes) -> list[Item]:
    """Return the items of the list that `data` encodes. Raises `BadRlpError` if it does not encode a list."""
    item = decode(data)
    if isinstance(item, bytes):
        raise BadRlpError("a string where a list belongs")
    return item


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
    return item


def _read_one(data: bytes, at: int, end: int, into: list[Item]) -> int:
    """Append the item that starts at `at` to `into`; return where the next one starts."""
    if at >= end:
        raise BadRlpError("nothing to decode")
    first = data[at]
    if first < 0x80:
        into.append(data[at : at + 1])
        return at + 1
    is_list = first >= 0xC0
    length = first - (0xC0 if is_list else 0x80)
    at += 1
    if length > 55:
        size = length - 55
        length = int.from_bytes(data[at : at + size], "big")
        if length < 56 or data[at] == 0:
            raise BadRlpError("a length that has a shorter form")
        at += size
    stop = at + length
    if stop > end:
        raise BadRlpError("an item longer than what holds it")
    if is_list:
        items: list[Item] = []
        while at < stop:
            at = _read_one(data, at, stop, items)
        into.append(items)
    else:
        if length == 1 and data[at] < 0x80:
            raise BadRlpError("a byte that has a shorter form")
        into.append(data[at:stop])
    return stop
