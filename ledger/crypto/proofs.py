"""Merkle proofs of the append-only log, checked: hashes in, nothing or an error out.

Sources: tree hash, RFC 6962 section 2.1 (kept by RFC 9162 section 2.1.1); verifiers, RFC 9162 sections
2.1.3.2 and 2.1.4.2, step by step.

    leaf = SHA-256(0x00 | data)        node = SHA-256(0x01 | left | right)        empty tree = SHA-256("")

Proofs are over *leaf hashes* (32 bytes); `leaf_hash` makes one of leaf data. Indices count from 0. The
different first byte is what keeps an interior node from passing as a leaf, so a verifier must hash the data
itself and never accept a leaf hash from the other side.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf` (a hash you made yourself) is leaf `index` of the tree (`size`, `root`).

    Returns nothing when it is; raises `NotAHash`, `IndexOutside`, `ProofTruncated`, `ProofTooLong` or
    `RootDiffers`.
    """
    need_hashes((leaf, root, *proof))
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
    `OldRootDiffers` or `RootDiffers`. Any tree extends the empty one, whose root must be the empty root.
    """
    need_hashes((first_root, second_root, *proof))
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


def need_hashes(hashes: Sequence[bytes]) -> None:
    """Raise `NotAHash` at the first value that is not 32 bytes long."""
    for value in hashes:
        if len(value) != 32:
            raise NotAHash(f"{value.hex()!r} is {len(value)} bytes long, a hash is 32")
