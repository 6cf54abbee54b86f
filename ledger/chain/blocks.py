"""A block as any node tells it, and answers that no node gives: read once, for whoever believes no node."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from ledger.crypto.checkpoints import LATEST, BlockLine
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.chain.rpc import Node

_QUANTITY = re.compile(r"0x[0-9a-f]{1,16}")
_DATA = re.compile(r"0x([0-9a-f]{2})*")
_HASH = re.compile(r"0x[0-9a-f]{64}")


@contextlib.contextmanager
def sensible(where: str) -> Iterator[None]:
    """Raise `ChainDamaged` where an answer of the node at `where` is of no form that an answer has."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise ChainDamaged(f"{where} answers what no node answers") from None


def quantity(text: str) -> int:
    """Read a number below 2^64 as JSON-RPC has it. Raises `ValueError`, `TypeError`."""
    if not _QUANTITY.fullmatch(text):
        raise ValueError(text[:80])
    return int(text, 16)


def hash_of(text: str) -> bytes:
    """Read 32 bytes as JSON-RPC has them. Raises `ValueError`, `TypeError`."""
    if not _HASH.fullmatch(text):
        raise ValueError(text[:80])
    return bytes.fromhex(text[2:])


def data_of(text: str) -> bytes:
    """Read bytes as JSON-RPC has them. Raises `ValueError`, `TypeError`."""
    if not _DATA.fullmatch(text):
        raise ValueError(text[:80])
    return bytes.fromhex(text[2:])


def block_at(node: Node, number: int | None = None) -> BlockLine | None:
    """Return a block, the latest where no number is given; None where the node has none.

    Raises `ChainDamaged` for an answer that is no block, or one of another number or beyond the calendar.
    """
    at = "latest" if number is None else hex(number)
    return _block(node.where, node.request("eth_getBlockByNumber", at, False), number)


def blocks_at(node: Node, numbers: Sequence[int]) -> list[BlockLine | None]:
    """Return several blocks, asked for in batches. Raises as `block_at`."""
    answers = node.requests([("eth_getBlockByNumber", hex(number), False) for number in numbers])
    return [_block(node.where, *each) for each in zip(answers, numbers, strict=True)]


def _block(where: str, found: Any, number: int | None) -> BlockLine | None:
    if found is None:
        return None
    with sensible(where):
        block = BlockLine(quantity(found["number"]), hash_of(found["hash"]), quantity(found["timestamp"]))
        if number not in (None, block.number) or block.time > LATEST:
            raise ValueError(number)
    return block
