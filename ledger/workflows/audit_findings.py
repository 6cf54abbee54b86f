"""What an audit has found so far: deviations, and checks that could not be made; a bounded list of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.audit.deviation import Deviation, NotChecked, Review
from ledger.chain.connect import read_clock
from ledger.errors import ChainDamaged, ChainUnavailable
from ledger.outbox.undone import given_up, still_open

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ledger.chain.rpc import Node
    from ledger.workflows.office import Office

#: Listed of each kind; beyond these they are counted.
LISTED: Final = 1000


class Findings:
    """Takes findings as they come."""

    def __init__(self) -> None:
        self._deviations: list[Deviation] = []
        self._not_checked: list[NotChecked] = []
        self._more = [0, 0]

    def take(self, found: Iterable[Deviation | NotChecked]) -> None:
        """Add these."""
        for each in found:
            if isinstance(each, Deviation):
                if len(self._deviations) < LISTED:
                    self._deviations.append(each)
                else:
                    self._more[0] += 1
            elif len(self._not_checked) < LISTED:
                self._not_checked.append(each)
            else:
                self._more[1] += 1

    @property
    def deviated(self) -> bool:
        """Whether anything does not hold."""
        return bool(self._deviations)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """What does not hold, and a last line that counts what is not listed."""
        more = Deviation("more deviations", "not listed here", "none", str(self._more[0]))
        return (*self._deviations, more) if self._more[0] else tuple(self._deviations)

    @property
    def not_checked(self) -> tuple[NotChecked, ...]:
        """What could not be checked, and a last line that counts what is not listed."""
        more = NotChecked("more that could not be checked", "not listed here", str(self._more[1]))
        return (*self._not_checked, more) if self._more[1] else tuple(self._not_checked)


def guarded(
    what: str, where: str, found: Iterable[Deviation | NotChecked]
) -> Iterator[Deviation | NotChecked]:
    """Yield what a check of stored rows finds; where it meets what nobody foresaw, that it was not made.

    Rows are read strictly and what is wrong with one is named. This is for the rest: no row that somebody
    changed may end the other checks. What is wrong with the chain is raised.
    """
    try:
        yield from found
    except (ChainDamaged, ChainUnavailable):
        raise
    except Exception as error:  # noqa: BLE001  the report names it, and is not "holds" then
        said = (str(error).splitlines() or [""])[0][:200]
        yield NotChecked(what, where, f"the check could not be made: {type(error).__name__}: {said}")


def by_clock(node: Node) -> Iterator[NotChecked]:
    """Yield that days and terms were counted by a clock that the chain's time does not agree with."""
    clock = read_clock(node)
    if clock.fault is not None:
        yield NotChecked("days and terms", "the clock of this machine", clock.fault)


def by_undone(ledger: Office) -> Iterator[NotChecked]:
    """Yield what was taken back and is not done again: what follows is judged without it."""
    for each in still_open(ledger.db, ledger.contracts):
        yield NotChecked("what was taken back", each.line, "it is neither done again nor given up")


def by_given_up(ledger: Office) -> Iterator[Review]:
    """Yield what was taken back and given up, with the reason of whoever did."""
    with ledger.db.read_vault() as vault:
        for said, why in given_up(vault):
            yield Review("given up after it was taken back", said, why)


def left_out(first: int, behind: Iterable[int], stands: int, last: int) -> Iterator[NotChecked]:
    """Yield the blocks from `first` to `last` that an audit did not look at, or not in full.

    `behind` are the blocks that earlier audits had come to, `stands` is the block the index stands at.
    """
    for block in behind:
        where = f"blocks {first} to {block}"
        why = "taken from an earlier audit, on the word of whoever may write its folder"
        yield NotChecked("an earlier part of the chain", where, why)
    if stands < last:
        where = f"blocks {stands + 1} to {last}"
        yield NotChecked("the index", where, f"it has followed the chain to block {stands} only")


def no_checkpoint(log_size: int) -> NotChecked:
    """Say that there was no checkpoint to hold the log to."""
    why = "no checkpoint was given or kept: nothing rules out that the chain was replaced as a whole"
    return NotChecked("the log against a checkpoint", f"log of {log_size} leaves", why)


def damaged(where: str, error: ChainDamaged) -> Deviation:
    """Name a part of the chain that cannot be read."""
    return Deviation("chain damaged", where, "blocks and logs that can be read", str(error))


def not_computed(assessments: int) -> NotChecked:
    """Say that assessments were not computed anew: what they would be made from deviates."""
    why = "not computed anew: the records or the index they would be made from deviate"
    return NotChecked("assessments", f"1 to {assessments}", why)
