"""Registering on the chain the enterprises that the vault has and the chain lacks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from ledger.errors import ChainRefused, Conflict
from ledger.outbox.gas import MAX_REGISTRATIONS, register_gas
from ledger.outbox.sightings import compare_identities, saw_identities, sighting
from ledger.outbox.unheld import last_enterprise
from ledger.store.vault import identities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from ledger.chain.contracts import Call, Contracts
    from ledger.chain.submitter import Receipt
    from ledger.store.database import Database

    #: Sends calls with their gas, and returns their receipts.
    Send = Callable[[Sequence[tuple[Call, int]]], list[Receipt]]

#: How often what was refused without a fault of its own is tried again, and after how many seconds.
PATIENCE: Final = 3
PAUSE: Final = 0.2


def register_all(database: Database, contracts: Contracts, send: Send, in_flight: int) -> int:
    """Register every identity that the vault has at this moment; return how many the chain then has.

    Whoever accepts a firm meanwhile waits for the next call. Should another process register at the same
    time (its lock went with its connection, say), what it did is compared and gone on from. Raises
    `Conflict` where the chain has others than the vault, and what `send` raises.
    """
    # The chain first: whatever another process registers between the two questions is in the vault already.
    registered = contracts.enterprise_count()
    with database.read_vault() as vault:
        last = last_enterprise(vault)
    if registered > last:
        raise Conflict(
            f"the chain has {registered} enterprises and this vault knows {last}:"
            " another office registers too, or this vault is an old copy."
            " `credit-ledger repair` takes them up"
        )
    compare_identities(database, contracts.node, contracts.deployment, registered)
    tries = 0
    while registered < last:
        try:
            registered = _register_some(database, contracts, send, registered, last, in_flight)
        except ChainRefused:
            now = contracts.enterprise_count()
            tries += 1
            if now <= registered and tries > PATIENCE:
                raise
            time.sleep(PAUSE)
            registered = now
            compare_identities(database, contracts.node, contracts.deployment, min(registered, last))
    return registered


def known_upto(vault: Connection) -> int:
    """Return up to which number all enterprises are known to be the chain's: seen there, or taken up."""
    unseen = select(func.min(identities.c.enterprise)).where(identities.c.block_number.is_(None))
    first = vault.scalar(unseen)
    return last_enterprise(vault) if first is None else first - 1


def _register_some(  # noqa: PLR0917 - what it takes, in the order it is used
    database: Database, contracts: Contracts, send: Send, registered: int, last: int, in_flight: int
) -> int:
    """Register as many as may be in flight; return the last index then registered."""
    upto = min(last, registered + MAX_REGISTRATIONS * in_flight)
    chosen = select(identities.c.commitment).where(identities.c.enterprise.between(registered + 1, upto))
    with database.read_vault() as vault:
        commitments = list(vault.scalars(chosen.order_by(identities.c.enterprise)))
    spans = [
        (first, min(first + MAX_REGISTRATIONS - 1, upto))
        for first in range(registered + 1, upto + 1, MAX_REGISTRATIONS)
    ]
    calls = [
        (
            contracts.register(first, commitments[first - registered - 1 : end - registered]),
            register_gas(end - first + 1),
        )
        for first, end in spans
    ]
    for (first, end), receipt in zip(spans, send(calls), strict=True):
        with database.write_vault() as vault:
            saw_identities(vault, first, end, sighting(receipt))
    return upto
