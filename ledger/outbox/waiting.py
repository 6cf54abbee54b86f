"""Since when rows wait that were accepted and are not known to be on the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, type_coerce, update
from sqlalchemy.types import NullType

from ledger.chain.clock import BEHIND
from ledger.store.vault import batches, commands, submissions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection


def waiting_since(vault: Connection) -> dict[int, int]:
    """Return, by authority, when its oldest row that waits was accepted, in Unix seconds."""
    c = commands.c
    queued = select(c.authority, func.min(c.seq)).where(c.number.is_(None)).group_by(c.authority)
    oldest: dict[int, int] = dict(vault.execute(queued).all())
    unseen = select(batches.c.authority, func.min(batches.c.first_number)).where(
        batches.c.block_number.is_(None)
    )
    for authority, number in vault.execute(unseen.group_by(batches.c.authority)):
        seq = vault.scalar(select(c.seq).where(c.authority == authority, c.number == number))
        if seq is not None:
            oldest[authority] = min(seq, oldest.get(authority, seq))
    return {authority: _accepted_at(vault, seq) for authority, seq in oldest.items()}


def date_anew(vault: Connection, now: int) -> int:
    """Count what was accepted by a clock that was ahead as accepted now (Unix seconds); return how many."""
    later = submissions.c.created_at > now + BEHIND
    return vault.execute(update(submissions).where(later).values(created_at=now)).rowcount


def oldest_age(since: Iterable[int], now: float) -> int:
    """Return for how many seconds the oldest waits; a date to come is no age, and none waits for less than 0.

    That such a date is there is for the audit to say.
    """
    return max(0, *(int(now) - at for at in since), 0)


def _accepted_at(vault: Connection, seq: int) -> int:
    s = submissions.c
    brought = (s.first_seq <= seq) & (s.first_seq + s.commands > seq)
    at = vault.scalar(select(type_coerce(s.created_at, NullType())).where(brought).limit(1))
    return at if isinstance(at, int) else 0
