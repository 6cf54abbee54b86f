"""The append-only log's Merkle tree.

Sources: tree hash, RFC 6962 section 2.1 (kept by RFC 9162 section 2.1.1); proofs, RFC 9162 sections 2.1.3.1 and
2.1.4.1; verifiers, RFC 9162 sections 2.1.3.2 and 2.1.4.2, step by step.

    leaf  = SHA-256(0x00 | data)          node = SHA-256(0x01 | left | right)         empty tree = SHA-256("")

Everything below works on *leaf hashes* (32 bytes); `leaf_hash` makes one of leaf data. Indices count from 0. The
different first byte is what keeps an interior node from passing as a leaf, so a verifier must hash the data itself
and never accept a leaf hash from the other side.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EMPTY_ROOT = sha256(b"").digest()


class ProofTruncated(BadProof):
    """The proof has fewer hashes than the tree's shape asks for."""

    code = "proof-truncated"


class ProofTooLong(BadProof):
    """The proof has more hashes than the tree's shape asks for."""

    code = "proof-too-long"


class IndexOutside(BadProof):
    """The leaf index is not below the tree size."""

    code = "proof-index-outside"


class SizesReversed(BadProof):
    """The older tree is said to be larger than the newer one."""

    code = "proof-sizes-reversed"


class NotAHash(BadProof):
    """A leaf, node or root is not 32 bytes long."""

    code = "proof-not-a-hash"


class RootDiffers(BadProof):
    """The proof leads to another root than the one stated (the newer one, for consistency)."""

    code = "proof-root-differs"


class OldRootDiffers(BadProof):
    """The consistency proof does not lead to the older root stated."""

    code = "proof-old-root-differs"


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf's data."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an interior node over its two 32-byte children."""
    return sha256(b"\1" + left + right).digest()


class Log:
    """The tree by its peaks only: appends in O(1) amortised and gives the root, in at most 64 hashes of memory.

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
        _need_hashes(peaks)
        log = cls()
        log.size, log._peaks = size, list(peaks)
        return log

    def root(self) -> bytes:
        """Tree hash of all leaves so far."""
        return _fold(self._peaks)


class Tree:
    """The tree with all its perfect subtrees kept: O(n) to build, appendable, proofs at any size in O(log n)."""

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
        return self._range_hash(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[size]): the audit path of one leaf in the tree of the first `size` leaves."""
        size = self._bounded(size)
        if not 0 <= index < size:
            raise IndexOutside(f"there is no leaf {index} in a log of {size}")
        path, low, high = [], 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._range_hash(middle, high))
                high = middle
            else:
                path.append(self._range_hash(low, middle))
                low = middle
        return path[::-1]

    def consistency_proof(self, first: int, second: int | None = None) -> list[bytes]:
        """PROOF(first, D[second]); empty when `first` is 0 or equals `second` (then nothing needs proving)."""
        second = self._bounded(second)
        if not 0 <= first <= second:
            raise SizesReversed(f"a log of {second} leaves cannot extend one of {first}")
        if first in (0, second):
            return []
        proof, low, high, whole = [], 0, second, True
        while high != first:
            middle = low + _split(high - low)
            if first <= middle:
                proof.append(self._range_hash(middle, high))
                high = middle
            else:
                proof.append(self._range_hash(low, middle))
                low, whole = middle, False
        return proof[::-1] if whole else [self._range_hash(low, high), *proof[::-1]]

    def _bounded(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise IndexOutside(f"a log of {self.size} leaves has no tree of {size}")
        return size

    def _range_hash(self, low: int, high: int) -> bytes:
        """Hash of leaves low..high-1, a range that the recursion of section 2.1 meets (so `low` is aligned)."""
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


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf` (a hash you made yourself) is leaf `index` of the tree (`size`, `root`).

    Returns nothing when it is; raises `NotAHash`, `IndexOutside`, `ProofTruncated`, `ProofTooLong` or `RootDiffers`.
    """
    _need_hashes((leaf, root, *proof))
    if not 0 <= index < size:
        raise IndexOutside(f"leaf {index} is not in a log of {size}")
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            raise ProofTooLong(f"an inclusion proof for leaf {index} of {size} has no {len(proof)} hashes")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofTruncated(
            f"an inclusion proof for leaf {index} of {size} has more than {len(proof)} hashes"
        )
    if r != root:
        raise RootDiffers(f"leaf {index} of {size} leads to root {r.hex()}, not {root.hex()}")


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that the tree (`second`, `second_root`) extends the tree (`first`, `first_root`).

    Returns nothing when it does; raises `NotAHash`, `SizesReversed`, `ProofTruncated`, `ProofTooLong`,
    `OldRootDiffers` or `RootDiffers`. The empty tree is extended by any; its root must still be the empty root.
    """
    _need_hashes((first_root, second_root, *proof))
    if not 0 <= first <= second:
        raise SizesReversed(f"a log of {second} leaves cannot extend one of {first}")
    if first in (0, second):
        _verify_trivial(first, second, proof, first_root, second_root)
        return
    if not proof:
        raise ProofTruncated(f"a consistency proof from {first} to {second} is not empty")
    # A power of two: the old root is itself the subtree to begin with.
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise ProofTooLong(f"a consistency proof from {first} to {second} has no {len(proof)} hashes")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofTruncated(
            f"a consistency proof from {first} to {second} has more than {len(proof)} hashes"
        )
    _need_roots(first, second, (fr, sr), first_root, second_root)


def _verify_trivial(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    if proof:
        raise ProofTooLong(f"a consistency proof from {first} to {second} is empty, not {len(proof)} hashes")
    old = EMPTY_ROOT if first == 0 else second_root
    new = EMPTY_ROOT if second == 0 else second_root
    _need_roots(first, second, (old, new), first_root, second_root)


def _need_roots(
    first: int, second: int, found: tuple[bytes, bytes], first_root: bytes, second_root: bytes
) -> None:
    if found[0] != first_root:
        raise OldRootDiffers(f"the proof leads to {found[0].hex()} at size {first}, not {first_root.hex()}")
    if found[1] != second_root:
        raise RootDiffers(f"the proof leads to {found[1].hex()} at size {second}, not {second_root.hex()}")


def _need_hashes(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != 32:
            raise NotAHash(f"{value.hex()!r} is {len(value)} bytes long, a hash is 32")


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
