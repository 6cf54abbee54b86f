"""Proofs of many leaves at once: complete, as small as they can be, and refused when anything is changed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto import merkle
from ledger.crypto.multiproof import multi_proof, verify_multi
from ledger.errors import BadProof

LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(300)]
TREE = merkle.Tree(LEAVES)


@st.composite
def some_leaves(draw: st.DrawFn) -> tuple[int, list[int]]:
    size = draw(st.integers(1, 300))
    return size, draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=40, unique=True))


@given(some_leaves())
@settings(max_examples=200, deadline=None)
def test_what_was_proven_verifies(drawn: tuple[int, list[int]]) -> None:
    size, indices = drawn
    proof = multi_proof(TREE, indices, size)
    verify_multi({i: LEAVES[i] for i in indices}, size, proof, TREE.root(size))
    # Never more than the single proofs together, and each hash once.
    assert len(set(proof)) == len(proof) <= sum(len(TREE.inclusion_proof(i, size)) for i in indices)


@given(st.integers(1, 300), st.data())
@settings(max_examples=100, deadline=None)
def test_one_leaf_takes_the_hashes_of_the_ordinary_proof(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    assert sorted(multi_proof(TREE, [index], size)) == sorted(TREE.inclusion_proof(index, size))


def test_all_leaves_need_no_hash_and_no_leaf_needs_the_root() -> None:
    for size in range(1, 70):
        assert multi_proof(TREE, range(size), size) == []
        verify_multi(dict(enumerate(LEAVES[:size])), size, [], TREE.root(size))
        assert multi_proof(TREE, [], size) == [TREE.root(size)]
    verify_multi({}, 0, [], merkle.EMPTY_ROOT)


@given(some_leaves(), st.integers(), st.sampled_from(["leaf", "place", "hash", "drop", "add", "root"]))
@settings(max_examples=300, deadline=None)
def test_nothing_can_be_changed(drawn: tuple[int, list[int]], seed: int, what: str) -> None:
    size, indices = drawn
    chance = random.Random(seed)
    leaves, proof, root = {i: LEAVES[i] for i in indices}, multi_proof(TREE, indices, size), TREE.root(size)
    if what == "leaf":
        leaves[chance.choice(indices)] = merkle.leaf_hash(b"forged")
    elif what == "place" and len(indices) < size:
        elsewhere = chance.choice([i for i in range(size) if i not in leaves])
        leaves[elsewhere] = leaves.pop(chance.choice(indices))
    elif what == "hash" and proof:
        proof[chance.randrange(len(proof))] = bytes(32)
    elif what == "drop" and proof:
        proof.pop(chance.randrange(len(proof)))
    elif what == "add":
        proof.insert(chance.randint(0, len(proof)), bytes(32))
    else:
        root = bytes(32)
    with pytest.raises(BadProof):
        verify_multi(leaves, size, proof, root)


def test_leaves_outside_the_log_are_refused() -> None:
    for indices, size in [([5], 5), ([-1], 5), ([0], 0)]:
        with pytest.raises(merkle.IndexOutside):
            multi_proof(TREE, indices, size)
        with pytest.raises(merkle.IndexOutside):
            verify_multi(dict.fromkeys(indices, LEAVES[0]), size, [], TREE.root(size))
