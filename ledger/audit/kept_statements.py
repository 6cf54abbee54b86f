"""What checkpoints that somebody kept say of the ledger beyond its log, line by line against the replay.

Each says what the ledger was at the end of one block: heads, authorities, objections, assessments. The trees
over them are kept up only while there is such a checkpoint ahead.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ledger.audit.deviation import Deviation
from ledger.crypto.checkpoints import Authorities, Counted, Forked, check_successor
from ledger.crypto.heads import genesis_head
from ledger.crypto.statement import AUTHORITY_FACTS, OBJECTION_FACTS, StateTrees
from ledger.domain.facts import AssessmentPublished, Registered, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ledger.crypto.checkpoints import Checkpoint, Statement
    from ledger.domain.facts import Fact


class KeptStatements:
    """Kept checkpoints that have a ledger's lines. Feed `take` every fact, then ask `upto`."""

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        said = [(each.statement, each) for each in checkpoints if each.statement is not None]
        said.sort(key=lambda each: (each[0].block.number, each[0].time))
        self._left = list(said)
        self._trees = StateTrees()
        #: The checkpoints, by block and time.
        self.given = [checkpoint for _, checkpoint in said]
        #: Roots, in hexadecimal, that the log itself has been found not to have: said once, not again here.
        self.refuted: set[str] = set()
        #: How many were compared.
        self.compared = 0

    @property
    def waiting(self) -> bool:
        """Whether facts are still to be shown to `take`."""
        return bool(self._left)

    def take(self, fact: Fact, log_size: int) -> Iterator[Deviation]:
        """Compare those of blocks before the fact's, then take it. `log_size`: the log's before the fact."""
        yield from self.upto(fact.at.block_number - 1, log_size)
        trees = self._trees
        if isinstance(fact, Run):
            trees.move_head(fact.enterprise, fact.head)
        elif isinstance(fact, Registered):
            trees.register(fact.enterprise, genesis_head(fact.enterprise, fact.commitment))
        elif isinstance(fact, AUTHORITY_FACTS):
            trees.authority(fact)
        elif isinstance(fact, OBJECTION_FACTS):
            trees.objection(fact)
        elif isinstance(fact, AssessmentPublished):
            trees.assessment(fact)

    def upto(self, block: int, log_size: int) -> Iterator[Deviation]:
        """Compare those of blocks up to this one, of which all facts were taken."""
        while self._left and self._left[0][0].block.number <= block:
            said, checkpoint = self._left.pop(0)
            self.compared += 1
            yield from self._compare(said, checkpoint, log_size)

    def unreached(self, last: int) -> Iterator[Deviation]:
        """Yield those of blocks that the chain, which ends with `last`, has not."""
        for said, _ in self._left:
            where = f"checkpoint of block {said.block.number}"
            yield Deviation(
                "chain shorter than a checkpoint", where, f"block {said.block.number}", f"block {last}"
            )

    def forks(self) -> Iterator[Deviation]:
        """Yield where a kept checkpoint cannot follow the one before it."""
        for old, new in pairwise(each for each in self.given if each.root.hex() not in self.refuted):
            try:
                check_successor(old, new)
            except Forked as fork:
                block = new.statement.block.number if new.statement else 0
                where = f"checkpoint of block {block}, after the one before it"
                yield Deviation(
                    "checkpoints of two histories", where, "a later state of one ledger", str(fork)
                )

    def _compare(self, said: Statement, checkpoint: Checkpoint, log_size: int) -> Iterator[Deviation]:
        state = self._trees.state()
        some = state.enterprises > 0
        lines = {
            "size": (checkpoint.size, log_size),
            "heads": (said.heads, Counted(state.enterprises, state.heads_root) if some else None),
            "authorities": (
                said.authorities,
                Authorities(state.authorities, state.authority_facts, state.authorities_root),
            ),
            "objections": (
                said.objections,
                Counted(state.objection_facts, state.objections_root) if some else None,
            ),
            "assessments": (said.assessments, Counted(state.assessments, state.assessments_root)),
        }
        for name, (kept, found) in lines.items():
            if kept != found and (name != "size" or checkpoint.root.hex() not in self.refuted):
                where = f"checkpoint of block {said.block.number}, {name}"
                yield Deviation("checkpoint differs", where, _shown(kept), _shown(found))


def _shown(value: tuple[int | bytes, ...] | int | None) -> str:
    if value is None:
        return "no line"
    parts = value if isinstance(value, tuple) else (value,)
    return " ".join(each.hex() if isinstance(each, bytes) else str(each) for each in parts)
