"""The root over an assessment's scores: fixed bytes, proofs that hold, and none that should not."""

from __future__ import annotations

import hashlib

import pytest

from ledger.crypto.merkle import leaf_hash, verify_inclusion
from ledger.errors import BadProof, BadValue, NotFound
from ledger.scoring.roots import Scored, score_leaf, score_proof, score_root

SCORES = [Scored(1, 100_000, "M"), Scored(2, 60_000, "C"), Scored(7, 84_500, "B")]


def test_a_leaf_is_thirteen_fixed_bytes():
    assert score_leaf(258, 84_500, "B").hex() == "0000000000000102" + "00014a14" + "02"
    assert [score_leaf(1, 0, grade)[-1] for grade in "ABMCD"] == [1, 2, 3, 4, 5]


def test_the_root_is_the_rfc_6962_tree_over_the_leaves():
    def h(data):
        return hashlib.sha256(data).digest()

    one, two, three = (h(b"\0" + score_leaf(*each)) for each in SCORES)
    assert score_root(SCORES) == h(b"\1" + h(b"\1" + one + two) + three)
    assert score_root([]) == h(b"")


@pytest.mark.parametrize("position", range(3))
def test_a_proof_holds_for_its_score_alone(position):
    root, mine = score_root(SCORES), SCORES[position]
    index, proof = score_proof(SCORES, mine.enterprise)
    assert index == position
    verify_inclusion(leaf_hash(score_leaf(*mine)), index, 3, proof, root)
    for forged in (
        mine._replace(milli=mine.milli - 1),
        mine._replace(grade="A"),
        mine._replace(enterprise=9),
    ):
        with pytest.raises(BadProof):
            verify_inclusion(leaf_hash(score_leaf(*forged)), index, 3, proof, root)


@pytest.mark.parametrize(
    ("enterprise", "milli", "grade"),
    [(0, 1, "A"), (1 << 64, 1, "A"), (1, -1, "A"), (1, 100_001, "A"), (1, 1, "E"), (1, 1, "")],
)
def test_what_is_no_score_has_no_leaf(enterprise, milli, grade):
    with pytest.raises(BadValue):
        score_leaf(enterprise, milli, grade)


def test_unsorted_doubled_and_missing_scores_are_refused():
    for scores in (SCORES[::-1], [SCORES[0], SCORES[0]]):
        with pytest.raises(BadValue, match="sorted"):
            score_root(scores)
    with pytest.raises(NotFound):
        score_proof(SCORES, 3)
