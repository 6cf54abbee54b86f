"""The log's tree and its verifiers against published, independently made and hostile vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.crypto import merkle
from ledger.errors import BadProof

VECTORS = Path(__file__).parent.parent / "vectors"
PUBLISHED = json.loads((VECTORS / "rfc6962.json").read_text())
MADE = json.loads((VECTORS / "merkle_proofs.json").read_text())
HOSTILE = json.loads((VECTORS / "merkle_hostile.json").read_text())["cases"]

LEAVES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in PUBLISHED["leaves"]]
ROOTS = [bytes.fromhex(root) for root in (PUBLISHED["empty_root"], *PUBLISHED["roots"])]


def unhex(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in hashes]


def made_leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"leaf %d" % i) for i in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    log, tree = merkle.Log(), merkle.Tree(LEAVES)
    for leaf in LEAVES[:size]:
        log.append(leaf)
    assert log.root() == tree.root(size) == merkle.root_of(LEAVES[:size]) == ROOTS[size]
    assert log.size == size


@pytest.mark.parametrize("case", PUBLISHED["inclusion"], ids=lambda c: f"{c['index']} of {c['size']}")
def test_published_inclusion_proofs(case: dict[str, Any]) -> None:
    index, size, proof = case["index"], case["size"], unhex(case["proof"])
    assert merkle.Tree(LEAVES).inclusion_proof(index, size) == proof
    assert merkle.inclusion_proof(LEAVES[:size], index) == proof
    merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("case", PUBLISHED["consistency"], ids=lambda c: f"{c['first']} to {c['second']}")
def test_published_consistency_proofs(case: dict[str, Any]) -> None:
    first, second, proof = case["first"], case["second"], unhex(case["proof"])
    assert merkle.Tree(LEAVES).consistency_proof(first, second) == proof
    assert merkle.consistency_proof(LEAVES[:second], first) == proof
    merkle.verify_consistency(first, second, proof, ROOTS[first], ROOTS[second])


@pytest.mark.parametrize("case", MADE["sizes"], ids=lambda c: str(c["size"]))
def test_proofs_of_the_reference(case: dict[str, Any]) -> None:
    size, root = case["size"], bytes.fromhex(case["root"])
    leaves = made_leaves(size)
    tree = merkle.Tree(leaves)
    assert tree.root() == root
    for index, proof in case["inclusion"].items():
        assert tree.inclusion_proof(int(index)) == unhex(proof)
        merkle.verify_inclusion(leaves[int(index)], int(index), size, unhex(proof), root)
    for first, proof in case["consistency"].items():
        assert tree.consistency_proof(int(first)) == unhex(proof)
        merkle.verify_consistency(int(first), size, unhex(proof), tree.root(int(first)), root)


def verify(case: dict[str, Any]) -> None:
    proof = unhex(case["proof"])
    if case["kind"] == "inclusion":
        leaf = merkle.leaf_hash(bytes.fromhex(case["data"]))
        merkle.verify_inclusion(leaf, case["index"], case["size"], proof, bytes.fromhex(case["root"]))
    else:
        old, new = bytes.fromhex(case["first_root"]), bytes.fromhex(case["second_root"])
        merkle.verify_consistency(case["first"], case["second"], proof, old, new)


@pytest.mark.parametrize("case", HOSTILE, ids=lambda c: f"{c['kind']}: {c['name']}")
def test_hostile_proofs_are_refused_with_their_own_error(case: dict[str, Any]) -> None:
    with pytest.raises(BadProof) as refused:
        verify(case)
    assert type(refused.value).__name__ == case["error"]


def test_every_bad_proof_has_a_code_of_its_own() -> None:
    named = {case["error"] for case in HOSTILE}
    assert len({getattr(merkle, name).code for name in named}) == len(named) == 7


def test_a_log_goes_on_from_its_peaks() -> None:
    whole, first = merkle.Log(), merkle.Log()
    leaves = made_leaves(77)
    for leaf in leaves:
        whole.append(leaf)
    for leaf in leaves[:45]:
        first.append(leaf)
    rest = merkle.Log.resume(45, first.peaks)
    for leaf in leaves[45:]:
        rest.append(leaf)
    assert (rest.size, rest.root(), rest.peaks) == (77, whole.root(), whole.peaks)


@pytest.mark.parametrize(("size", "peaks"), [(3, 1), (4, 2), (-1, 0), (0, 1)])
def test_peaks_that_do_not_fit_are_refused(size: int, peaks: int) -> None:
    with pytest.raises(BadProof):
        merkle.Log.resume(size, [bytes(32)] * peaks)


def test_proofs_of_leaves_that_are_not_there_are_refused() -> None:
    tree = merkle.Tree(made_leaves(5))
    for index, size in [(5, 5), (-1, 5), (3, 3), (0, 0)]:
        with pytest.raises(merkle.IndexOutside):
            tree.inclusion_proof(index, size)
    with pytest.raises(merkle.IndexOutside):
        tree.root(6)
    with pytest.raises(merkle.SizesReversed):
        tree.consistency_proof(4, 3)
