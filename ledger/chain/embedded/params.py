"""Reading JSON-RPC parameters. Everything raises `ValueError` on what is not in the API's form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.chain.embedded.blocks import Blocks

_HEX = re.compile("0x[0-9a-fA-F]+")
_LATEST = frozenset({"latest", "pending", "safe", "finalized"})


def data(value: Any, length: int | None = None) -> bytes:
    """Return the bytes of `0x` text, of exactly `length` bytes if given."""
    if not isinstance(value, str) or not (value == "0x" or _HEX.fullmatch(value)):
        raise ValueError(f"not 0x text: {_short(value)}")
    raw = bytes.fromhex(value[2:])
    if length is not None and len(raw) != length:
        raise ValueError(f"not {length} bytes: {_short(value)}")
    return raw


def quantity(value: Any) -> int:
    """Return the value of a hexadecimal quantity of at most 256 bits."""
    if not isinstance(value, str) or len(value) > 66 or not _HEX.fullmatch(value):
        raise ValueError(f"not a quantity: {_short(value)}")
    return int(value, 16)


def block_number(value: Any, blocks: Blocks) -> int:
    """Return the number that a quantity or tag stands for."""
    if value in _LATEST:
        return blocks.head_number()
    if value == "earliest":
        return 0
    return quantity(value)


def given(fields: dict[str, Any], name: str, default: Any) -> Any:
    """Return a field, or its default where it is absent or null, and for no other that is false."""
    found = fields.get(name)
    return default if found is None else found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
