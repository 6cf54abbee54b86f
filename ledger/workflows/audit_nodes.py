"""Two nodes that should say the same: the ledger's own and one that the auditor trusts more, fact by fact.

A block's hash covers every block before it, so the same hash at the end would already mean the same history,
if a node could be trusted to show the logs that belong to its blocks; so the logs are compared too. An audit
taken up again does not ask for the logs of the part before: there the hash of the block it stood at is
compared, and at the end, as always, the other node's state of the contracts, whose root covers every record.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from ledger.audit.compare import compare_contract
from ledger.audit.deviation import Deviation, NotChecked
from ledger.chain.contracts import Contracts
from ledger.chain.logs import read_facts
from ledger.errors import ChainDamaged, ChainRefused, ChainUnavailable, LedgerError
from ledger.workflows.audit_contracts import contract_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ledger.audit.replay import Replay
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.domain.facts import Fact
    from ledger.index.follower import Block


class NodeCheck:
    """Compares another node's facts with those just read, a stretch of blocks at a time."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment
        #: Facts compared.
        self.facts = 0

    def same_chain(self, blocks: Sequence[Block], replay: Replay) -> Iterator[Deviation | NotChecked]:
        """Yield where the other node has another chain, other blocks of these numbers, or another state.

        The state is that of the contracts at the last of the blocks, which the replay has reached.
        """
        yield from self._asked(f"block {blocks[-1].number}", lambda: self._same(blocks, replay))

    def _same(self, blocks: Sequence[Block], replay: Replay) -> Iterator[Deviation]:
        chain, deployment = self._node.request("eth_chainId"), self._deployment
        same = int(chain, 16) == deployment.chain_id
        if not same:
            yield self._differs("chain id", str(deployment.chain_id), str(int(chain, 16)))
        told = [(0, deployment.genesis_hash), *((each.number, "0x" + each.hash.hex()) for each in blocks)]
        for number, expected in told:
            other = self._node.request("eth_getBlockByNumber", hex(number), False)
            shown = "no such block" if other is None else str(other["hash"])
            if shown != expected:
                same = False
                yield self._differs(f"block {number}", expected, shown)
        if same:
            yield from self._state(replay, blocks[-1].number)

    def _state(self, replay: Replay, block: int) -> Iterator[Deviation]:
        try:
            found = contract_state(self._node, Contracts(self._node, self._deployment), replay, block)
        except (ChainDamaged, ChainRefused) as error:
            yield self._differs(f"contracts at block {block}", "state that can be read", str(error))
            return
        for each in compare_contract(replay, found):
            yield self._differs(each.where, each.expected, each.found)

    def compare(self, facts: list[Fact], first: int, last: int) -> Iterator[Deviation | NotChecked]:
        """Yield the first fact of each stretch that the other node tells otherwise."""
        yield from self._asked(f"blocks {first} to {last}", lambda: self._stretch(facts, first, last))

    def _stretch(self, facts: list[Fact], first: int, last: int) -> Iterator[Deviation]:
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

    def _asked(self, where: str, ask: Callable[[], Iterator[Deviation]]) -> Iterator[Deviation | NotChecked]:
        """Yield what a comparison finds; one that ends in no answer, or in nonsense, was not made."""
        try:
            yield from ask()
        except ChainUnavailable as error:
            yield NotChecked("another node", f"{self._node.where}, {where}", f"no answer: {error}")
        except (LedgerError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            said = (str(error).splitlines() or [""])[0][:200]
            why = f"what it answers makes no sense: {type(error).__name__}: {said}"
            yield NotChecked("another node", f"{self._node.where}, {where}", why)

    def _differs(self, where: str, expected: str, found: str) -> Deviation:
        return Deviation("nodes differ", f"{self._node.where}, {where}", expected, found)


def _shown(fact: Fact | None) -> str:
    if fact is None:
        return "no log"
    text = f"{type(fact).__name__} " + ", ".join(
        each.hex() if isinstance(each, bytes) else str(each) for each in fact[1:]
    )
    return text if len(text) <= 300 else text[:297] + "..."
