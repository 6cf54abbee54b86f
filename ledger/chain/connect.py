"""Reaching the chain: a node elsewhere, the process that owns the embedded chain, or opening it here."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.chain.rpc import HttpNode, RpcRefused
from ledger.errors import Busy, ChainUnavailable, Misconfigured, WrongClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ledger.chain.rpc import Node

#: Seconds by which a chain elsewhere may be ahead of this machine's clock: validators' clocks differ, too.
AHEAD: Final = 120


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
    raised, naming it. `span_days`: see `embedded.clock`, whose default holds without it. Other errors:
    `ChainDamaged`, `Misconfigured`.
    """
    if rpc_url:
        return HttpNode(rpc_url)
    from ledger.chain.embedded.clock import SPAN_DAYS  # noqa: PLC0415  not needed with a node elsewhere
    from ledger.chain.embedded.node import open_embedded  # noqa: PLC0415

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


class Clock(NamedTuple):
    """A chain's time beside this machine's, in Unix seconds.

    `fault` says why the embedded chain makes no block, and what to do; None where it makes one, and for a
    node elsewhere, which has a clock of its own.
    """

    now: int
    last_block: int
    fault: str | None

    @property
    def disagrees(self) -> str | None:
        """Say how the chain's time and the clock disagree; None if they do not."""
        if self.fault is not None:
            return self.fault
        if self.last_block > self.now + AHEAD:
            ahead = self.last_block - self.now
            return f"the chain's last block is {ahead} seconds ahead of this machine's clock"
        return None


def read_clock(node: Node) -> Clock:
    """Ask a chain by what clock it stands. Raises as `Node.request` does."""
    block = node.request("eth_getBlockByNumber", "latest", False)
    last = int(str(block["timestamp"]), 16)
    try:
        found = node.request("ledger_clock")
        return Clock(int(found["now"], 16), int(found["last"], 16), found["fault"])
    except (RpcRefused, KeyError, TypeError, ValueError):
        return Clock(int(time.time()), last, None)


def check_clock(node: Node) -> None:
    """Raise `WrongClock` if the embedded chain makes no block now. Raises as `Node.request` does."""
    fault = read_clock(node).fault
    if fault is not None:
        raise WrongClock(fault)


def accept_clock(node: Node) -> None:
    """Say that the clock is right, once: the embedded chain makes blocks by it from here on.

    Raises `Misconfigured` for a node elsewhere, whose blocks this machine's clock does not make.
    """
    try:
        node.request("ledger_clockIsRight")
    except RpcRefused as error:
        raise Misconfigured(f"--clock-is-right is for the embedded chain: {error}") from None
