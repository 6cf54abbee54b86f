"""What one request of a caller without the token may ask of the node: gas, seconds, bytes, blocks.

Gas alone does not do: some of it takes far more time than it says (see `bounded`), and what executes nothing
costs time and memory too.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ledger.chain.rpc import RpcRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.embedded.node import EmbeddedNode

#: Gas of one call, and of all calls of one request, that is executed for a caller without the token. The
#: contracts' views take less than a tenth of the first.
READER_GAS, BATCH_GAS = 2_000_000, 20_000_000
#: Seconds that code is executed for one request of a caller without the token, that it is worked on in all,
#: and bytes of its answers (geth's).
READER_SECONDS, ALL_SECONDS, READER_BYTES = 3.0, 20.0, 25_000_000
#: Blocks whose logs a caller without the token is told at once.
READER_BLOCKS = 100_000
#: JSON-RPC's code for a request that is not taken.
INVALID_REQUEST = -32600


class Work:
    """What is left of the work that one request of a caller without the token may ask for."""

    def __init__(self) -> None:
        self._gas, self._bytes, self.seconds = BATCH_GAS, READER_BYTES, READER_SECONDS
        self._until = time.monotonic() + ALL_SECONDS

    def go_on(self) -> None:
        """Raise `RpcRefused` if the request has been worked on for long enough."""
        if time.monotonic() > self._until:
            why = f"one request is worked on for {ALL_SECONDS:g} s at most: ask for less"
            raise RpcRefused(why, INVALID_REQUEST)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Execute for the caller, if it has seconds left. Raises `RpcRefused`."""
        if self.seconds <= 0:
            why = f"one request executes code for {READER_SECONDS:g} s at most: ask for less"
            raise RpcRefused(why, INVALID_REQUEST)
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds -= time.monotonic() - begun

    def fits(self, answer: bytes) -> bool:
        """Whether an answer is within what is left; then it is taken from it."""
        if len(answer) > self._bytes:
            return False
        self._bytes -= len(answer)
        return True

    def execute(self, params: list[Any]) -> list[Any]:
        """Return the parameters of a call with its gas bounded. Raises `RpcRefused` when none is left."""
        if not params or not isinstance(params[0], dict):
            return params
        if self._gas < READER_GAS:
            raise RpcRefused(f"one request executes {BATCH_GAS} gas at most: ask for less", INVALID_REQUEST)
        self._gas -= READER_GAS
        wanted = params[0].get("gas")
        try:
            gas = READER_GAS if wanted is None else min(int(str(wanted), 16), READER_GAS)
        except ValueError:
            return params
        return [{**params[0], "gas": hex(gas)}, *params[1:]]


def bound_logs(node: EmbeddedNode, params: list[Any]) -> None:
    """Raise `RpcRefused` for logs of more blocks than a caller without the token is told at once."""
    if not params or not isinstance(params[0], dict) or params[0].get("blockHash") is not None:
        return
    head = int(str(node.request("eth_blockNumber")), 16)
    first, last = (_height(params[0].get(key), head) for key in ("fromBlock", "toBlock"))
    if last - first >= READER_BLOCKS:
        raise RpcRefused(f"logs of {READER_BLOCKS} blocks at most: ask for them in parts", INVALID_REQUEST)


def _height(value: Any, head: int) -> int:
    """Return the block that a parameter means; what is in no form is for the method to refuse."""
    if value == "earliest":
        return 0
    try:
        return int(value, 16) if isinstance(value, str) else head
    except ValueError:  # a tag such as `latest`
        return head
