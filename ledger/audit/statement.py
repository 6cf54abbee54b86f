"""A checkpoint's statement recomputed from what the chain's logs say: what a witness with a node does.

`Recomputed` takes every fact in the order of the chain. It believes no head and no leaf index in a log, but
makes each anew; a fact that does not fit raises `NotReproduced`. Of rights and rules it knows nothing: these
are the replay's business (`replay`). Memory: about 300 bytes per enterprise, whatever the number of records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.crypto.checkpoints import Authorities, BlockLine, Checkpoint, Counted, Statement
from ledger.crypto.heads import genesis_head, leaf_data, next_head
from ledger.crypto.merkle import Log, leaf_hash
from ledger.crypto.statement import AUTHORITY_FACTS, OBJECTION_FACTS, State, StateTrees
from ledger.domain.facts import AssessmentPublished, Registered, Run
from ledger.errors import BadProof

if TYPE_CHECKING:
    from ledger.domain.facts import Fact


class NotReproduced(BadProof):
    """What the logs say does not follow from what they said before, or a statement not from them."""

    code = "not-reproduced"


class Recomputed:
    """The state as the facts make it so far."""

    def __init__(self) -> None:
        self.log = Log()
        self.trees = StateTrees()
        self._heads: list[bytes] = []

    def apply(self, fact: Fact) -> None:
        """Take the next fact. Raises `NotReproduced`."""
        if isinstance(fact, Run):
            self._run(fact)
        elif isinstance(fact, Registered):
            if fact.enterprise != len(self._heads) + 1:
                raise NotReproduced(f"enterprise {fact.enterprise} is registered after {len(self._heads)}")
            self._heads.append(genesis_head(fact.enterprise, fact.commitment))
            self.trees.register(fact.enterprise, self._heads[-1])
        elif isinstance(fact, AUTHORITY_FACTS):
            self.trees.authority(fact)
        elif isinstance(fact, OBJECTION_FACTS):
            self.trees.objection(fact)
        elif isinstance(fact, AssessmentPublished):
            self.trees.assessment(fact)

    def check(self, found: Checkpoint, block: BlockLine) -> None:
        """Raise `NotReproduced` unless a checkpoint says of `block` what the facts up to its end make.

        The time of signing is the signer's word and is not judged.
        """
        said = found.statement
        if said is None:
            raise NotReproduced("the checkpoint says nothing but its log")
        expected = statement_of(self.trees.state(), block, said.time)
        mine = Checkpoint(found.origin, self.log.size, self.log.root(), expected)
        if mine != found:
            lines = zip(mine.text().split("\n"), found.text().split("\n"), strict=False)
            own, other = next((pair for pair in lines if pair[0] != pair[1]), ("", "other lines"))
            raise NotReproduced(f"the checkpoint says {other!r}, and the chain makes it {own!r}")

    def _run(self, run: Run) -> None:
        if not 0 < run.enterprise <= len(self._heads):
            raise NotReproduced(
                f"leaf {run.leaf_index} is about enterprise {run.enterprise}, registered by none"
            )
        head = next_head(self._heads[run.enterprise - 1], run.first_id, run.records)
        if head != run.head or run.leaf_index != self.log.size:
            raise NotReproduced(
                f"leaf {self.log.size} has head {head.hex()}; "
                f"a log says leaf {run.leaf_index} has {run.head.hex()}"
            )
        self._heads[run.enterprise - 1] = head
        self.log.append(leaf_hash(leaf_data(run.enterprise, head)))
        self.trees.move_head(run.enterprise, head)


def statement_of(state: State, block: BlockLine, time: int) -> Statement:
    """Return what a checkpoint signed at `time` (Unix seconds) says of a state at the end of a block."""
    return Statement(
        block,
        time,
        Counted(state.enterprises, state.heads_root) if state.enterprises else None,
        Authorities(state.authorities, state.authority_facts, state.authorities_root),
        Counted(state.objection_facts, state.objections_root) if state.enterprises else None,
        Counted(state.assessments, state.assessments_root),
    )
