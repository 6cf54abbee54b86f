"""Removing the last blocks of the embedded chain, so that the one before them is the last again.

What is removed is how blocks are found: by number, by transaction, as the last. Their bytes stay under their
hashes, where nothing asks for them any more; all of it happens in one durable transaction, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.chain.clock import BEHIND
from ledger.chain.embedded.clock import reading_of
from ledger.chain.embedded.store import HEAD
from ledger.crypto.hashing import keccak256
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from ledger.chain.embedded.blocks import Blocks, Header
    from ledger.chain.embedded.store import Store

#: py-evm's keys for which headers and blocks it has.
_GAPS: Final = (b"v1:header_chain_gaps", b"v1:chain_gaps")


class Removed(NamedTuple):
    """A block that was, or is to be, removed: its header, what the clock showed, its transaction if any."""

    header: Header
    reading: int
    transaction: bytes | None


def made_ahead(blocks: Blocks, now: int) -> list[Removed]:
    """Return the last blocks that were made while the clock showed more than it does now, ascending.

    A block may be removed only with all after it, so it begins with the first of them. `now` is in Unix
    seconds; what a time server corrects does not count. Raises `ChainDamaged`.
    """
    found: list[Removed] = []
    kept: list[Removed] = []  # made by a right clock since the last of `found`, and to go with it
    number = blocks.head_number()
    while number >= 0:
        header = blocks.header(number)
        if header is None:
            raise ChainDamaged(f"block {number} is missing")
        each = Removed(header, reading_of(header), blocks.transaction(header))
        kept.append(each)
        if each.reading > now + BEHIND:
            found += kept
            kept = []
        elif header.timestamp <= now:
            break  # no block before this one can be later than it
        number -= 1
    return found[::-1]


def remove(store: Store, removed: list[Removed]) -> None:
    """Remove these blocks, which are the last and do not include the first one of all."""
    first = removed[0].header
    if first.number == 0:
        raise ValueError("the first block of all cannot be removed")
    for header, _, transaction in removed:
        store.delete(b"block-number-to-hash:%d" % header.number)
        if transaction is not None:
            place = f"transaction-hash-to-block:{keccak256(transaction)!r}"
            store.delete(place.encode())
    for key in _GAPS:
        store.set(key, _no_gaps_before(first.number))
    store.set(HEAD, first.parent_hash)
    try:
        store.flush()
    except BaseException:
        store.discard()
        raise


def _no_gaps_before(number: int) -> bytes:
    """Return RLP of `[[], number in 32 bytes]`: nothing is missing before this block, and it is the next."""
    return bytes([0xE2, 0xC0, 0xA0]) + number.to_bytes(32, "big")
