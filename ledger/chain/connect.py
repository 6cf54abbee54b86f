"""Reaching the chain: a node elsewhere, the process that owns the embedded chain, or opening it here."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ledger.chain.rpc import HttpNode
from ledger.errors import Busy, ChainUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ledger.chain.rpc import Node


def connect(data_dir: Path, funded: Sequence[str], rpc_url: str | None = None, patience: float = 3.0) -> Node:
    """Return the chain of an installation.

    With `rpc_url`, a client of that node. Otherwise the embedded chain in `data_dir`: through the process
    that owns and serves it, or opened here (a first start gives money to the `funded` addresses).
    `patience` is how long to wait, in seconds, for an owner that does not serve; after that `Busy` is
    raised, naming it. Other errors: `ChainDamaged`, `Misconfigured`.
    """
    if rpc_url:
        return HttpNode(rpc_url)
    from ledger.chain.embedded.node import open_embedded  # noqa: PLC0415  not needed with a node elsewhere

    deadline = time.monotonic() + patience
    while True:
        try:
            return open_embedded(data_dir, funded)
        except Busy:
            served = _served(data_dir)
            if served is not None:
                return served
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.1)


def _served(data_dir: Path) -> HttpNode | None:
    """A client of the process that owns the chain, if it serves and answers."""
    try:
        where: dict[str, Any] = json.loads((data_dir / "chain.json").read_bytes())
        owner = int((data_dir / "chain.lock").read_text(encoding="ascii"))
        token = (data_dir / str(where["token_file"])).read_text(encoding="ascii").strip()
        if where["pid"] != owner:
            return None  # left behind by a process that was killed
        node = HttpNode(str(where["url"]), token)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        node.request("eth_chainId")
    except ChainUnavailable:
        return None
    return node
