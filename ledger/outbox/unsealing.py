"""Taking numbers back from commands that have them and that the chain does not hold.

A sealed batch never changes, and is sent until the chain has it. It is unsealed only where it can never be
recorded as it stands: the chain holds others under its numbers, another enterprise has an index in it, or
its records are of days to come. The commands then wait for numbers anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from ledger.domain.records import unpack
from ledger.outbox.sealing import Batch
from ledger.store.vault import batches, commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ledger.domain.records import Record


def unseal_from(vault: Connection, authority: int, first_number: int) -> int:
    """Unseal an authority's batches from the one that begins with a number on; return how many commands."""
    gone = (batches.c.authority == authority) & (batches.c.first_number >= first_number)
    vault.execute(delete(batches).where(gone))
    numbered = (commands.c.authority == authority) & (commands.c.number >= first_number)
    return vault.execute(update(commands).where(numbered).values(number=None)).rowcount


def unseal_where(vault: Connection, authority: int, recorded: int, spoiled: Callable[[Record], bool]) -> int:
    """Unseal the first batch beyond `recorded` records that holds a spoiled one, and all after it."""
    columns = (batches.c[name] for name in Batch._fields)
    beyond = select(*columns).where(batches.c.authority == authority, batches.c.first_number > recorded)
    for row in vault.execute(beyond.order_by(batches.c.first_number)).all():
        each = Batch(*row)
        if any(spoiled(record) for record in unpack(each.records)):
            return unseal_from(vault, authority, each.first_number)
    return 0
