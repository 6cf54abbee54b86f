"""Every assessment computed anew: which scores had changed, from the records of its log and day, by its card.

The index has been compared with the chain by then, row by row, so what follows from it follows from the
chain. Of an assessment the vault adds only how long the log was that it looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.audit.compare import compare_scores
from ledger.audit.deviation import Deviation, at_log
from ledger.domain.records import split_id
from ledger.domain.standing import link_targets
from ledger.index.queries import link_records, posted_of, stream_posted
from ledger.scoring.roots import Scored
from ledger.scoring.score import Scorer
from ledger.store.index import runs
from ledger.store.vault import assessments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.facts import AssessmentPublished
    from ledger.domain.records import Posted
    from ledger.scoring.cards import Scorecard


class ScoreCheck:
    """Recomputes assessments in order, on one snapshot of index and vault; keeps the last score of each."""

    def __init__(self, index: Connection, vault: Connection, cards: Sequence[Scorecard]) -> None:
        self._index = index
        self._vault = vault
        self._cards = {card.hash: card for card in cards}
        self._published: dict[int, tuple[int, str]] = {}
        #: Scores computed, over all assessments.
        self.recomputed = 0

    def compare(self, published: Iterable[AssessmentPublished]) -> Iterator[Deviation]:
        """Yield the assessments that do not follow from the records. Those of other offices end the check.

        What an office publishes is what changed since its last, so one that is not held leaves all later ones
        without their beginning.
        """
        columns = (assessments.c.epoch, assessments.c.log_size)
        sizes = {row.epoch: row.log_size for row in self._vault.execute(select(*columns))}
        for fact in published:
            if fact.epoch not in sizes:
                return
            card = self._cards.get(fact.card)
            if card is None:
                where = at_log(fact.at, f"assessment {fact.epoch}")
                yield Deviation("card not at hand", where, "a card of this software", fact.card.hex())
                return
            yield from compare_scores(fact, self._changed(card, fact.as_of, sizes[fact.epoch]))

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
