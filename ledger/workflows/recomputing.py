"""A witness's own view of a ledger: its statement recomputed from a node that the witness chose.

The node is believed in what it says the chain's logs are, and in nothing else: heads, log and trees are made
anew from them. Who gives a witness the operator's own node gets the operator's word twice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ledger.audit.statement import NotReproduced, Recomputed
from ledger.chain.logs import read_stretches
from ledger.crypto.checkpoints import BlockLine
from ledger.errors import ChainUnavailable, Misconfigured
from ledger.workflows.checkpoints import origin

if TYPE_CHECKING:
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.crypto.checkpoints import Checkpoint


#: Seconds that a block may be behind the node's latest: an old state is not cosigned as if it were new.
STALE: Final = 3600


class Recomputer:
    """Follows one ledger on a node, and holds checkpoints to what the chain makes of them. Thread-safe."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment
        self._guard = threading.Lock()
        self._state = Recomputed()
        self._at: BlockLine | None = None
        self.origin = origin(deployment)
        chain_id, genesis = node.requests([("eth_chainId",), ("eth_getBlockByNumber", "0x0", False)])
        if (int(chain_id, 16), genesis["hash"]) != (deployment.chain_id, deployment.genesis_hash):
            raise Misconfigured(f"{node.where} is not a node of the chain that {self.origin} is on")

    def check(self, point: Checkpoint) -> None:
        """Raise unless the chain makes every line of a checkpoint but the time of signing.

        `NotReproduced`: it does not. `ChainUnavailable`: the node has not come so far, or does not answer.
        """
        said = point.statement
        if said is None:
            raise NotReproduced("the checkpoint says nothing but its log")
        with self._guard:
            block, latest = self._block(said.block.number), self._block(None)
            if latest is not None and latest.time - said.block.time > STALE:
                raise ChainUnavailable(
                    f"block {said.block.number} is {latest.time - said.block.time} seconds older than the "
                    "latest: sign what the ledger is now"
                )
            if block is None:
                raise ChainUnavailable(f"{self._node.where} has no block {said.block.number} yet")
            if block != said.block:
                raise NotReproduced(f"block {block.number} is {block.hash.hex()} here, made at {block.time}")
            if self._at and (self._at.number > block.number or self._block(self._at.number) != self._at):
                self._state, self._at = Recomputed(), None
            self._catch_up(block)
            self._state.check(point, block)

    def catch_up(self) -> int:
        """Follow to the node's latest block, so that the first checkpoint is quick. Returns its number."""
        latest = int(self._node.request("eth_blockNumber"), 16)
        with self._guard:
            block = self._block(latest)
            if block is not None:
                self._catch_up(block)
        return latest

    def _catch_up(self, block: BlockLine) -> None:
        first = self._at.number + 1 if self._at else self._deployment.block
        try:
            for stretch in read_stretches(self._node, self._deployment.addresses, first, block.number):
                for fact in stretch.facts:
                    self._state.apply(fact)
        except BaseException:
            # Half a stretch taken is a state of no block.
            self._state, self._at = Recomputed(), None
            raise
        self._at = block

    def _block(self, number: int | None) -> BlockLine | None:
        """A block, the latest where no number is given; None where the node has none."""
        at = "latest" if number is None else hex(number)
        found = self._node.request("eth_getBlockByNumber", at, False)
        if found is None:
            return None
        try:
            return BlockLine(
                int(found["number"], 16), bytes.fromhex(found["hash"][2:]), int(found["timestamp"], 16)
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ChainUnavailable(f"{self._node.where} answers what no node answers") from None
