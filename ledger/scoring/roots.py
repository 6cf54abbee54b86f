"""The root over the scores of one assessment, and the proof that one score is under it.

An RFC 6962 tree over the scores sorted by enterprise. A leaf's data are 13 bytes, big endian: enterprise u64,
milli-score u32, grade u8 (1 A, 2 B, 3 M, 4 C, 5 D); `ScoreBook.verifyScore` on the chain builds the same.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.merkle import inclusion_proof, leaf_hash, root_of
from ledger.errors import BadValue, NotFound
from ledger.scoring.cards import GRADES, MAX_MILLI

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAF: Final = struct.Struct(">QIB")


class Scored(NamedTuple):
    """One line of an assessment: the enterprise's index, its milli-points (0..100,000), its grade."""

    enterprise: int
    milli: int
    grade: str


def score_leaf(enterprise: int, milli: int, grade: str) -> bytes:
    """Return a score's leaf data, 13 bytes. Raises `BadValue` for a score or grade that does not exist."""
    if grade not in GRADES:
        raise BadValue("grade", grade, "not one of " + ", ".join(GRADES))
    if not 0 <= milli <= MAX_MILLI:
        raise BadValue("score", milli, f"not in 0..{MAX_MILLI} milli-points")
    if not 0 < enterprise < 1 << 64:
        raise BadValue("enterprise", enterprise, "not an enterprise index")
    return _LEAF.pack(enterprise, milli, GRADES[grade])


def score_root(scores: Sequence[Scored]) -> bytes:
    """Return the 32-byte root over scores sorted by enterprise. Raises `BadValue` if they are not."""
    return root_of(_leaf_hashes(scores))


def score_proof(scores: Sequence[Scored], enterprise: int) -> tuple[int, list[bytes]]:
    """Return the position of an enterprise's score and its inclusion proof, as `verifyScore` takes them.

    Raises `NotFound` if the enterprise has no score here, `BadValue` if the scores are not sorted.
    """
    for index, each in enumerate(scores):
        if each.enterprise == enterprise:
            return index, inclusion_proof(_leaf_hashes(scores), index)
    raise NotFound(f"enterprise {enterprise} has no score in this assessment")


def _leaf_hashes(scores: Sequence[Scored]) -> list[bytes]:
    for earlier, later in pairwise(scores):
        if earlier.enterprise >= later.enterprise:
            raise BadValue("enterprise", later.enterprise, "scores must be sorted by enterprise, each once")
    return [leaf_hash(score_leaf(*each)) for each in scores]
