"""Heads and leaf data against values made with Ethereum's own encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ledger.crypto import hashing, heads, merkle

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "heads.json").read_text())


@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda c: f"enterprise {c['enterprise']}")
def test_heads_and_leaves(chain: dict) -> None:
    enterprise = chain["enterprise"]
    head = heads.genesis_head(enterprise, bytes.fromhex(chain["commitment"]))
    assert head.hex() == chain["genesis"]
    for run in chain["runs"]:
        head = heads.next_head(head, run["first_id"], bytes.fromhex(run["run"]))
        assert head.hex() == run["head"]
        data = heads.leaf_data(enterprise, head)
        assert data.hex() == run["leaf_data"]
        assert len(data) == heads.LEAF_DATA_BYTES
        assert merkle.leaf_hash(data).hex() == run["leaf_hash"]


def test_keccak_is_the_one_of_ethereum() -> None:
    assert hashing.keccak256(b"").hex() == VECTORS["keccak_empty"]
    assert hashing.sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_keccak_without_the_c_library_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sha3", None)
    slow = hashing._fastest_keccak()
    for data in (b"", b"a", bytes(1000)):
        assert slow(data) == hashing.keccak256(data)


def test_a_commitment_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        heads.genesis_head(1, bytes(31))
