"""One inclusion proof for many leaves of a log: the hashes the leaves share are given once.

Source: the recursion of RFC 6962 section 2.1.1, cut off at every subtree without a wanted leaf. The hashes
of those are listed from left to right; the verifier walks the same tree, takes the next hash wherever it
has no leaf, and must end at the root with none left over. A thousand leaves of a log of 100,000 need some
7,000 hashes in place of 17,000. For one leaf it holds the hashes of the ordinary proof, in another order.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from typing import TYPE_CHECKING

from ledger.crypto.proofs import (
    EMPTY_ROOT,
    IndexOutside,
    ProofTooLong,
    ProofTruncated,
    RootDiffers,
    need_hashes,
    node_hash,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ledger.crypto.merkle import Tree
    from ledger.crypto.trees import Hashed


def multi_proof(tree: Tree | Hashed, indices: Sequence[int], size: int | None = None) -> list[bytes]:
    """Hashes that prove the leaves at `indices` (any order) in the tree of the first `size` leaves."""
    size = tree.size if size is None else size
    wanted = _sorted_indices(indices, size)
    hashes: list[bytes] = []

    def visit(low: int, high: int) -> None:
        if bisect_left(wanted, low) == bisect_left(wanted, high):
            hashes.append(tree.range_hash(low, high))
        elif high - low > 1:
            middle = low + _split(high - low)
            visit(low, middle)
            visit(middle, high)

    if size:
        visit(0, size)
    return hashes


def verify_multi(leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that each leaf (index -> hash you made yourself) is in the tree (`size`, `root`).

    Returns nothing when all are; raises `NotAHash`, `IndexOutside`, `ProofTruncated`, `ProofTooLong` or
    `RootDiffers`. Without leaves the proof is the root alone: nothing is proven but that it was given.
    """
    need_hashes((root, *leaves.values(), *proof))
    wanted = _sorted_indices(list(leaves), size)
    given = iter(proof)
    found = _walk(leaves, wanted, given, 0, size) if size else EMPTY_ROOT
    if next(given, None) is not None:
        raise ProofTooLong(f"a proof of {len(wanted)} leaves of {size} has no {len(proof)} hashes")
    if found != root:
        raise RootDiffers(f"{len(wanted)} leaves of {size} lead to root {found.hex()}, not {root.hex()}")


def _walk(
    leaves: Mapping[int, bytes], wanted: Sequence[int], given: Iterator[bytes], low: int, high: int
) -> bytes:
    if bisect_left(wanted, low) == bisect_left(wanted, high):
        value = next(given, None)
        if value is None:
            raise ProofTruncated(
                f"a proof of {len(wanted)} leaves lacks a hash for leaves {low} to {high - 1}"
            )
        return value
    if high - low == 1:
        return leaves[low]
    middle = low + _split(high - low)
    left = _walk(leaves, wanted, given, low, middle)
    return node_hash(left, _walk(leaves, wanted, given, middle, high))


def _sorted_indices(indices: Sequence[int], size: int) -> list[int]:
    # No set: of numbers that a stranger chose (see `domain.numbered`) one can be made to cost a square.
    wanted = [each for each, _ in groupby(sorted(indices))]
    if size < 0 or (wanted and not 0 <= wanted[0] <= wanted[-1] < size):
        raise IndexOutside(f"leaves {wanted[:1]} to {wanted[-1:]} are not all in a log of {size}")
    return wanted


def _split(n: int) -> int:
    return 1 << ((n - 1).bit_length() - 1)
