"""A witness's own view of a ledger: its statement recomputed from a node that the witness chose.

The node is believed in what it says the chain's logs are, and in nothing else: heads, log and trees are made
anew from them. Who gives a witness the operator's own node gets the operator's word twice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ledger.audit.statement import NotReproduced, Recomputed
from ledger.chain.blocks import block_at, quantity, sensible
from ledger.chain.logs import read_stretches
from ledger.errors import ChainUnavailable, Misconfigured
from ledger.workflows.checkpoints import origin

if TYPE_CHECKING:
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.crypto.checkpoints import BlockLine, Checkpoint


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
        with sensible(node.where):
            chain_id, genesis = quantity(node.request("eth_chainId")), block_at(node, 0)
        first = None if genesis is None else "0x" + genesis.hash.hex()
        if (chain_id, first) != (deployment.chain_id, deployment.genesis_hash):
            raise Misconfigured(f"{node.where} is not a node of the chain that {self.origin} is on")

    def check(self, point: Checkpoint) -> None:
        """Raise unless the chain makes every line of a checkpoint but the time of signing.

        `NotReproduced`: it does not. `ChainUnavailable`: the node has not come so far, or does not answer;
        `ChainRefused` and `ChainDamaged`: it refuses, or answers what no node answers.
        """
        said = point.statement
        if said is None:
            raise NotReproduced("the checkpoint says nothing but its log")
        with self._guard:
            block, latest = block_at(self._node, said.block.number), block_at(self._node)
            if latest is not None and latest.time - said.block.time > STALE:
                raise ChainUnavailable(
                    f"block {said.block.number} is {latest.time - said.block.time} seconds older than the "
                    "latest: sign what the ledger is now"
                )
            if block is None:
                raise ChainUnavailable(f"{self._node.where} has no block {said.block.number} yet")
            if block != said.block:
                raise NotReproduced(f"block {block.number} is {block.hash.hex()} here, made at {block.time}")
            if self._at and (
                self._at.number > block.number or block_at(self._node, self._at.number) != self._at
            ):
                self._state, self._at = Recomputed(), None
            self._catch_up(block)
            self._state.check(point, block)

    def catch_up(self) -> int:
        """Follow to the node's latest block, so that the first checkpoint is quick. Returns its number."""
        with self._guard:
            block = block_at(self._node)
            if block is None:
                raise ChainUnavailable(f"{self._node.where} has no latest block")
            self._catch_up(block)
        return block.number

    def _catch_up(self, block: BlockLine) -> None:
        first = self._at.number + 1 if self._at else self._deployment.block
        try:
            with sensible(self._node.where):
                for stretch in read_stretches(self._node, self._deployment.addresses, first, block.number):
                    for fact in stretch.facts:
                        self._state.apply(fact)
        except BaseException:
            # Half a stretch taken is a state of no block.
            self._state, self._at = Recomputed(), None
            raise
        self._at = block
