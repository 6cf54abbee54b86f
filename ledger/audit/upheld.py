"""When an objection that was upheld is carried out: one rule for the audit and for evidence.

An authority that upholds an objection is to correct or revoke the record (NDRC Order 36). That is a decision
of its own: one taken before the objection was opened answers nothing, however late it was posted, and one
that was posted before may be what is objected to. A reinstatement takes it back. What has no effect on the
record, as `domain.standing` has it, changes nothing: a link is ended by a revocation alone, and a lifecycle
record by nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.domain.catalogue import CORRECTION, REINSTATEMENT, REVOCATION

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Outcomes that bind the authority to change its record: upheld, and partly upheld.
UPHELD: Final = frozenset({1, 2})
#: What changes a record, and what takes the change back.
CHANGES: Final = frozenset({CORRECTION, REVOCATION, REINSTATEMENT})


class Change(NamedTuple):
    """A record that corrects, revokes or reinstates another one, in the order they take effect."""

    decided_on: int
    id: int
    type: int


class Changes:
    """The changes of one record that have an effect on it, each with its place in the chain's order."""

    def __init__(self, placed: Iterable[tuple[tuple[int, int], Change]]) -> None:
        ordered = sorted(placed)
        self._places = [place for place, _ in ordered]
        #: The last to take effect of those from each place on. Looked up, not sought anew for each objection.
        self._last = list(accumulate((change for _, change in reversed(ordered)), max))[::-1]

    def carry_out(self, opened_on: int, after: tuple[int, int]) -> bool:
        """Whether they answer an objection opened on that day, at the place `after`."""
        at = bisect_right(self._places, after)
        if at == len(self._last):
            return False
        last = self._last[at]
        return last.decided_on >= opened_on and last.type != REINSTATEMENT
