"""The audit of a running installation: the whole chain replayed, and all that is kept elsewhere held to it.

The facts are read from the node once, a stretch of blocks at a time, the next one while the last is looked
at. Each stretch goes through the replay; its rows are compared with the index's, its records' commitments
with the documents in the vault. At the end the replayed state is compared with the contracts', identities
with their commitments, and published scores with their roots. Nothing is written but how far the audit has
come, where that is asked for. What cannot be read because it is damaged is a deviation.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ledger.audit.compare import compare_contract
from ledger.audit.deviation import Deviation, NotChecked
from ledger.audit.kept_heads import KeptHeads
from ledger.audit.kept_statements import KeptStatements
from ledger.audit.replay import Replay
from ledger.audit.report import Report
from ledger.chain.logs import read_stretches
from ledger.errors import ChainDamaged, ChainUnavailable
from ledger.index.follower import Block
from ledger.workflows.audit_access import expected_access
from ledger.workflows.audit_code import compare_code
from ledger.workflows.audit_contracts import contract_state
from ledger.workflows.audit_findings import (
    Findings,
    by_clock,
    by_given_up,
    by_undone,
    damaged,
    guarded,
    left_out,
    no_checkpoint,
    not_computed,
)
from ledger.workflows.audit_index import stands_at
from ledger.workflows.audit_kept import compare_blocks
from ledger.workflows.audit_nodes import NodeCheck
from ledger.workflows.audit_progress import Reached, Unusable
from ledger.workflows.audit_scores import ScoreCheck
from ledger.workflows.audit_signatures import SignatureCheck
from ledger.workflows.audit_store import StoreCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from ledger.audit.compare import ContractState
    from ledger.chain.logs import Stretch
    from ledger.chain.rpc import Node
    from ledger.crypto.checkpoints import Checkpoint
    from ledger.workflows.audit_progress import Progress
    from ledger.workflows.office import Office


def audit(
    ledger: Office,
    *,
    checkpoints: Sequence[tuple[int, bytes]] = (),
    statements: Sequence[Checkpoint] = (),
    beside: Sequence[Deviation | NotChecked] = (),
    nodes: Sequence[Node] = (),
    progress: Progress | None = None,
    resume: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> Report:
    """Audit everything up to the chain's latest block, and the index up to where it stands.

    `checkpoints` are heads of the log kept from before, `(size, root)`: the log must still begin with each;
    `statements` are kept checkpoints, whose other lines must be what the ledger was at their block; `beside`
    is what was found when they were read. `nodes` are others of the same chain, asked for the same facts and
    state. `progress` keeps how far the audit has come; with `resume` it is taken up from there, and what lies
    before is not looked at again: the report says so, or why it began at the first block after all.
    `on_progress` is told (block reached, last block). Raises `ChainUnavailable` when the node does not answer
    or the chain was reorganised meanwhile; what is wrong with the ledger itself raises nothing.
    """
    with ledger.db.read_index() as index:
        # The snapshots come in this order so that the chain's last block knows nothing the others cannot: the
        # index follows the chain, and the vault has a record before the chain does.
        beside = list(beside)
        cursor = stands_at(index, beside)
        try:
            last = _block(ledger.node, "latest") or Block(-1, b"")
        except ChainDamaged as error:
            return Report({"facts": 0}, (damaged("the chain's latest block", error),))
        with ledger.db.read_vault() as vault:
            others = [NodeCheck(each, ledger.deployment) for each in nodes]
            run = _Audit(ledger, index, vault, cursor, checkpoints, others=others, progress=progress)
            run.found.take(beside)
            run.now = int(clock())
            run.statements = KeptStatements(statements)
            run.work(last, run.begin(last, resume=resume), on_progress)
    if progress is not None and run.found.deviated:
        progress.drop()
    if not run.broken and _block(ledger.node, last.number) != last:
        raise ChainUnavailable(f"the chain at {ledger.node.where} was reorganised meanwhile: audit it again")
    return run.report()


class _Audit:
    """One audit under way, on one snapshot of vault and index."""

    def __init__(
        self,
        ledger: Office,
        index: Connection,
        vault: Connection,
        cursor: Block | None,
        checkpoints: Sequence[tuple[int, bytes]],
        *,
        others: Sequence[NodeCheck],
        progress: Progress | None,
    ) -> None:
        self._ledger = ledger
        self._progress = progress
        self._severities = {each.number: each.severity for each in ledger.catalogue.types}
        self._expected = expected_access(ledger)
        self._scope = ""
        self._cursor = cursor
        stands = cursor.number if cursor else -1
        self._store = StoreCheck(index, vault, stands, ledger.keystore, ledger.catalogue)
        self._scores = ScoreCheck(index, stands, ledger.cards)
        self._signatures = SignatureCheck(ledger.node, ledger.deployment)
        self._others = others
        #: The block an earlier audit stood at, if it was taken up from there.
        self._before: tuple[Block, ...] = ()
        self._replay = Replay(self._severities, self._expected)
        self._kept = KeptHeads(checkpoints)
        self.statements = KeptStatements(())
        self._heads = 0
        self.found = Findings()
        #: The auditor's clock, Unix seconds.
        self.now = 0
        #: Whether the chain could not be read to its end.
        self.broken = False

    def begin(self, last: Block, *, resume: bool) -> int:
        """Return the first block to look at: where an earlier audit stood, if that can be taken up."""
        first, why = self._ledger.deployment.block, ""
        if resume and self._progress:
            try:
                reached = self._resumable(self._progress.load(self._severities, self._expected))
            except Unusable as unusable:
                why = f"; not taken up from an earlier audit: {unusable}"
            else:
                return self._take_up(reached, last)
        if self._progress:
            self._progress.drop()
        self._scope = f"every block from {first} to {last.number}{why}"
        return first

    def work(self, last: Block, first: int, on_progress: Callable[[int, int], None] | None) -> None:
        """Replay and compare from the block `first` up to a block."""
        try:
            self._stretches(first, last, on_progress)
            self.found.take(compare_contract(self._replay, self._state_at(last.number)))
            self.found.take(self._index_stands())
            self.found.take(compare_code(self._ledger, self._replay.access.delay or 0, last.number))
            for each in self._others:
                self.found.take(each.same_chain(list(dict.fromkeys((*self._before, last))), self._replay))
        except ChainDamaged as error:
            self.broken = True
            at = self._replay.at
            where = f"the chain, behind block {at.block_number}, log {at.log_index}" if at else "the chain"
            self.found.take([damaged(where, error)])
            return
        self.found.take(self._kept.unreached(self._replay.log))
        self.found.take(self._stated(last))
        self.found.take(self._store.end(self._replay, self._ledger.deployment, self.now))
        self.found.take(self._replay.conclude())
        self.found.take(self._replay.outstanding())
        self.found.take(self._replay.objections.by_one_officer(self._signatures.is_wallet))
        stands = self._cursor.number if self._cursor else self._ledger.deployment.block - 1
        behind = [each.number for each in self._before]
        self.found.take(by_clock(self._ledger.node))
        self.found.take(guarded("what was taken back", "the vault", by_undone(self._ledger)))
        self.found.take(left_out(self._ledger.deployment.block, behind, stands, last.number))
        if not self._kept.binding and (self._replay.log.size or not self.statements.given):
            self.found.take([no_checkpoint(self._replay.log.size)])
        # Records of an index that is not the chain's give scores that say nothing.
        assessments = self._replay.scorebook.assessments
        if not self.found.deviated:
            self.found.take(guarded("assessments", "the index", self._scores.compare(assessments)))
        elif assessments:
            self.found.take([not_computed(len(assessments))])

    def report(self) -> Report:
        """Return what was looked at and what was found."""
        checked = dict(self._replay.checked) | self._signatures.counts | self._store.counts
        checked |= {
            "index_rows": self._store.index.rows,
            "heads": self._heads,
            "checkpoints": self._kept.binding,
            "checkpoint_statements": self.statements.compared,
            "scores_recomputed": self._scores.recomputed,
            "contracts": 0 if self.broken else len(self._ledger.deployment.contracts),
            "facts_of_other_nodes": sum(each.facts for each in self._others),
        }
        governed = self._replay.governing.reviews(self._replay.codes, self._signatures.is_wallet)
        reviews = (*self._replay.reviews, *self._store.waiting, *(() if self.broken else governed))
        members = self._replay.access.lines(self._replay.at.timestamp) if self._replay.at else []
        reviews += tuple(by_given_up(self._ledger))
        return Report(checked, self.found.deviations, self._scope, reviews, self.found.not_checked, members)

    def _resumable(self, reached: Reached) -> Reached:
        """Return a state that still holds here. Raises `Unusable`."""
        block, size = reached.block, reached.replay.log.size
        if _block(self._ledger.node, block.number) != block:
            raise Unusable(f"it stood at block {block.number}, which is not on this chain any more")
        if self._cursor is None or self._cursor.number < block.number:
            raise Unusable(f"it stood at block {block.number}, and the index does not reach that far")
        if any(each[0] <= size for each in self._kept.heads - reached.checkpoints):
            raise Unusable(f"it stood at a log of {size}, and a checkpoint of a smaller one is new")
        return reached

    def _take_up(self, reached: Reached, last: Block) -> int:
        self._replay, self._before = reached.replay, (reached.block,)
        self._signatures.terms = {n: each.terms() for n, each in reached.replay.authorities.items()}
        self._store.take_up(reached.counts, reached.links)
        self._signatures.counts.update((name, reached.counts[name]) for name in self._signatures.counts)
        self._kept = KeptHeads(self._kept.given, reached.checkpoints)
        first = reached.block.number + 1
        again = f"blocks {first} to {last.number}" if first <= last.number else "no block: none is newer"
        before = f"blocks {self._ledger.deployment.block} to {reached.block.number}"
        self._scope = f"{again}; {before} were found in order by an earlier audit and not looked at again"
        if self._others:
            self._scope += f"; other nodes were asked for block {reached.block.number}, which covers them"
        return first

    def _save(self, upto: int) -> None:
        """Keep how far the audit has come, while nothing deviates and the index has been compared so far."""
        progress, cursor = self._progress, self._cursor
        if progress is None or self.found.deviated or cursor is None or cursor.number < upto:
            return
        block = _block(self._ledger.node, upto)
        if block is not None:
            index = self._store.index
            counts = self._store.counts | self._signatures.counts | {"index_rows": index.rows}
            progress.save(Reached(block, self._replay, counts, index.links, self._kept.compared))
            self._saved = upto

    def _stretches(self, first: int, last: Block, on_progress: Callable[[int, int], None] | None) -> None:
        ledger, self._saved = self._ledger, first - 1
        for stretch in read_stretches(ledger.node, ledger.deployment.addresses, first, last.number):
            self._stretch(stretch)
            upto = stretch.last
            if self._progress and (upto == last.number or upto - self._saved >= self._progress.every):
                self._save(upto)
            if on_progress:
                on_progress(upto, last.number)

    def _stretch(self, stretch: Stretch) -> None:
        first, last, facts = stretch
        for fact in facts:
            if self.statements.waiting and not self._before:
                self.found.take(self.statements.take(fact, self._replay.log.size))
            self.found.take(self._replay.apply(fact))
            if self._kept.waiting:
                differing = list(self._kept.at(self._replay.log))
                self.statements.refuted.update(each.expected for each in differing)
                self.found.take(differing)
        self.found.take(self._replay.finish())
        self.found.take(self._signatures.compare(facts, self._replay.codes, self._replay.objections.about()))
        self.found.take(self._store.stretch(facts, first, last, self._replay.codes))
        for each in self._others:
            self.found.take(each.compare(facts, first, last))

    def _stated(self, last: Block) -> Iterator[Deviation | NotChecked]:
        """Yield what does not hold of the kept checkpoints' lines beyond the log."""
        said = self.statements
        yield from said.forks()
        yield from compare_blocks(self._ledger.node, said.given, last.number)
        if self._before and said.given:
            where = f"{len(said.given)} kept checkpoints"
            why = "their lines beyond the log are recomputed by an audit from the first block only"
            yield NotChecked("statements of checkpoints", where, why)
            return
        yield from said.upto(last.number, self._replay.log.size)
        yield from said.unreached(last.number)

    def _index_stands(self) -> Iterator[Deviation]:
        """Whether the block the index stands at is one of the chain's."""
        if self._cursor is not None and _block(self._ledger.node, self._cursor.number) != self._cursor:
            where = f"index, which stands at block {self._cursor.number}"
            yield Deviation("index of another chain", where, "a block of the chain", self._cursor.hash.hex())

    def _state_at(self, block: int) -> ContractState:
        found = contract_state(self._ledger.node, self._ledger.contracts, self._replay, block)
        self._heads = len(found.heads)
        return found


def _block(node: Node, number: int | str) -> Block | None:
    found = node.request("eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, False)
    return Block(int(found["number"], 16), bytes.fromhex(found["hash"][2:])) if found else None
