"""Trees whose leaves change, against the definitions of RFC 6962 recomputed from nothing after every step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merkle_reference import mth

from ledger.crypto.multiproof import multi_proof, verify_multi
from ledger.crypto.proofs import leaf_hash
from ledger.crypto.trees import SparseTree, StateTree
from ledger.errors import BadProof

EMPTY = b"nothing"
#: What is done to a tree: append so many leaves, replace one, or ask for the root in between.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 9)),
        st.tuples(st.just("replace"), st.integers(0, 10**6)),
        st.tuples(st.just("ask"), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_a_state_tree_is_the_tree_of_its_leaves_now(steps: list[tuple[str, int]]) -> None:
    tree, data = StateTree(), []
    for count, (what, number) in enumerate(steps):
        fresh = b"%d" % count
        if what == "append":
            for each in range(number):
                data.append(fresh + b"/%d" % each)
                tree.append(leaf_hash(data[-1]))
        elif what == "replace" and data:
            data[number % len(data)] = fresh
            tree.set(number % len(data), leaf_hash(fresh))
        else:
            assert tree.root() == mth(data)
    assert (tree.size, tree.root()) == (len(data), mth(data))
    assert [tree.leaf(n) for n in range(tree.size)] == [leaf_hash(each) for each in data]


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_a_sparse_tree_is_the_tree_of_all_its_leaves(steps: list[tuple[str, int]]) -> None:
    tree, data = SparseTree(leaf_hash(EMPTY)), []
    for count, (what, number) in enumerate(steps):
        if what == "append":
            data += [EMPTY] * number
            tree.grow(len(data))
        elif what == "replace" and data:
            data[number % len(data)] = b"%d" % count
            tree.set(number % len(data), leaf_hash(data[number % len(data)]))
        else:
            assert tree.root() == mth(data)
    assert tree.root() == mth(data)


@given(st.integers(1, 70), st.data())
@settings(max_examples=150, deadline=None)
def test_proofs_out_of_either_tree_hold_and_of_another_leaf_do_not(size: int, chosen: st.DataObject) -> None:
    places = chosen.draw(st.lists(st.integers(0, size - 1), unique=True, min_size=1, max_size=8))
    full, sparse = StateTree([leaf_hash(EMPTY)] * size), SparseTree(leaf_hash(EMPTY), size)
    full.root(), sparse.root()
    for place in places:
        full.set(place, leaf_hash(b"%d" % place))
        sparse.set(place, leaf_hash(b"%d" % place))
    proof = multi_proof(sparse, places)
    assert (full.root(), multi_proof(full, places)) == (sparse.root(), proof)
    leaves = {place: leaf_hash(b"%d" % place) for place in places}
    verify_multi(leaves, size, proof, full.root())
    with pytest.raises(BadProof):
        verify_multi(leaves | {places[0]: leaf_hash(EMPTY)}, size, proof, full.root())
    with pytest.raises(BadProof):
        verify_multi(leaves, size, [*proof, bytes(32)], full.root())
