"""Batches that a contract wallet answers for: what waits for its officers, and posting what they signed.

With four eyes on, the sender leaves what is weighty where it is. It is numbered only when officers are to
sign it, since whatever is numbered after it must wait for them; from then on it is a batch as any other: the
contract takes it once, and the next drain finds it on the chain if nobody heard that it got there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from ledger.chain.submitter import Submitter
from ledger.domain.catalogue import LINKED_TO
from ledger.domain.records import unpack
from ledger.errors import Conflict
from ledger.outbox import sealing
from ledger.outbox.gas import batch_gas, wallet_gas
from ledger.outbox.sightings import compare_batches, height, saw_receipt
from ledger.store.vault import commands

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.chain.contracts import Contracts
    from ledger.chain.submitter import Signer
    from ledger.outbox.sealing import Batch
    from ledger.store.database import Database

_PATIENCE = 60.0


class WalletSignature(NamedTuple):
    """What a wallet's officers agreed to: its address, the deadline (Unix seconds), the signature."""

    wallet: str
    deadline: int
    signature: bytes


def waiting(database: Database, contracts: Contracts) -> dict[int, int]:
    """Return how many records of each authority wait for its wallet; those numbered behind them do too.

    Only authorities with some are in it. Raises as `Contracts` does.
    """
    with database.read_vault() as vault:
        queued = sealing.queued_by_authority(vault)
        sealed = sealing.unseen(vault)
    found = {}
    for number in sorted(queued.keys() | sealed.keys()):
        heavy = contracts.needs_wallet(number)
        if not heavy:
            continue
        recorded = contracts.record_count(number)
        unsent = [each for each in sealed.get(number, ()) if each.last_number > recorded]
        first = next((at for at, each in enumerate(unsent) if each.holds(heavy)), len(unsent))
        held = sum(each.count for each in unsent[first:])
        if held:
            many = held + queued.get(number, 0)
        else:
            with database.read_vault() as vault:
                many = sealing.queued_of(vault, number, heavy)
        if many:
            found[number] = many
    return found


def link_waits(vault: Connection, enterprise: int) -> bool:
    """Whether a link of this enterprise to another was accepted and is not on the chain yet."""
    c = commands.c
    queued = select(c.seq).where(c.number.is_(None), c.enterprise == enterprise, c.type == LINKED_TO)
    if vault.execute(queued.limit(1)).first() is not None:
        return True
    sealed = [each for batches in sealing.unseen(vault).values() for each in batches]
    records = (record for batch in sealed for record in unpack(batch.records))
    return any(each.enterprise == enterprise and each.type == LINKED_TO for each in records)


def next_batch(database: Database, contracts: Contracts, authority: int, size: int, now: int) -> Batch | None:
    """Return the batch whose signatures are wanted next, numbering up to `size` records if none is numbered.

    None: nothing waits. `now` is in Unix seconds. What is not weighty and was accepted before gets the
    numbers before it, since a record may refer to one of those; the sender posts it.
    """
    with database.lock("sender", timeout=_PATIENCE):
        recorded, block = contracts.record_count(authority), height(contracts.node)
        heavy = contracts.needs_wallet(authority)
        registered = contracts.enterprise_count()
        with database.write_vault() as vault:
            upto = sealing.sealable(vault, authority, registered)
            unsent = [
                each for each in sealing.unseen(vault).get(authority, ()) if each.last_number > recorded
            ]
            if not any(each.holds(heavy) for each in unsent):
                seal = partial(sealing.seal, vault, authority, size, 1, now=now, block=block, upto=upto)
                while seal(only=~heavy):
                    pass
                unsent = seal(only=heavy)
    return next((each for each in unsent if each.holds(heavy)), None)


def post(
    database: Database, contracts: Contracts, signer: Signer, batch: Batch, signed: WalletSignature
) -> None:
    """Post a sealed batch with a wallet's signature by the operator's key; note where it is recorded.

    Posting what is recorded already does nothing. Raises `Conflict` (others come before it, or the chain has
    other records there), `ChainRefused` with the contract's own error, `ChainUnavailable`, `Busy`.
    """
    authority = batch.authority
    with database.lock("sender", timeout=_PATIENCE):
        recorded = contracts.record_count(authority)
        compare_batches(database, contracts.node, contracts.deployment, authority, recorded)
        if batch.last_number <= recorded:
            return
        if batch.first_number != recorded + 1:
            raise Conflict(f"record {recorded + 1} comes first, and is not on the chain yet")
        call = contracts.record_signed(
            authority, batch.first_number, signed.deadline, signed.wallet, batch.records, signed.signature
        )
        gas = batch_gas(batch.count, batch.runs, contracts.log_size() + batch.runs)
        submitter = Submitter(contracts.node, signer, "operator")
        receipt = submitter.execute(call, wallet_gas(gas, len(signed.signature)))
        with database.write_vault() as vault:
            saw_receipt(vault, batch, receipt)
