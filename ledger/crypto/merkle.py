"""The append-only log's Merkle tree, built: roots, and proofs for others to check.

Sources: tree hash, RFC 6962 section 2.1 (kept by RFC 9162 section 2.1.1); proofs, RFC 9162 sections 2.1.3.1
and 2.1.4.1. The verifiers are in `proofs`, and are offered here too.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ledger.crypto.proofs import (
    EMPTY_ROOT,
    IndexOutside,
    NotAHash,
    OldRootDiffers,
    ProofTooLong,
    ProofTruncated,
    RootDiffers,
    SizesReversed,
    leaf_hash,
    need_hashes,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "EMPTY_ROOT",
    "IndexOutside",
    "Log",
    "NotAHash",
    "OldRootDiffers",
    "ProofTooLong",
    "ProofTruncated",
    "RootDiffers",
    "SizesReversed",
    "Tree",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]


class Log:
    """The tree by its peaks only: appends in O(1) amortised, gives the root, keeps at most 64 hashes.

    Peak k is the root of a perfect subtree of 2**k leaves and is there exactly when bit k of `size` is set.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # from the largest subtree to the smallest

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        size, peaks = self.size, self._peaks
        self.size = size + 1
        while size & 1:
            leaf = sha256(b"\1" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, largest first: enough to go on from here (see `resume`)."""
        return tuple(self._peaks)

    @classmethod
    def resume(cls, size: int, peaks: Sequence[bytes]) -> Log:
        """A log of `size` leaves from the peaks another one had; raises `BadProof` when they do not fit."""
        if size < 0 or len(peaks) != size.bit_count():
            raise BadProof(f"a log of {size} leaves does not have {len(peaks)} peaks")
        need_hashes(peaks)
        log = cls()
        log.size, log._peaks = size, list(peaks)
        return log

    def root(self) -> bytes:
        """Tree hash of all leaves so far."""
        return _fold(self._peaks)


class Tree:
    """The tree with its perfect subtrees kept: O(n) to build, appendable, proofs at any size in O(log n)."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        levels = self._levels
        levels[0].append(leaf)
        index, level = len(levels[0]) - 1, 0
        while index & 1:
            below = levels[level]
            level, index = level + 1, index >> 1
            if level == len(levels):
                levels.append([])
            levels[level].append(sha256(b"\1" + below[-2] + below[-1]).digest())

    def leaf(self, index: int) -> bytes:
        return self._levels[0][index]

    def root(self, size: int | None = None) -> bytes:
        """Tree hash of the first `size` leaves (all when not given); `IndexOutside` when there are fewer."""
        size = self._bounded(size)
        return self.range_hash(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[size]): the audit path of one leaf in the tree of the first `size` leaves."""
        size = self._bounded(size)
        if not 0 <= index < size:
            raise IndexOutside(f"there is no leaf {index} in a log of {size}")
        path, low, high = [], 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self.range_hash(middle, high))
                high = middle
            else:
                path.append(self.range_hash(low, middle))
                low = middle
        return path[::-1]

    def consistency_proof(self, first: int, second: int | None = None) -> list[bytes]:
        """PROOF(first, D[second]); empty when `first` is 0 or equals `second`: nothing needs proving."""
        second = self._bounded(second)
        if not 0 <= first <= second:
            raise SizesReversed(f"a log of {second} leaves cannot extend one of {first}")
        if first in (0, second):
            return []
        proof, low, high, whole = [], 0, second, True
        while high != first:
            middle = low + _split(high - low)
            if first <= middle:
                proof.append(self.range_hash(middle, high))
                high = middle
            else:
                proof.append(self.range_hash(low, middle))
                low, whole = middle, False
        return proof[::-1] if whole else [self.range_hash(low, high), *proof[::-1]]

    def _bounded(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise IndexOutside(f"a log of {self.size} leaves has no tree of {size}")
        return size

    def range_hash(self, low: int, high: int) -> bytes:
        """Hash of leaves low..high-1, a range the recursion of section 2.1 meets (so `low` is aligned)."""
        peaks = []
        while low < high:
            level = (high - low).bit_length() - 1
            peaks.append(self._levels[level][low >> level])
            low += 1 << level
        return _fold(peaks)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Tree hash of all `leaves` (leaf hashes)."""
    log = Log()
    for leaf in leaves:
        log.append(leaf)
    return log.root()


def inclusion_proof(leaves: Iterable[bytes], index: int) -> list[bytes]:
    """Audit path of leaf `index` among `leaves`; for many proofs of one log, keep a `Tree`."""
    return Tree(leaves).inclusion_proof(index)


def consistency_proof(leaves: Iterable[bytes], first: int) -> list[bytes]:
    """Proof that the tree of `leaves` extends the tree of its first `first` ones."""
    return Tree(leaves).consistency_proof(first)


def _split(n: int) -> int:
    """Largest power of two smaller than n, for n > 1."""
    return 1 << ((n - 1).bit_length() - 1)


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Join subtrees (largest first) from the right, as section 2.1 nests them."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in peaks[-2::-1]:
        root = sha256(b"\1" + peak + root).digest()
    return root
