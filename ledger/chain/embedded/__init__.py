"""A chain in this process: py-evm made durable on SQLite, answering the same JSON-RPC as any node."""

from __future__ import annotations

from ledger.chain.embedded.node import EmbeddedNode, open_embedded

__all__ = ["EmbeddedNode", "open_embedded"]
