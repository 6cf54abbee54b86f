"""The tree against the slow recursive reference, at every small size and at random larger ones."""

from __future__ import annotations

import random

import merkle_reference as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto import merkle
from ledger.errors import BadProof

DATA = [b"%d" % i for i in range(71)]
LEAVES = [merkle.leaf_hash(data) for data in DATA]


def test_every_root_and_inclusion_proof_up_to_70() -> None:
    tree, log = merkle.Tree(), merkle.Log()
    for size in range(71):
        data = DATA[:size]
        assert tree.root() == log.root() == reference.mth(data)
        for index in range(size):
            proof = reference.path(index, data)
            assert tree.inclusion_proof(index) == proof
            merkle.verify_inclusion(LEAVES[index], index, size, proof, tree.root())
        tree.append(LEAVES[size])
        log.append(LEAVES[size])


@pytest.mark.parametrize("second", [*range(1, 40), 63, 64, 65, 70])
def test_every_consistency_proof(second: int) -> None:
    tree = merkle.Tree(LEAVES)
    for first in range(1, second + 1):
        proof = reference.proof(first, DATA[:second])
        assert tree.consistency_proof(first, second) == proof
        merkle.verify_consistency(first, second, proof, tree.root(first), tree.root(second))
    merkle.verify_consistency(0, second, [], merkle.EMPTY_ROOT, tree.root(second))


@given(size=st.integers(1, 400), seed=st.integers())
@settings(max_examples=40, deadline=None)
def test_random_sizes(size: int, seed: int) -> None:
    chance = random.Random(seed)
    data = [chance.randbytes(8) for _ in range(size)]
    leaves = [merkle.leaf_hash(each) for each in data]
    tree = merkle.Tree(leaves)
    index, first = chance.randrange(size), chance.randint(1, size)
    assert tree.root() == merkle.root_of(leaves) == reference.mth(data)
    assert tree.inclusion_proof(index) == reference.path(index, data)
    assert tree.consistency_proof(first) == reference.proof(first, data)


@given(
    size=st.integers(2, 200),
    seed=st.integers(),
    what=st.sampled_from(["leaf", "index", "size", "proof", "root"]),
)
@settings(max_examples=200, deadline=None)
def test_nothing_in_an_inclusion_proof_can_be_changed(size: int, seed: int, what: str) -> None:
    chance = random.Random(seed)
    leaves = [merkle.leaf_hash(b"%d" % i) for i in range(size)]
    tree, index = merkle.Tree(leaves), chance.randrange(size)
    leaf, proof, root, claimed = leaves[index], tree.inclusion_proof(index), tree.root(), size
    if what == "leaf":
        leaf = flipped(leaf, chance)
    elif what == "root":
        root = flipped(root, chance)
    elif what == "index":
        index = chance.choice([i for i in range(size) if i != index])
    elif what == "size":
        # A proof says nothing about the size beyond the path's shape: only a size of another shape must fail.
        claimed = size * 2 + 1
    else:
        place = chance.randrange(len(proof))
        proof[place] = flipped(proof[place], chance)
    with pytest.raises(BadProof):
        merkle.verify_inclusion(leaf, index, claimed, proof, root)


@given(size=st.integers(2, 200), seed=st.integers())
@settings(max_examples=200, deadline=None)
def test_nothing_in_a_consistency_proof_can_be_changed(size: int, seed: int) -> None:
    chance = random.Random(seed)
    tree = merkle.Tree(merkle.leaf_hash(b"%d" % i) for i in range(size))
    first = chance.randint(1, size - 1)
    values = [tree.root(first), tree.root(), *tree.consistency_proof(first)]
    place = chance.randrange(len(values))
    values[place] = flipped(values[place], chance)
    with pytest.raises(BadProof):
        merkle.verify_consistency(first, size, values[2:], values[0], values[1])


def flipped(value: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(value))
    return value[:place] + bytes([value[place] ^ (1 << chance.randrange(8))]) + value[place + 1 :]
