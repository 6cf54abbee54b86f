"""Every assessment computed anew: which scores had changed, from its block's records, by its day and card.

The index has been compared with the chain by then, row by row, so what follows from it follows from the
chain. The assessment itself says on the chain from which block's records it was made, how long the log was
and what the root over all heads: both are computed anew too. The vault is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.audit.compare import compare_scores
from ledger.audit.deviation import Deviation, NotChecked, at_log
from ledger.domain.records import split_id
from ledger.domain.standing import link_targets
from ledger.index.queries import heads_root, link_records, posted_of, stream_posted
from ledger.scoring.roots import Scored
from ledger.scoring.score import Scorer
from ledger.store.index import runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.facts import AssessmentPublished
    from ledger.domain.records import Posted
    from ledger.scoring.cards import Scorecard


class ScoreCheck:
    """Recomputes assessments in order, on one snapshot of the index; keeps each enterprise's last score."""

    def __init__(self, index: Connection, upto: int, cards: Sequence[Scorecard]) -> None:
        """Look at an index that stands at the block `upto` and has been compared with the chain."""
        self._index = index
        self._upto = upto
        self._cards = {card.hash: card for card in cards}
        self._published: dict[int, tuple[int, str]] = {}
        #: Scores computed, over all assessments.
        self.recomputed = 0

    def compare(self, published: Iterable[AssessmentPublished]) -> Iterator[Deviation | NotChecked]:
        """Yield the assessments that do not follow from the records, and those that nobody can compute here.

        What is published is what changed since the last time. One that does not follow from the records
        counts as if it had published nothing; after one that could not be computed none can be.
        """
        broken = ""
        for fact in published:
            where = at_log(fact.at, f"assessment {fact.epoch}")
            card = self._cards.get(fact.card)
            if not broken and card is None:
                broken = f"the card {fact.card.hex()}, by which assessment {fact.epoch} was made, is not here"
            if not broken and fact.block > self._upto:
                broken = f"the index has not followed to block {fact.block}, which it was made from"
            if broken or card is None:
                yield NotChecked("assessment", where, broken)
            else:
                yield from self._assessment(fact, card, where)

    def _assessment(self, fact: AssessmentPublished, card: Scorecard, where: str) -> Iterator[Deviation]:
        if fact.block > fact.at.block_number:
            expected = f"made from a block up to {fact.at.block_number}"
            yield Deviation("assessment of a later block", where, expected, f"block {fact.block}")
            return
        leaves = select(func.count()).select_from(runs).where(runs.c.block_number <= fact.block)
        log_size = self._index.scalar(leaves) or 0
        if log_size != fact.log_size:
            yield Deviation(
                "assessment of another log", where, f"{log_size} leaves", f"{fact.log_size} leaves"
            )
        root = heads_root(self._index, log_size, fact.block)
        if root != fact.heads_root:
            yield Deviation("heads root not reproduced", where, root.hex(), fact.heads_root.hex())
        before = dict(self._published)
        wrong = list(compare_scores(fact, self._changed(card, fact.as_of, log_size)))
        if wrong:
            self._published = before
        yield from wrong

    def _changed(self, card: Scorecard, as_of: int, log_size: int) -> list[Scored]:
        """Return the scores that the log's first leaves give and that were not published before."""
        known = _Known(self._index, log_size)
        targets = link_targets(known.of(link_records(self._index)), as_of)
        of_names: dict[int, list[Posted]] = {}
        for each in known.of(posted_of(self._index, list(targets))):
            of_names.setdefault(targets[each.enterprise], []).append(each)
        scorer, changed = Scorer(card, as_of), []
        for enterprise, posted in stream_posted(self._index):
            then = known.of(posted)
            if enterprise in targets or not then:
                continue
            found = scorer.score([*then, *of_names.get(enterprise, ())])
            self.recomputed += 1
            if self._published.get(enterprise) != (found.milli, found.grade):
                self._published[enterprise] = found.milli, found.grade
                changed.append(Scored(enterprise, found.milli, found.grade))
        return changed


class _Known:
    """Which records the log's first leaves hold: an authority's numbers ascend with its leaves."""

    def __init__(self, index: Connection, log_size: int) -> None:
        last = func.max(runs.c.first_id + runs.c.count - 1)
        chosen = select(runs.c.authority, last).where(runs.c.leaf_index < log_size).group_by(runs.c.authority)
        self._last: Mapping[int, int] = {row[0]: row[1] for row in index.execute(chosen)}

    def of(self, posted: Iterable[Posted]) -> list[Posted]:
        """Return those of the records that were known."""
        return [each for each in posted if each.id <= self._last.get(split_id(each.id)[0], 0)]
