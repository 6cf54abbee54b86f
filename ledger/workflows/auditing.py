"""The audit of a running installation: the whole chain replayed, and all that is kept elsewhere held to it.

The facts are read from the node once, a stretch of blocks at a time. Each stretch goes through the replay;
its rows are compared with the index's, its records' commitments with the documents in the vault. At the end
the replayed state is compared with the contracts', identities with their commitments, and published scores
with their roots. Nothing is written. What cannot be read because it is damaged is a deviation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ledger.audit.compare import ContractState, compare_contract
from ledger.audit.deviation import Deviation
from ledger.audit.replay import Replay
from ledger.audit.report import Report
from ledger.chain.logs import read_facts
from ledger.errors import ChainDamaged, ChainUnavailable
from ledger.index.follower import Block, read_cursor
from ledger.workflows.audit_code import compare_code
from ledger.workflows.audit_index import IndexCheck
from ledger.workflows.audit_nodes import NodeCheck
from ledger.workflows.audit_scores import ScoreCheck
from ledger.workflows.audit_vault import VaultCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from ledger.chain.contracts import Contracts, Deployment
    from ledger.chain.rpc import Node
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.facts import Fact
    from ledger.outbox.documents import DocumentKeys
    from ledger.scoring.cards import Scorecard
    from ledger.store.database import Database

#: Blocks in a stretch at first and at most; facts above which the next stretch is half as long.
_FIRST_SPAN: Final = 128
_LONGEST_SPAN: Final = 8192
_MANY_FACTS: Final = 20_000
#: Contract heads compared one by one. The log's root covers every head; these are a second look.
_HEADS: Final = 500
#: Deviations listed; beyond these they are counted.
_LISTED: Final = 1000


class Audited(Protocol):
    """The parts an audit looks at."""

    @property
    def db(self) -> Database:
        """Vault and index."""

    @property
    def node(self) -> Node:
        """The chain."""

    @property
    def deployment(self) -> Deployment:
        """Where the contracts are."""

    @property
    def contracts(self) -> Contracts:
        """The contracts' views."""

    @property
    def cards(self) -> Sequence[Scorecard]:
        """All cards, dated."""

    @property
    def catalogue(self) -> Catalogue:
        """The types of record."""

    @property
    def keystore(self) -> DocumentKeys:
        """The secrets documents are sealed under."""


def audit(
    ledger: Audited,
    *,
    checkpoints: Sequence[tuple[int, bytes]] = (),
    nodes: Sequence[Node] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Audit everything up to the chain's latest block, and the index up to where it stands.

    `checkpoints` are heads of the log kept from before, `(size, root)`: the log must still begin with each.
    `nodes` are others of the same chain, asked for the same facts.
    `on_progress` is told (block reached, last block). Raises `ChainUnavailable` when the node does not answer
    or the chain was reorganised meanwhile; what is wrong with the ledger itself raises nothing.
    """
    with ledger.db.read_index() as index:
        # The snapshots come in this order so that the chain's last block knows nothing the others cannot: the
        # index follows the chain, and the vault has a record before the chain does.
        cursor = read_cursor(index)
        try:
            last = _block(ledger.node, "latest") or Block(-1, b"")
        except ChainDamaged as error:
            return Report({"facts": 0}, (_damaged("the chain's latest block", error),))
        with ledger.db.read_vault() as vault:
            others = [NodeCheck(each, ledger.deployment) for each in nodes]
            run = _Audit(ledger, index, vault, cursor, checkpoints, others=others)
            run.work(last, on_progress)
    if not run.broken and _block(ledger.node, last.number) != last:
        raise ChainUnavailable(f"the chain at {ledger.node.where} was reorganised meanwhile: audit it again")
    return run.report()


class _Audit:
    """One audit under way, on one snapshot of vault and index."""

    def __init__(
        self,
        ledger: Audited,
        index: Connection,
        vault: Connection,
        cursor: Block | None,
        checkpoints: Sequence[tuple[int, bytes]],
        *,
        others: Sequence[NodeCheck],
    ) -> None:
        self._ledger = ledger
        self._cursor = cursor
        self._index = IndexCheck(index, cursor.number if cursor else -1)
        self._vault = VaultCheck(vault, ledger.keystore.master_key, ledger.catalogue)
        self._scores = ScoreCheck(index, vault, ledger.cards)
        self._others = others
        self._replay = Replay()
        self._checkpoints = len(checkpoints)
        self._checkpoints_left = sorted(checkpoints)
        self._heads = 0
        self._found: list[Deviation] = []
        self._more = 0
        #: Whether the chain could not be read to its end.
        self.broken = False

    def work(self, last: Block, on_progress: Callable[[int, int], None] | None) -> None:
        """Replay and compare up to a block."""
        try:
            self._stretches(last, on_progress)
            self._take(self._replay.finish())
            self._take(compare_contract(self._replay, self._contract_state(last.number)))
            self._take(self._index_stands())
            self._take(compare_code(self._ledger.node, self._ledger.deployment, last.number))
            for each in self._others:
                self._take(each.same_chain(last.number, last.hash))
        except ChainDamaged as error:
            self.broken = True
            at = self._replay.at
            where = f"the chain, behind block {at.block_number}, log {at.log_index}" if at else "the chain"
            self._take([_damaged(where, error)])
            return
        self._take(self._index.outside(self._ledger.deployment.block))
        self._take(self._unreached_checkpoints())
        self._take(self._vault.identities(self._replay.commitments))
        self._take(self._vault.scores(self._replay.scorebook.assessments))
        # Records of an index that is not the chain's give scores that say nothing.
        if not self._found:
            self._take(self._scores.compare(self._replay.scorebook.assessments))

    def report(self) -> Report:
        """Return what was looked at and what was found."""
        checked = dict(self._replay.checked) | self._vault.counts
        checked |= {
            "index_rows": self._index.rows,
            "heads": self._heads,
            "checkpoints": self._checkpoints,
            "scores_recomputed": self._scores.recomputed,
            "contracts": 0 if self.broken else 5,
            "facts_of_other_nodes": sum(each.facts for each in self._others),
        }
        more = Deviation("more deviations", "not listed here", "none", str(self._more))
        found = (*self._found, more) if self._more else tuple(self._found)
        return Report(checked, found, tuple(self._replay.reviews))

    def _stretches(self, last: Block, on_progress: Callable[[int, int], None] | None) -> None:
        ledger, span = self._ledger, _FIRST_SPAN
        first = ledger.deployment.block
        while first <= last.number:
            upto = min(first + span - 1, last.number)
            facts = list(read_facts(ledger.node, ledger.deployment.addresses, first, upto))
            self._stretch(facts, first, upto)
            if on_progress:
                on_progress(upto, last.number)
            span = max(1, span // 2) if len(facts) > _MANY_FACTS else min(_LONGEST_SPAN, span * 2)
            first = upto + 1

    def _stretch(self, facts: list[Fact], first: int, last: int) -> None:
        for fact in facts:
            self._take(self._replay.apply(fact))
            self._take(self._checkpoint_here())
        self._take(self._index.compare(facts, first, last))
        self._take(self._vault.documents(facts, self._replay.codes))
        for each in self._others:
            self._take(each.compare(facts, first, last))

    def _checkpoint_here(self) -> Iterator[Deviation]:
        """Compare the checkpoints of the size the log has just reached."""
        log = self._replay.log
        while self._checkpoints_left and self._checkpoints_left[0][0] <= log.size:
            size, root = self._checkpoints_left.pop(0)
            if log.root() != root:
                yield Deviation("checkpoint differs", f"log of size {size}", root.hex(), log.root().hex())

    def _unreached_checkpoints(self) -> Iterator[Deviation]:
        for size, root in self._checkpoints_left:
            where = f"checkpoint of size {size}, root {root.hex()}"
            leaves = str(self._replay.log.size)
            yield Deviation("log shorter than a checkpoint", where, f"at least {size} leaves", leaves)

    def _index_stands(self) -> Iterator[Deviation]:
        """Whether the block the index stands at is one of the chain's."""
        if self._cursor is not None and _block(self._ledger.node, self._cursor.number) != self._cursor:
            where = f"index, which stands at block {self._cursor.number}"
            yield Deviation("index of another chain", where, "a block of the chain", self._cursor.hash.hex())

    def _contract_state(self, block: int) -> ContractState:
        contracts, replay = self._ledger.contracts, self._replay
        numbers = range(1, contracts.authority_count(block) + 1)
        keys = [
            (number, key)
            for number, known in replay.authorities.items()
            for key in known.keys | known.compromised
        ]
        heads = _spread(sorted(replay.heads), _HEADS)
        self._heads = len(heads)
        asked_at = self._ledger.node.request("eth_getBlockByNumber", hex(block), False)
        return ContractState(
            block_number=block,
            timestamp=int(asked_at["timestamp"], 16),
            log_size=contracts.log_size(block),
            root=contracts.root(block),
            enterprise_count=contracts.enterprise_count(block),
            authority_count=len(numbers),
            epoch_count=contracts.epoch_count(block),
            objection_count=contracts.objection_count(block),
            objections={each: contracts.objection(each, block) for each in replay.objections.objections},
            record_counts={number: contracts.record_count(number, block) for number in numbers},
            mandates={number: contracts.mandate_now(number, block) for number in numbers},
            suspended={number: contracts.suspended(number, block) for number in numbers},
            key_windows={(number, key): contracts.key_window(number, key, block) for number, key in keys},
            compromises={
                (number, key): contracts.compromised_from(number, key, block) for number, key in keys
            },
            four_eyes={number: contracts.four_eyes(number, block) for number in numbers},
            signature_epochs={number: contracts.signature_epoch(number, block) for number in numbers},
            cards={card: contracts.card_effective_on(card, block) for card in replay.scorebook.cards},
            heads=dict(zip(heads, contracts.heads(heads, block), strict=True)),
        )

    def _take(self, deviations: Iterable[Deviation]) -> None:
        for each in deviations:
            if len(self._found) < _LISTED:
                self._found.append(each)
            else:
                self._more += 1


def _damaged(where: str, error: ChainDamaged) -> Deviation:
    return Deviation("chain damaged", where, "blocks and logs that can be read", str(error))


def _spread(values: Sequence[int], most: int) -> list[int]:
    """Return at most `most` of the values and the last, evenly spread."""
    step = max(1, -(-len(values) // most))
    return sorted({*values[::step], *values[-1:]})


def _block(node: Node, number: int | str) -> Block | None:
    found = node.request("eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, False)
    return Block(int(found["number"], 16), bytes.fromhex(found["hash"][2:])) if found else None
