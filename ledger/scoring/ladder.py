"""What an event weighs from which day: a card's rule and a decision day make a ladder of whole-day rungs.

One rule set for every scorer: who needs points of a day reads these rungs and computes no window itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ledger.domain.calendar import add_months

if TYPE_CHECKING:
    from ledger.scoring.cards import TypeRule


class Rung(NamedTuple):
    """From day `start` until before day `end` (None: for ever) the event weighs `points >> shift`."""

    start: int
    end: int | None
    shift: int


@lru_cache(maxsize=65536)
def rungs(decided_on: int, min_months: int, max_months: int, half_life_months: int) -> tuple[Rung, ...]:
    """Return the ladder of an event decided on a day, from that day to the end of its publication.

    Shift 0 until the publication minimum is over; with a half-life, from then on 1 + the whole half-lives
    since that day, in calendar months; the last rung ends when the maximum is over. `max_months` 0: no end.
    """
    if not max_months:
        return (Rung(decided_on, None, 0),)
    end = add_months(decided_on, max_months)
    if not half_life_months:
        return (Rung(decided_on, end, 0),)
    served = add_months(decided_on, min_months)
    ladder = [Rung(decided_on, min(served, end), 0)]
    halved, shift = served, 1
    while halved < end:
        following = add_months(served, shift * half_life_months)
        ladder.append(Rung(halved, min(following, end), shift))
        halved, shift = following, shift + 1
    return tuple(rung for rung in ladder if rung.start != rung.end)


def weight(rule: TypeRule, decided_on: int, as_of: int) -> tuple[int, int | None] | None:
    """Return (signed milli-points, day it stops counting or None) on a day; None if it does not count.

    The shift applies to the magnitude, so that -2001 halves to -1000 as 2001 does to 1000.
    """
    if as_of < decided_on:
        return None
    ladder = rungs(decided_on, rule.min_months, rule.max_months, rule.half_life_months)
    for start, end, shift in reversed(ladder):
        if as_of >= start:
            if end is not None and as_of >= end:
                return None
            magnitude = abs(rule.milli) >> shift
            return (magnitude if rule.milli > 0 else -magnitude), ladder[-1].end
    return None
