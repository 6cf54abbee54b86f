"""The score book's rules, checked as facts come: cards registered once, assessments in order.

Source of the rules: the interface of the contract `ScoreBook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.deviation import Deviation, at_log
from ledger.domain.calendar import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.domain.facts import AssessmentPublished, CardRegistered


class ScoreBookState:
    """Cards and assessments so far. Keeps every assessment: they are few."""

    def __init__(self) -> None:
        #: Registered scorecards: hash -> day of effect.
        self.cards: dict[bytes, int] = {}
        self.assessments: list[AssessmentPublished] = []

    def register(self, fact: CardRegistered) -> Iterator[Deviation]:
        """Take a card; yield when it is registered already, or not for a day after all so far."""
        before = self.cards.get(fact.card)
        if before is not None:
            where = at_log(fact.at, f"card {fact.card.hex()}")
            found = f"again, effective on day {fact.effective_on}"
            yield Deviation("card registered twice", where, f"effective on day {before}", found)
        assessed = self.assessments[-1].as_of if self.assessments else 0
        if fact.effective_on <= assessed:
            where = at_log(fact.at, f"card {fact.card.hex()}")
            expected = f"effective after day {assessed}, the last assessed"
            yield Deviation("card backdated", where, expected, f"effective on day {fact.effective_on}")
        latest = max(self.cards.values(), default=0)
        if before is None and fact.effective_on <= latest:
            where = at_log(fact.at, f"card {fact.card.hex()}")
            expected = f"effective after day {latest}, as of the card before"
            yield Deviation("card out of order", where, expected, f"effective on day {fact.effective_on}")
        self.cards[fact.card] = fact.effective_on

    def publish(self, fact: AssessmentPublished) -> Iterator[Deviation]:
        """Take an assessment; yield what does not hold about its number, card and day."""
        where = at_log(fact.at, f"assessment {fact.epoch}")
        previous = self.assessments[-1] if self.assessments else None
        expected = previous.epoch + 1 if previous else 1
        if fact.epoch != expected:
            yield Deviation("assessment out of order", where, str(expected), str(fact.epoch))
        effective_on = self.cards.get(fact.card)
        if effective_on is None:
            yield Deviation("card not in force", where, "a registered card", fact.card.hex())
        elif effective_on > fact.as_of:
            found = f"in force from day {effective_on}"
            yield Deviation("card not in force", where, f"a card in force on day {fact.as_of}", found)
        else:
            successor = min(
                (day for day in self.cards.values() if effective_on < day <= fact.as_of), default=0
            )
            if successor:
                found = f"replaced from day {successor} on"
                yield Deviation("card not in force", where, f"the card in force on day {fact.as_of}", found)
        earliest, today = previous.as_of if previous else 0, day_of(fact.at.timestamp)
        if not earliest <= fact.as_of <= today:
            span = f"a day from {earliest} to {today}"
            yield Deviation("assessment as of another day", where, span, f"day {fact.as_of}")
        self.assessments.append(fact)
