"""Trees whose leaves change: the RFC 6962 tree hash over the ledger's state, kept up as the state moves.

`StateTree` holds every leaf (64 bytes a leaf, in level upon level of packed hashes); `SparseTree` holds only
the leaves that are not the constant one, and knows an empty subtree by its height. Both are lazy: a change
marks, and the next question hashes what was marked, so that many changes between two questions cost each
inner node once. Both answer `range_hash`, which is all that `multiproof.multi_proof` asks of a tree.

Who needs the root alone needs no tree: `merkle.root_of` takes a stream and keeps 64 hashes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from ledger.crypto.proofs import EMPTY_ROOT, IndexOutside, need_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_H = 32


class Hashed(Protocol):
    """A tree that can be asked for the hash of a range that the recursion of RFC 6962 meets."""

    @property
    def size(self) -> int:
        """How many leaves there are."""

    def range_hash(self, low: int, high: int) -> bytes:
        """Hash of leaves low..high-1."""


class StateTree:
    """A tree of leaf hashes in which a leaf may be replaced, or appended at the end."""

    __slots__ = ("_built", "_changed", "_levels")

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        #: Level k holds the hashes of the perfect subtrees of 2**k leaves, from the left, packed.
        self._levels = [bytearray()]
        #: Leaves below this have their inner nodes hashed, but for those above `_changed`.
        self._built = 0
        self._changed: set[int] = set()
        for leaf in leaves:
            self._levels[0] += leaf
        if len(self._levels[0]) % _H:
            raise ValueError("leaf hashes have 32 bytes")

    @property
    def size(self) -> int:
        return len(self._levels[0]) // _H

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at `index`. Raises `IndexOutside`."""
        if not 0 <= index < self.size:
            raise IndexOutside(f"there is no leaf {index} in a tree of {self.size}")
        return bytes(self._levels[0][index * _H : index * _H + _H])

    def set(self, index: int, leaf: bytes) -> None:
        """Put a leaf hash at `index`: in another's place, or as the next one. Raises `IndexOutside`."""
        need_hashes((leaf,))
        if not 0 <= index <= self.size:
            raise IndexOutside(f"a tree of {self.size} leaves has no place {index}")
        self._levels[0][index * _H : index * _H + _H] = leaf
        if index < self._built:
            self._changed.add(index)

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        self.set(self.size, leaf)

    def root(self) -> bytes:
        """Tree hash of all leaves."""
        return self.range_hash(0, self.size)

    def range_hash(self, low: int, high: int) -> bytes:
        """Hash of leaves low..high-1, a range the recursion of RFC 6962 meets (so `low` is aligned)."""
        self._settle()
        peaks = []
        while low < high:
            level = (high - low).bit_length() - 1
            place = (low >> level) * _H
            peaks.append(bytes(self._levels[level][place : place + _H]))
            low += 1 << level
        return fold(peaks)

    def _settle(self) -> None:
        """Hash the inner nodes above what changed and above what is new."""
        if self._built == self.size and not self._changed:
            return
        changed, first, level = self._changed, self._built, 0
        while self.size >> (level + 1):
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
            below, above = self._levels[level], self._levels[level + 1]
            first >>= 1
            # A changed leaf may stand left of a parent that is only made now.
            changed = {each >> 1 for each in changed if each >> 1 < first}
            for parent in changed:
                place = 2 * parent * _H
                above[parent * _H : parent * _H + _H] = sha256(b"\1" + below[place : place + 2 * _H]).digest()
            del above[first * _H :]
            for place in range(2 * first * _H, len(below) - 2 * _H + 1, 2 * _H):
                above += sha256(b"\1" + below[place : place + 2 * _H]).digest()
            level += 1
        self._built, self._changed = self.size, set()


class SparseTree:
    """A tree of `size` leaves that are all `empty` but for those set."""

    __slots__ = ("_changed", "_empties", "_levels", "size")

    def __init__(self, empty: bytes, size: int = 0) -> None:
        need_hashes((empty,))
        self.size = size
        #: Level k's nodes with a set leaf below, by their place.
        self._levels: list[dict[int, bytes]] = [{}]
        self._empties = [empty]
        self._changed: set[int] = set()

    def grow(self, size: int) -> None:
        """Let there be `size` leaves, no fewer than before."""
        if size < self.size:
            raise ValueError(f"a tree of {self.size} leaves does not shrink to {size}")
        self.size = size

    def set(self, index: int, leaf: bytes) -> None:
        """Put a leaf hash at `index`. Raises `IndexOutside`."""
        need_hashes((leaf,))
        if not 0 <= index < self.size:
            raise IndexOutside(f"there is no leaf {index} in a tree of {self.size}")
        self._levels[0][index] = leaf
        self._changed.add(index)

    def root(self) -> bytes:
        """Tree hash of all leaves."""
        return self.range_hash(0, self.size)

    def range_hash(self, low: int, high: int) -> bytes:
        """Hash of leaves low..high-1, a range the recursion of RFC 6962 meets (so `low` is aligned)."""
        self._settle()
        peaks = []
        while low < high:
            level = (high - low).bit_length() - 1
            peaks.append(self._levels[level].get(low >> level, self._empties[level]))
            low += 1 << level
        return fold(peaks)

    def _settle(self) -> None:
        # A node that reaches beyond the last leaf is hashed as if empty leaves followed. Nobody is shown it
        # before they do, and then it is right.
        while self.size >> len(self._levels):
            self._empties.append(sha256(b"\1" + self._empties[-1] * 2).digest())
            self._levels.append({})
            self._changed.update(self._levels[0])
        changed, self._changed = self._changed, set()
        for level, empty in enumerate(self._empties[:-1]):
            below, above = self._levels[level], self._levels[level + 1]
            changed = {each >> 1 for each in changed}
            for parent in changed:
                pair = below.get(2 * parent, empty) + below.get(2 * parent + 1, empty)
                above[parent] = sha256(b"\1" + pair).digest()


def fold(peaks: Sequence[bytes]) -> bytes:
    """Join perfect subtrees (largest first) from the right, as RFC 6962 section 2.1 nests them."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in peaks[-2::-1]:
        root = sha256(b"\1" + peak + root).digest()
    return root
