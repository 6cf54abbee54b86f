"""Reaching the chain: a node elsewhere, the process that owns the embedded chain, or opening it here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.chain.clock import SPAN_DAYS, NodeElsewhere
from ledger.chain.rpc import HttpNode
from ledger.errors import Busy, ChainUnavailable, WrongClock
from ledger.json_text import read_json_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ledger.chain.rpc import Node

#: The embedded chain's database, in the data folder.
CHAIN_FILE = "chain.db"


def connect(
    data_dir: Path,
    funded: Sequence[str],
    rpc_url: str | None = None,
    patience: float = 3.0,
    span_days: int | None = None,
) -> Node:
    """Return the chain of an installation.

    With `rpc_url`, a client of that node. Otherwise the embedded chain in `data_dir`: through the process
    that owns and serves it, or opened here (a first start gives money to the `funded` addresses).
    `patience` is how long to wait, in seconds, for an owner that does not serve; after that `Busy` is
    raised, naming it. `span_days`: see `chain.clock`, whose default holds without it. Other errors:
    `ChainDamaged`, `Misconfigured`.
    """
    if rpc_url:
        return NodeElsewhere(rpc_url, span_days or SPAN_DAYS)
    from ledger.chain.embedded.node import open_embedded  # noqa: PLC0415  not needed with a node elsewhere

    deadline = time.monotonic() + patience
    while True:
        try:
            return open_embedded(data_dir, funded, span_days or SPAN_DAYS)
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
        where: Any = read_json_file(data_dir / "chain.json")
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


class Clock(NamedTuple):
    """A chain's time beside this machine's, in Unix seconds.

    `last` is what the clock showed when the last block was made, or that block's time for a node elsewhere.
    `fault` says why nothing is made or signed by this clock, and what to do; None where it is believed.
    """

    now: int
    last: int
    fault: str | None


def read_clock(node: Node) -> Clock:
    """Ask a chain by what clock it stands. Raises as `Node.request` does."""
    found = node.request("ledger_clock")
    return Clock(int(found["now"], 16), int(found["last"], 16), found["fault"])


def check_clock(node: Node) -> None:
    """Raise `WrongClock` if nothing is to be made or signed by the clock now. Raises as `Node.request`."""
    fault = read_clock(node).fault
    if fault is not None:
        raise WrongClock(fault)


def accept_clock(node: Node) -> None:
    """Say that the clock is right, once: blocks are made, and what is dated is signed by it, from here on.

    Raises as `Node.request` does.
    """
    node.request("ledger_clockIsRight")
