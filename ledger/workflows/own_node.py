"""Asking a node of the reader's own what an evidence file is held against: chain, contract, heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.completeness import NodeSays
from ledger.chain.abi import encode_call
from ledger.chain.blocks import block_at, data_of, hash_of, quantity, sensible
from ledger.chain.rpc import CALLS_PER_BATCH, HttpNode
from ledger.domain.numbered import Numbered
from ledger.errors import ChainDamaged, ChainRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.crypto.checkpoints import BlockLine


def ask_node(url: str) -> Callable[[bytes, Sequence[int], int], NodeSays]:
    """Return what asks the node at `url` about (contract, enterprises, number of the file's block).

    Heads are those at its latest block.

    Raises `Misconfigured` for no address; the asking raises `ChainUnavailable`, `ChainRefused`, and
    `ChainDamaged` for answers that are none.
    """
    node = HttpNode(url)

    def ask(contract: bytes, enterprises: Sequence[int], stated: int) -> NodeSays:
        try:
            with sensible(node.where):
                return _ask(node, contract, enterprises, stated)
        finally:
            node.close()

    return ask


def _ask(node: HttpNode, contract: bytes, enterprises: Sequence[int], stated: int) -> NodeSays:
    address = "0x" + contract.hex()
    chain_id = quantity(node.request("eth_chainId"))
    genesis, latest = block_at(node, 0), block_at(node)
    if genesis is None or latest is None:
        raise ChainDamaged(f"{node.where} has no first block, or no latest")
    at = hex(latest.number)
    has_code = bool(data_of(node.request("eth_getCode", address, at)))
    calls = [
        ("eth_call", {"to": address, "data": "0x" + encode_call("CreditLedger", "head", each).hex()}, at)
        for each in enterprises
    ]
    heads: list[bytes] = []
    for start in range(0, len(calls) if has_code else 0, CALLS_PER_BATCH):
        heads += map(_head, node.requests(calls[start : start + CALLS_PER_BATCH]))
    found = Numbered(zip(enterprises, heads, strict=has_code))
    return NodeSays(node.where, chain_id, genesis.hash, has_code, latest, found, _stated(node, stated))


def _stated(node: HttpNode, number: int) -> BlockLine | None:
    """The file's block there; None where the node does not have it: not yet, or it keeps none so old."""
    try:
        return block_at(node, number)
    except ChainRefused:
        return None


def _head(text: str) -> bytes:
    # A contract of another kind may answer nothing at all: no head of ours.
    return bytes(32) if text == "0x" else hash_of(text)
