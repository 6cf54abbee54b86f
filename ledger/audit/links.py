"""Which enterprises' records must be shown for a score, and which may be: links followed both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.domain.catalogue import LINKED_FROM, LINKED_TO
from ledger.domain.numbered import Numbered, numbers
from ledger.domain.standing import standing
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ledger.audit.subjects import Subject
    from ledger.domain.records import Posted

_LINKS = (LINKED_TO, LINKED_FROM)


class UnrelatedSubject(BadProof):
    """A party that is neither the one asked about nor linked with it."""

    code = "unrelated-subject"


def partners(records: Iterable[Posted], enterprise: int, as_of: int) -> Collection[int]:
    """Return whom links in these records lead to from an enterprise, in any number of steps, it included.

    A side of a link that stands on the day leads both ways: whether the link counts is only to be told from
    both records, so both must be at hand.
    """
    found = standing(records, as_of).by_id.values()
    return _reached(
        ((e.record.enterprise, e.record.ref) for e in found if _is_link(e.record) and e.stands), enterprise
    )


def refuse_unrelated(subjects: Sequence[Subject]) -> None:
    """Raise `UnrelatedSubject` for a subject that no link ever written leads to from the first."""
    links = ((r.enterprise, r.ref) for each in subjects for r in each.records if _is_link(r))
    reached = _reached(links, subjects[0].enterprise)
    for each in subjects:
        if each.enterprise not in reached:
            raise UnrelatedSubject(
                f"enterprise {each.enterprise} is shown, and no link leads there from "
                f"enterprise {subjects[0].enterprise}"
            )


def named_in_links(subjects: Sequence[Subject]) -> Collection[int]:
    """Return every enterprise that a link in these records names."""
    return numbers(record.ref for each in subjects for record in each.records if _is_link(record))


def _is_link(record: Posted) -> bool:
    return record.type in _LINKS


def _reached(links: Iterable[tuple[int, int]], start: int) -> Collection[int]:
    beside = Numbered[list[int]]()
    for one, other in links:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    reached, todo = numbers([start]), [start]
    while todo:
        for each in beside.get(todo.pop(), ()):
            if each not in reached:
                reached[each] = None
                todo.append(each)
    return reached
