"""Checkpoints: a log's size and root as a signed note (C2SP tlog-checkpoint).

    <origin>                     which log: `eip155:<chain id>:<contract>` (CAIP-10, address as in ERC-55)
    <size>                       leaves, decimal
    <root>                       base64
    block <number> <hash>        an extension line: where on the chain the log was so

A witness or client of other make reads the first three lines and lets the fourth be.
"""

from __future__ import annotations

import binascii
import re
from typing import NamedTuple

from ledger.crypto.hashing import keccak256
from ledger.crypto.notes import BadNote

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_BLOCK = re.compile(r"block (0|[1-9][0-9]{0,18}) ([0-9a-f]{64})")


class Checkpoint(NamedTuple):
    """What a checkpoint says. `block` is (number, hash) where it has the line, else None."""

    origin: str
    size: int
    root: bytes
    block: tuple[int, bytes] | None = None

    def text(self) -> str:
        """The note's text."""
        lines = [self.origin, str(self.size), binascii.b2a_base64(self.root, newline=False).decode()]
        if self.block is not None:
            lines.append(f"block {self.block[0]} {self.block[1].hex()}")
        return "\n".join(lines) + "\n"


def origin_of(chain_id: int, contract: bytes) -> str:
    """Return the origin of a ledger's log: its contract's (20 bytes) account on its chain."""
    plain = contract.hex()
    digest = keccak256(plain.encode()).hex()
    shown = "".join(c.upper() if int(digit, 16) >= 8 else c for c, digit in zip(plain, digest, strict=False))
    return f"eip155:{chain_id}:0x{shown}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a note's text as a checkpoint; foreign extension lines are let be. Raises `BadNote`."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has an origin, a size and a root, each on a line")
    origin, size, root, *extensions = lines[:-1]
    if not _DECIMAL.fullmatch(size):
        raise BadNote(f"the checkpoint's size {size[:20]!r} is not a decimal number")
    try:
        raw = binascii.a2b_base64(root.encode("ascii"), strict_mode=True)
    except ValueError:
        raw = b""
    if len(raw) != 32 or binascii.b2a_base64(raw, newline=False).decode() != root:
        raise BadNote("the checkpoint's root is not 32 bytes in base64")
    blocks = [found for found in map(_BLOCK.fullmatch, extensions) if found]
    if len(blocks) > 1:
        raise BadNote("the checkpoint names two blocks")
    block = (int(blocks[0][1]), bytes.fromhex(blocks[0][2])) if blocks else None
    return Checkpoint(origin, int(size), raw, block)
