"""Whether a clock is to be believed: the one rule for making a block, and for signing anything that is dated.

A block's time and a signature's cannot be taken back by whoever runs into them later, and everything dated
follows them: objections fall due, cards come into force, a checkpoint refuses earlier ones. So nothing is
made or signed while the clock is behind the one by which the chain's last block was made, and nothing while
it is further ahead than an office rests, until somebody says that the clock is right.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from ledger.chain.rpc import HttpNode
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds by which the clock may go back: what time servers correct, and validators' clocks differ by.
BEHIND: Final = 120
#: Days without a block after which somebody must say that the clock is right.
SPAN_DAYS: Final = 35
_BEHIND_HERE: Final = (
    "no block is made before the last. Set the clock right; if it is right now and was wrong then,"
    " `credit-ledger repair --take-back` removes what was made ahead of it"
)
_BEHIND_THERE: Final = "nothing is signed by a clock that is behind the chain's. Set the clock right"


def clock_fault(now: int, made: int, said: int, span_days: int, *, here: bool) -> str | None:
    """Return why a clock that shows `now` is not to be believed, and what to do; None if it is.

    `made` is what the clock showed when the chain's last block was made, `said` when it was last said to be
    right (0: never), all in Unix seconds. `here`: the blocks are made by this clock, and not elsewhere.
    """
    if now < made - BEHIND:
        then = "was made when it said" if here else "is of"
        what = _BEHIND_HERE if here else _BEHIND_THERE
        return f"the clock says {shown(now)}, and the chain's last block {then} {shown(made)}: {what}"
    counts = said if said <= now + BEHIND else 0  # said while the clock was further ahead, it says nothing
    if now > max(made, counts) + span_days * 86_400:
        what = "no block is made" if here else "nothing is signed"
        return (
            f"the clock says {shown(now)}, {(now - made) // 86_400} days after the chain's last block of"
            f" {shown(made)}: {what} until somebody has looked. Set the clock right; or, if it is right, give"
            " the command once more with --clock-is-right"
        )
    return None


def shown(timestamp: int) -> str:
    """Return Unix seconds as people read them, though they be beyond the calendar."""
    try:
        return iso_instant(timestamp)
    except BadValue:
        return f"{timestamp} s after 1970"


class NodeElsewhere(HttpNode):
    """A node that is not ours, with what the embedded chain answers of its clock answered here.

    Its blocks are made by clocks of its own. This machine's is held to the latest of them; that it is right
    is said for one process, since the next block says it to all.
    """

    def __init__(
        self, url: str, span_days: int = SPAN_DAYS, clock: Callable[[], float] | None = None
    ) -> None:
        super().__init__(url)
        self._span, self._clock, self._said = span_days, clock, 0

    def request(self, method: str, *params: object) -> Any:
        """Call one method. Raises as `HttpNode.request`."""
        if method == "ledger_clock":
            last = int(str(super().request("eth_getBlockByNumber", "latest", False)["timestamp"]), 16)
            now = int((self._clock or time.time)())
            fault = clock_fault(now, last, self._said, self._span, here=False)
            return {"now": hex(now), "last": hex(last), "fault": fault}
        if method == "ledger_clockIsRight":
            self._said = int((self._clock or time.time)())
            return None
        return super().request(method, *params)
