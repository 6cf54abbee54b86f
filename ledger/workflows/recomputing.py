"""A witness's own view of a ledger: its statement recomputed from a node that the witness chose.

The node is believed in what it says the chain's logs are, and in nothing else: heads, log and trees are made
anew from them. Who gives a witness the operator's own node gets the operator's word twice.

Before a checkpoint is said to differ, everything is read anew and held against what else the node says: an
answer that was empty once, from a replica that lags, is the node's fault and not the operator's.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ledger.audit.statement import NotReproduced, Recomputed
from ledger.chain.blocks import block_at, blocks_at, quantity, sensible
from ledger.chain.events import decoded
from ledger.chain.logs import read_stretches
from ledger.chain.views import Views
from ledger.errors import ChainUnavailable, Misconfigured
from ledger.workflows.checkpoints import origin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.crypto.checkpoints import BlockLine, Checkpoint
    from ledger.domain.facts import Fact

#: Seconds that a block may be behind the node's latest: an old state is not cosigned as if it were new.
STALE: Final = 3600
#: Blocks whose logs are asked for one by one before a checkpoint is said to differ.
RECENT: Final = 64


class NodeDisagrees(ChainUnavailable):
    """What a node says of a chain does not fit with what else it says of it: it accuses nobody."""

    code = "node-disagrees"


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

        `NotReproduced`: it does not, and the node says so a second time. `ChainUnavailable`: the node has not
        come so far, does not answer, or disagrees with itself; `ChainRefused` and `ChainDamaged`: it refuses,
        or answers what no node answers.
        """
        said = point.statement
        if said is None:
            raise NotReproduced("the checkpoint says nothing but its log")
        with self._guard:
            block = self._block(said.block)
            if self._at and (
                self._at.number > block.number or block_at(self._node, self._at.number) != self._at
            ):
                self._forget()
            try:
                self._catch_up(block)
                self._state.check(point, block)
            except NotReproduced:
                self._read_anew(block)
                self._state.check(point, block)

    def _block(self, said: BlockLine) -> BlockLine:
        """Return the block that a checkpoint names, as the node has it."""
        block, latest = block_at(self._node, said.number), block_at(self._node)
        if latest is not None and latest.time - said.time > STALE:
            raise ChainUnavailable(
                f"block {said.number} is {latest.time - said.time} seconds older than the latest: "
                "sign what the ledger is now"
            )
        if block is None:
            raise ChainUnavailable(f"{self._node.where} has no block {said.number} yet")
        if block != said:
            again = block_at(self._node, said.number)
            named = None
            if said.hash != block.hash:
                named = self._node.request("eth_getBlockByHash", "0x" + said.hash.hex(), False)
            if again != block or named is not None:
                raise self._disagrees(f"has two blocks {said.number}")
            raise NotReproduced(f"block {block.number} is {block.hash.hex()} here, made at {block.time}")
        return block

    def _read_anew(self, block: BlockLine) -> None:
        """Read everything again, and hold it against the blocks and the contracts. Raises `NodeDisagrees`."""
        self._forget()
        first = max(block.number - RECENT + 1, self._deployment.block)
        recent: set[tuple[int, int]] = set()

        def see(facts: Sequence[Fact]) -> None:
            self._hold_to_blocks(facts)
            recent.update(_where(each) for each in facts if each.at.block_number >= first)

        try:
            self._catch_up(block, see)
            self._hold_to_hashes(range(first, block.number + 1), recent)
            self._hold_to_contracts(block.number)
        except NotReproduced as error:
            raise self._disagrees(f"gives logs that do not follow from one another: {error}") from None
        except BaseException:
            self._forget()
            raise

    def _hold_to_blocks(self, facts: Sequence[Fact]) -> None:
        """Whether logs are of blocks that the node has."""
        said = sorted({(fact.at.block_number, fact.at.block_hash) for fact in facts})
        for (number, expected), found in zip(said, blocks_at(self._node, [n for n, _ in said]), strict=True):
            if found is None or found.hash != expected:
                raise self._disagrees(f"gives logs of another block {number} than it has")

    def _hold_to_hashes(self, numbers: Sequence[int], seen: set[tuple[int, int]]) -> None:
        """Whether the latest blocks' logs are all there.

        A replica that lags behind answers a range beyond its end with nothing; of a hash that it does not
        know it must say so.
        """
        blocks = [each for each in blocks_at(self._node, numbers) if each is not None]
        addresses = list(self._deployment.addresses)
        calls = [("eth_getLogs", {"address": addresses, "blockHash": "0x" + b.hash.hex()}) for b in blocks]
        found: set[tuple[int, int]] = set()
        with sensible(self._node.where):
            for block, logs in zip(blocks, self._node.requests(calls), strict=True):
                times = {each["blockNumber"]: block.time for each in logs}
                found.update(_where(fact) for fact in decoded(logs, times))
        if found != seen:
            number = min(found ^ seen)[0]
            raise self._disagrees(f"gives other logs of block {number} by its hash than by its number")

    def _hold_to_contracts(self, at: int) -> None:
        trees, log, views = self._state.trees.state(), self._state.log, Views(self._node, self._deployment)
        for what, mine, theirs in (
            ("log size", log.size, views.log_size(at)),
            ("log root", log.root().hex(), views.root(at).hex()),
            ("enterprises", trees.enterprises, views.enterprise_count(at)),
            ("authorities", trees.authorities, views.authority_count(at)),
            ("assessments", trees.assessments, views.epoch_count(at)),
        ):
            if mine != theirs:
                raise self._disagrees(
                    f"gives logs that make {what} {mine} at block {at}, and the contract there says {theirs}"
                )

    def _disagrees(self, how: str) -> NodeDisagrees:
        return NodeDisagrees(f"the witness's own node, {self._node.where}, disagrees with itself: it {how}")

    def _forget(self) -> None:
        self._state, self._at = Recomputed(), None

    def catch_up(self) -> int:
        """Follow to the node's latest block, so that the first checkpoint is quick. Returns its number."""
        with self._guard:
            block = block_at(self._node)
            if block is None:
                raise ChainUnavailable(f"{self._node.where} has no latest block")
            self._catch_up(block)
        return block.number

    def _catch_up(self, block: BlockLine, see: Callable[[Sequence[Fact]], None] | None = None) -> None:
        first = self._at.number + 1 if self._at else self._deployment.block
        try:
            with sensible(self._node.where):
                for stretch in read_stretches(self._node, self._deployment.addresses, first, block.number):
                    if see is not None:
                        see(stretch.facts)
                    for fact in stretch.facts:
                        self._state.apply(fact)
        except BaseException:
            self._forget()  # half a stretch taken is a state of no block
            raise
        self._at = block


def _where(fact: Fact) -> tuple[int, int]:
    return fact.at.block_number, fact.at.log_index
