"""Since when rows wait that were accepted and are not known to be on the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.store.vault import batches, commands, submissions

if TYPE_CHECKING:
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


def _accepted_at(vault: Connection, seq: int) -> int:
    s = submissions.c
    brought = (s.first_seq <= seq) & (s.first_seq + s.commands > seq)
    return vault.scalar(select(s.created_at).where(brought).limit(1)) or 0
