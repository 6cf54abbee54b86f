"""Where the chain was seen to hold what the vault sent: hints, dropped when they fail.

The chain decides what is done: its counters say how many records an authority has and how many enterprises
there are. A hint only says that what stands under those numbers was compared with the vault, and in which
block. When that block leaves the chain, the hint goes, and the counters then say whether to send again or
only to compare again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, update

from ledger.chain.logs import read_facts
from ledger.domain.facts import BatchRecorded, Registered, Run
from ledger.domain.records import RECORD_BYTES
from ledger.errors import Conflict
from ledger.outbox.sealing import Batch
from ledger.store.vault import batches, identities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.chain.submitter import Receipt
    from ledger.store.database import Database


class Sighting(NamedTuple):
    """The block in which something was recorded."""

    number: int
    hash: bytes


def forget_orphans(database: Database, node: Node) -> None:
    """Drop the hints whose block is not on the chain any more."""
    for table in (batches, identities):
        while True:
            with database.read_vault() as vault:
                latest = _latest(vault, table)
            if latest is None or _still_there(node, latest):
                break
            with database.write_vault() as vault:
                vault.execute(
                    update(table)
                    .where(table.c.block_number >= latest.number, table.c.block_hash == latest.hash)
                    .values(block_number=None, block_hash=None)
                )


def saw_batch(vault: Connection, batch: Batch, where: Sighting) -> None:
    """Note where a batch was recorded."""
    this = (batches.c.authority == batch.authority) & (batches.c.first_number == batch.first_number)
    vault.execute(update(batches).where(this).values(block_number=where.number, block_hash=where.hash))


def saw_receipt(vault: Connection, batch: Batch, receipt: Receipt) -> None:
    """Note that a batch was recorded where the receipt of its transaction says."""
    saw_batch(vault, batch, sighting(receipt))


def sighting(receipt: Receipt) -> Sighting:
    """Return the block of a receipt."""
    return Sighting(receipt.block_number, bytes.fromhex(receipt.block_hash[2:]))


def saw_identities(vault: Connection, first: int, last: int, where: Sighting) -> None:
    """Note where the enterprises `first`..`last` were registered."""
    these = identities.c.enterprise.between(first, last)
    vault.execute(update(identities).where(these).values(block_number=where.number, block_hash=where.hash))


def compare_batches(
    database: Database, node: Node, deployment: Deployment, authority: int, recorded: int
) -> int:
    """Compare batches that the chain's counter covers, but nobody saw recorded, with what it holds.

    Returns how many records they have. Raises `Conflict` if the chain holds anything else under their
    numbers: then another office writes with this authority's key, or this vault is an old copy.
    """
    chosen = select(*(batches.c[name] for name in Batch._fields)).where(
        batches.c.authority == authority,
        batches.c.block_number.is_(None),
        batches.c.first_number + batches.c.count - 1 <= recorded,
    )
    with database.read_vault() as vault:
        unseen = [Batch(*row) for row in vault.execute(chosen.order_by(batches.c.first_number))]
    if not unseen:
        return 0
    # A batch cannot be recorded before it is sealed; only a reorganisation can make the chain shorter than
    # it was.
    first = min(each.sealed_block for each in unseen)
    found = _recorded(node, deployment, authority, first)
    if any(each.first_number not in found for each in unseen):
        found = _recorded(node, deployment, authority, deployment.block)
    with database.write_vault() as vault:
        for each in unseen:
            records, where = found.get(each.first_number, (b"", None))
            if where is None or records != each.records:
                if changed_here(node, deployment, each):
                    raise Conflict(changed(f"authority {authority}", each))
                raise Conflict(
                    f"record {each.first_number} and following of authority {authority}: the chain holds"
                    " others than this vault sealed; another office has its key, or this vault is an old"
                    " copy. `credit-ledger repair` takes them up"
                )
            saw_batch(vault, each, where)
    return sum(each.count for each in unseen)


def changed(code: str, batch: Batch) -> str:
    """Say that a batch was changed in the vault."""
    return (
        f"the batch from record {code}-{batch.first_number} on is not what this vault sealed, or saw on the"
        " chain: this vault was changed. `credit-ledger repair` puts back what the chain has"
    )


def changed_here(node: Node, deployment: Deployment, batch: Batch) -> bool:
    """Whether a batch was changed in the vault since it was sealed, or since it was seen on the chain.

    Asked where vault and chain went apart: then nobody else is the cause. What was seen recorded was compared
    then, so the block it was seen in holds it, as long as that is on the chain.
    """
    number, hash_ = batch.block_number, batch.block_hash
    if batch.count * RECORD_BYTES != len(batch.records):
        return True
    if number is None or hash_ is None or not _still_there(node, Sighting(number, hash_)):
        return False
    there = _recorded(node, deployment, batch.authority, number, number)
    return there.get(batch.first_number, (b"", None))[0] != batch.records


def compare_identities(database: Database, node: Node, deployment: Deployment, registered: int) -> None:
    """Compare the identities that nobody saw registered, up to index `registered`, with what the chain holds.

    Raises `Conflict` if a commitment differs.
    """
    chosen = select(identities.c.enterprise, identities.c.commitment).where(
        identities.c.block_number.is_(None), identities.c.enterprise <= registered
    )
    with database.read_vault() as vault:
        unseen = dict(vault.execute(chosen).all())
        seen = _latest(vault, identities)
    if not unseen:
        return
    places = _registered(node, deployment, seen.number if seen else deployment.block, unseen)
    if len(places) < len(unseen) and seen:
        places = _registered(node, deployment, deployment.block, unseen)
    with database.write_vault() as vault:
        for enterprise in sorted(unseen):
            if enterprise not in places:
                raise Conflict(
                    f"enterprise {enterprise} is registered under another identity than this vault has;"
                    " another office registers too, or this vault is an old copy."
                    " `credit-ledger repair` takes them up"
                )
            saw_identities(vault, enterprise, enterprise, places[enterprise])


def _recorded(
    node: Node, deployment: Deployment, authority: int, first: int, last: int | None = None
) -> dict[int, tuple[bytes, Sighting]]:
    """The authority's batches of the blocks `first`..`last`: packed records and place, by first number."""
    last = height(node) if last is None else last
    found: dict[int, tuple[bytearray, Sighting]] = {}
    current = bytearray()
    for fact in read_facts(node, (deployment.credit_ledger,), first, last):
        if type(fact) is BatchRecorded and fact.authority == authority:
            current = bytearray()
            found[fact.first_number] = (current, Sighting(fact.at.block_number, fact.at.block_hash))
        elif type(fact) is Run and fact.authority == authority:
            current += fact.records
    return {number: (bytes(records), where) for number, (records, where) in found.items()}


def _registered(
    node: Node, deployment: Deployment, first: int, wanted: Mapping[int, bytes]
) -> dict[int, Sighting]:
    """Where, from block `first` on, enterprises were registered under the commitments wanted."""
    return {
        fact.enterprise: Sighting(fact.at.block_number, fact.at.block_hash)
        for fact in read_facts(node, (deployment.credit_ledger,), first, height(node))
        if type(fact) is Registered and wanted.get(fact.enterprise) == fact.commitment
    }


def height(node: Node) -> int:
    """Return the number of the chain's latest block."""
    return int(str(node.request("eth_blockNumber")), 16)


def _latest(vault: Connection, table: Table) -> Sighting | None:
    chosen = select(table.c.block_number, table.c.block_hash).where(table.c.block_number.is_not(None))
    row = vault.execute(chosen.order_by(table.c.block_number.desc()).limit(1)).one_or_none()
    return Sighting(row.block_number, row.block_hash) if row else None


def _still_there(node: Node, sighting: Sighting) -> bool:
    block = node.request("eth_getBlockByNumber", hex(sighting.number), False)
    return block is not None and bytes.fromhex(block["hash"][2:]) == sighting.hash
