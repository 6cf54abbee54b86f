"""What an authority may write, by the index's account of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.store.index import blocks, mandates

if TYPE_CHECKING:
    from sqlalchemy import Connection


def mandate_now(index: Connection, authority: int, now: int) -> int | None:
    """Return the mandate in force (bit t: may write type t); None if the index does not know one yet.

    In force is the last one set that has begun. A chain's time may run ahead of the clock: the later one
    counts.
    """
    now = max(now, index.scalar(select(func.max(blocks.c.timestamp))) or 0)
    chosen = select(mandates.c.mandate, mandates.c.valid_from).where(mandates.c.authority == authority)
    found: int | None = None
    for mandate, valid_from in index.execute(chosen.order_by(mandates.c.block_number, mandates.c.log_index)):
        if valid_from <= now:
            found = mandate
        elif found is None:
            found = 0
    return found
