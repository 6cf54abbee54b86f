"""A chain in this process: py-evm made durable on SQLite, answering the same JSON-RPC as any node."""

from __future__ import annotations

from ledger.chain.embedded.node import EmbeddedNode, open_embedded
from ledger.chain.embedded.server import ChainServer

__all__ = ["ChainServer", "EmbeddedNode", "open_embedded"]
