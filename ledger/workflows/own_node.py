"""Asking a node of the reader's own what an evidence file is held against: chain, contract, heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.completeness import NodeSays
from ledger.chain.abi import encode_call
from ledger.chain.rpc import CALLS_PER_BATCH, HttpNode
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def ask_node(url: str) -> Callable[[bytes, Sequence[int]], NodeSays]:
    """Return what asks the node at `url` about (contract, enterprises), all at its latest block.

    Raises `Misconfigured` for no address; the asking raises `ChainUnavailable`, `ChainRefused`, and
    `ChainDamaged` for answers that are none.
    """
    node = HttpNode(url)

    def ask(contract: bytes, enterprises: Sequence[int]) -> NodeSays:
        try:
            return _ask(node, contract, enterprises)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ChainDamaged(f"{node.where} answers what no node answers") from None
        finally:
            node.close()

    return ask


def _ask(node: HttpNode, contract: bytes, enterprises: Sequence[int]) -> NodeSays:
    at = "0x" + contract.hex()
    chain_id, genesis, latest = node.requests(
        [("eth_chainId",), ("eth_getBlockByNumber", "0x0", False), ("eth_getBlockByNumber", "latest", False)]
    )
    number = latest["number"]
    code = node.request("eth_getCode", at, number)
    calls = [
        ("eth_call", {"to": at, "data": "0x" + encode_call("CreditLedger", "head", each).hex()}, number)
        for each in enterprises
    ]
    heads: list[bytes] = []
    for start in range(0, len(calls), CALLS_PER_BATCH):
        heads += map(_word, node.requests(calls[start : start + CALLS_PER_BATCH]))
    return NodeSays(
        node.where,
        int(chain_id, 16),
        _word(genesis["hash"]),
        len(code) > len("0x"),
        int(number, 16),
        _word(latest["hash"]),
        int(latest["timestamp"], 16),
        dict(zip(enterprises, heads, strict=True)),
    )


def _word(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    # A contract of another kind may answer nothing at all: no head of ours.
    return raw if len(raw) == 32 else bytes(32)
