"""Rows that were accepted and are not on the chain: since when, by the submission that brought each.

A row is as old as its submission says, and no younger than a later one that is late. A submission's date can
be changed like anything here, so one that cannot be is named, and so is a row that no submission brought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import and_, false, func, not_, or_, select, type_coerce
from sqlalchemy.types import NullType

from ledger.audit.deviation import Deviation, Review, show_time
from ledger.store.vault import commands, submissions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Select

    from ledger.audit.authorities import AuthorityState

#: Seconds after which an accepted row should be on the chain.
PATIENCE: Final = 24 * 3600
#: Seconds by which the clock of who accepted a row may be ahead of the auditor's.
AHEAD: Final = 3600


class _Row(NamedTuple):
    """A row that is not on the chain, and its date: as kept, None without a submission."""

    seq: int
    authority: int
    date: object


def find_late(
    vault: Connection, authorities: Mapping[int, AuthorityState], now: int
) -> Iterator[Deviation | Review]:
    """Yield, by authority, rows not on the chain that are late by `now` (Unix seconds), or of no date.

    Where four eyes are on, what is late waits for officers: a review.
    """
    until = vault.scalar(_late_upto(now)) or 0
    counts: dict[tuple[int, bool], int] = {}
    first: dict[tuple[int, bool], _Row] = {}
    for row in _absent(vault, authorities):
        dated = isinstance(row.date, int) and 0 <= row.date <= now + AHEAD
        if row.seq <= until or not dated:
            key = row.authority, dated
            counts[key] = counts.get(key, 0) + 1
            first.setdefault(key, row)
    for (number, dated), row in first.items():
        state = authorities.get(number)
        code = state.code if state else f"authority {number}"
        reference = vault.scalar(select(commands.c.reference).where(commands.c.seq == row.seq))
        many = counts[number, dated]
        where = f"outbox, {code}: {many} rows, the first with the reference {reference!r}"
        found = f"accepted at {show_time(row.date)}" if row.date is not None else "brought by no submission"
        if not dated:
            expected = f"accepted at a time up to {show_time(now)}"
            yield Deviation("accepted at no possible time", where, expected, found)
        elif state and state.four_eyes:
            yield Review("accepted and not recorded", where, f"{found}; four eyes are on")
        else:
            expected = f"on the chain within {PATIENCE // 3600} hours"
            yield Deviation("accepted and not recorded", where, expected, found)


def _late_upto(now: int) -> Select[int]:
    """The last row of the submissions that are late."""
    ends = select(func.max(submissions.c.first_seq + submissions.c.commands - 1))
    return ends.where(submissions.c.created_at.between(0, now - PATIENCE - 1))


def _absent(vault: Connection, authorities: Mapping[int, AuthorityState]) -> Iterator[_Row]:
    """Yield the rows that are not on the chain, in order, each with its submission's date."""
    c, s = commands.c, submissions.c
    on_chain = [
        and_(c.authority == number, c.number.between(1, each.count)) for number, each in authorities.items()
    ]
    absent = or_(c.number.is_(None), not_(or_(false(), *on_chain)))
    last = vault.scalar(select(func.max(c.seq)).where(absent))
    if last is None:
        return
    # As it is kept: what is no date at all is for the caller to name.
    date = type_coerce(s.created_at, NullType()).label("created_at")
    known = select(s.first_seq, (s.first_seq + s.commands).label("end"), s.authority, date)
    brought = iter(vault.execute(known.where(s.first_seq <= last).order_by(s.first_seq)))
    this, following = None, next(brought, None)
    for seq, authority in vault.execute(select(c.seq, c.authority).where(absent).order_by(c.seq)):
        while following is not None and following.first_seq <= seq:
            this, following = following, next(brought, None)
        covered = this is not None and seq < this.end and this.authority == authority
        yield _Row(seq, authority, this.created_at if this is not None and covered else None)
