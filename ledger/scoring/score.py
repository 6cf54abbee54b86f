"""The score of an enterprise on a day: pure, in integer milli-points, with a reason for every one of them.

`score(posted, card, as_of)` needs no clock, database or chain. The rules are the card's (see
`card-2026-04-01.toml`) and:

1. Only records decided by `as_of` exist; lifecycle records are resolved as `ledger.domain.standing` says, and
   an event that was repaired, corrected or revoked has no weight.
2. Start, plus the weights of the events that count, clipped to 0..100,000. Bonuses together are at most the
   card's cap: in the order of decision the one that passes it is trimmed, and its reason says so.
3. Grade by the card's thresholds; no better than x while a `CAP_x` event counts; D while a `VETO_D` event
   does.
4. M if the record is shorter than the card's `new_record_months` and clean, by the events that did happen:
   a corrected or revoked one changes no grade, it makes a record neither long nor unclean. Short: no event,
   or the first decided less than that many months ago. Clean: no negative event. A repaired event did happen,
   so it counts for both though it costs nothing.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.domain.calendar import add_months
from ledger.domain.standing import in_order, resolve
from ledger.scoring.cards import GRADES, MAX_MILLI
from ledger.scoring.ladder import weight

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ledger.domain.records import Posted
    from ledger.scoring.cards import Scorecard

_FIRST_LIFECYCLE: Final = 240
_CAPS: Final = {"CAP_B": GRADES["B"], "CAP_C": GRADES["C"], "VETO_D": GRADES["D"]}
_UNDONE: Final = frozenset({"corrected", "revoked"})
_GRADE_OF: Final = {number: grade for grade, number in GRADES.items()}


class Reason(NamedTuple):
    """Why a score is what it is: one event that counts.

    `milli` is signed; `until` is the day it stops counting if nothing else happens, None if it has no end;
    `effect` is the card's (`CAP_C`, `VETO_D`, ...) or empty.
    """

    record_id: int
    type_number: int
    milli: int
    rule: str
    until: int | None
    effect: str


class Score(NamedTuple):
    """A score in milli-points (0..100,000), its grade, and its reasons in the order of decision.

    Start plus the sum of the reasons' `milli`, clipped, is `milli`.
    """

    milli: int
    grade: str
    reasons: tuple[Reason, ...]


def score(posted: Iterable[Posted], card: Scorecard, as_of: int, tax_data_complete: bool = True) -> Score:
    """Score one enterprise from its records, in any order, as of a day."""
    return Scorer(card, as_of).score(posted, tax_data_complete=tax_data_complete)


def score_many(
    posted: Iterable[Posted], card: Scorecard, as_of: int, tax_incomplete: Collection[int] = ()
) -> Iterator[tuple[int, Score]]:
    """Score a flat stream of records sorted by enterprise; yield (enterprise, score) as each group ends.

    `tax_incomplete` holds the enterprises whose tax data are incomplete. Memory is that of one enterprise.
    """
    scorer = Scorer(card, as_of)
    for enterprise, records in groupby(posted, key=attrgetter("enterprise")):
        yield enterprise, scorer.score(records, tax_data_complete=enterprise not in tax_incomplete)


class _Weight(NamedTuple):
    milli: int
    until: int | None
    rule: str
    effect: str
    worst: int  # number of the best grade the effect leaves; 0: any


class Scorer:
    """A card and a day, with the weights met so far remembered: many scores of one day share them."""

    def __init__(self, card: Scorecard, as_of: int) -> None:
        self._card = card
        self._as_of = as_of
        self._weights: dict[tuple[int, int], _Weight | None] = {}
        rules = card.rules.values()
        self._spoiling = frozenset(rule.number for rule in rules if rule.milli < 0 or rule.effect in _CAPS)

    def score(self, posted: Iterable[Posted], tax_data_complete: bool = True) -> Score:
        """Score one enterprise from its records, in any order."""
        as_of, card = self._as_of, self._card
        known = [each for each in posted if each.decided_on <= as_of]
        if len(known) > 1:
            known.sort(key=in_order)
        events = [each for each in known if each.type < _FIRST_LIFECYCLE]
        counting = did_happen = events
        if len(events) < len(known):
            states = resolve(known).by_id
            counting = [each for each in events if states[each.id].stands]
            did_happen = [each for each in events if states[each.id].state not in _UNDONE]
        reasons, points, worst = self._reasons(counting)
        total = points + (card.start_milli if tax_data_complete else card.start_incomplete_milli)
        milli = min(max(total, 0), MAX_MILLI)
        if self._is_short(did_happen) and self._spoiling.isdisjoint([each.type for each in did_happen]):
            return Score(milli, "M", reasons)
        return Score(milli, self._grade(milli, worst), reasons)

    def _reasons(self, counting: Sequence[Posted]) -> tuple[tuple[Reason, ...], int, int]:
        """Return the reasons, the sum of their points, and the number of the worst cap (0: none)."""
        weights = self._weights
        room = self._card.bonus_cap_milli
        reasons, points, worst_cap = [], 0, 0
        for number, _, event_type, _, _, decided_on, _, _ in counting:
            key = (event_type, decided_on)
            if key not in weights:
                weights[key] = self._weigh(event_type, decided_on)
            weighed = weights[key]
            if weighed is None:
                continue
            milli, until, rule, effect, worst = weighed
            if milli > 0:
                if milli > room:
                    milli = room
                    rule += f"; bonuses together are at most {self._card.bonus_cap_milli / 1000:g}"
                room -= milli
            elif worst > worst_cap:
                worst_cap = worst
            points += milli
            reasons.append(Reason(number, event_type, milli, rule, until, effect))
        return tuple(reasons), points, worst_cap

    def _weigh(self, event_type: int, decided_on: int) -> _Weight | None:
        rule = self._card.rules.get(event_type)
        found = None if rule is None else weight(rule, decided_on, self._as_of)
        if rule is None or found is None:
            return None
        return _Weight(found[0], found[1], rule.rule, rule.effect, _CAPS.get(rule.effect, 0))

    def _is_short(self, events: Sequence[Posted]) -> bool:
        if not events:
            return True
        return add_months(events[0].decided_on, self._card.new_record_months) > self._as_of

    def _grade(self, milli: int, worst_cap: int) -> str:
        for grade, lowest in self._card.grades:
            if milli >= lowest:
                return grade if GRADES[grade] >= worst_cap else _GRADE_OF[worst_cap]
        return "D"
