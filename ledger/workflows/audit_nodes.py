"""Two nodes that should say the same: the ledger's own and one that the auditor trusts more, fact by fact.

The same block hash at the end would already mean the same history, if a node could be trusted to show the
logs that belong to its blocks; so the logs are compared too.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from ledger.audit.deviation import Deviation
from ledger.chain.logs import read_facts
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.domain.facts import Fact


class NodeCheck:
    """Compares another node's facts with those just read, a stretch of blocks at a time."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment
        #: Facts compared.
        self.facts = 0

    def same_chain(self, block: int, block_hash: bytes) -> Iterator[Deviation]:
        """Yield where the other node has another chain, or another block of this number."""
        found = int(self._node.request("eth_chainId"), 16)
        if found != self._deployment.chain_id:
            yield self._differs("chain id", str(self._deployment.chain_id), str(found))
        for number, expected in ((0, self._deployment.genesis_hash), (block, "0x" + block_hash.hex())):
            other = self._node.request("eth_getBlockByNumber", hex(number), False)
            shown = "no such block" if other is None else str(other["hash"])
            if shown != expected:
                yield self._differs(f"block {number}", expected, shown)

    def compare(self, facts: list[Fact], first: int, last: int) -> Iterator[Deviation]:
        """Yield the first fact of each stretch that the other node tells otherwise."""
        try:
            others = list(read_facts(self._node, self._deployment.addresses, first, last))
        except ChainDamaged as error:
            yield self._differs(f"blocks {first} to {last}", "logs that can be read", str(error))
            return
        self.facts += len(others)
        for ours, theirs in zip_longest(facts, others):
            if ours != theirs:
                at = (ours or theirs).at
                yield self._differs(
                    f"block {at.block_number}, log {at.log_index}", _shown(ours), _shown(theirs)
                )
                return

    def _differs(self, where: str, expected: str, found: str) -> Deviation:
        return Deviation("nodes differ", f"{self._node.where}, {where}", expected, found)


def _shown(fact: Fact | None) -> str:
    if fact is None:
        return "no log"
    text = f"{type(fact).__name__} " + ", ".join(
        each.hex() if isinstance(each, bytes) else str(each) for each in fact[1:]
    )
    return text if len(text) <= 300 else text[:297] + "..."
