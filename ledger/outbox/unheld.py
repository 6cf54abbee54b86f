"""What a repair took up from the chain: enterprises without an identity here, records without a document."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import delete, func, select, update

from ledger.store.bulk import insert_rows
from ledger.store.vault import identities, unheld

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

#: In the place of an authority: numbers of enterprises.
ENTERPRISES: Final = 0


class Span(NamedTuple):
    """Enterprises (`authority` 0), or an authority's records, by number from `first` to `last`."""

    authority: int
    first: int
    last: int

    @property
    def many(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def spans_of(vault: Connection) -> list[Span]:
    """Return all that is not held, in order."""
    chosen = select(unheld.c.authority, unheld.c.first, unheld.c.last)
    return [Span(*row) for row in vault.execute(chosen.order_by(unheld.c.authority, unheld.c.first))]


class Unheld:
    """All that is not held, of one snapshot of the vault, to be asked often."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self._firsts = [(each.authority, each.first) for each in spans]

    def has(self, authority: int, number: int) -> bool:
        """Whether an enterprise (`authority` 0) or a record was taken up as not held."""
        at = bisect_right(self._firsts, (authority, number)) - 1
        return at >= 0 and self.spans[at].authority == authority and number <= self.spans[at].last


def last_enterprise(vault: Connection) -> int:
    """Return the last number an enterprise has in this vault, held or not; 0 before the first."""
    held = vault.scalar(select(func.max(identities.c.enterprise))) or 0
    ours = select(func.max(unheld.c.last)).where(unheld.c.authority == ENTERPRISES)
    return max(held, vault.scalar(ours) or 0)


def note_unheld(vault: Connection, authority: int, numbers: Iterable[int], now: int) -> list[Span]:
    """Note that these numbers, ascending, are not held; return them as spans."""
    found = spans(authority, numbers)
    insert_rows(vault, unheld, [(*each, now) for each in found])
    return found


def trim_unheld(vault: Connection, most: Mapping[int, int]) -> None:
    """Forget what cannot be held: numbers beyond the chain's, and authorities it does not have."""
    vault.execute(
        delete(unheld).where(unheld.c.authority.not_in(list(most)) | (unheld.c.last < unheld.c.first))
    )
    for authority, last in most.items():
        this = unheld.c.authority == authority
        vault.execute(delete(unheld).where(this, unheld.c.first > last))
        vault.execute(update(unheld).where(this, unheld.c.last > last).values(last=last))


def spans(authority: int, numbers: Iterable[int]) -> list[Span]:
    """Join ascending numbers that follow each other."""
    found: list[Span] = []
    for number in numbers:
        if found and found[-1].last == number - 1:
            found[-1] = found[-1]._replace(last=number)
        else:
            found.append(Span(authority, number, number))
    return found


def shown(each: Span, codes: Mapping[int, str] | None = None) -> str:
    """Say which numbers a span is."""
    if each.authority == ENTERPRISES:
        return f"enterprises {each.first} to {each.last}" if each.many > 1 else f"enterprise {each.first}"
    code = (codes or {}).get(each.authority, f"authority {each.authority}")
    return f"{code}-{each.first}" + (f" to {code}-{each.last}" if each.many > 1 else "")


def counted(found: Sequence[Span]) -> int:
    """Return how many numbers these are."""
    return sum(each.many for each in found)
