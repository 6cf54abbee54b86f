"""Four eyes from the office's side: what waits for the officers of an authority's wallet, and posting it.

The office shows a batch in words and writes its typed data to a file. Officers sign that file in their
wallet, or with a key file each; the office posts it with what they signed. Nothing is kept in between: the
deadline is in the file, and everything else in it is compared with the batch as it was sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from ledger.chain.accounts import checked_address
from ledger.chain.connect import check_clock
from ledger.crypto.typed_data import SignedBatch, signed_batch
from ledger.crypto.wallet_messages import WalletMessage
from ledger.domain.calendar import iso
from ledger.domain.catalogue import CORRECTION, LINKED_TO
from ledger.domain.records import record_id, split_id, unpack_run
from ledger.errors import BadValue, NotFound
from ledger.outbox.commands import by_numbers
from ledger.outbox.identities import identity_at
from ledger.outbox.sealing import batch_at, unseen
from ledger.outbox.wallet_batches import WalletSignature, next_batch, waiting
from ledger.outbox.wallet_batches import post as post_batch
from ledger.workflows.authorities import number_of, numbers_by_code
from ledger.workflows.sending import present
from ledger.workflows.wallet_signatures import ToSignDict, taken, to_sign, wallet_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted
    from ledger.outbox.sealing import Batch
    from ledger.workflows.office import Office


class RecordDict(TypedDict):
    """A record as officers are to see it. `refers_to`: a record's id, or an enterprise's key, or nothing."""

    record: str
    type: str
    type_zh: str
    type_en: str
    severity: int
    decided_on: str
    conduct_on: str
    id: str
    name: str
    reference: str
    refers_to: str | None


class ShownDict(ToSignDict):
    """A batch to be signed."""

    first: str
    last: str
    records: list[RecordDict]


class PostedDict(TypedDict):
    """What was posted. `already`: it was recorded before this call."""

    first: str
    last: str
    count: int
    wallet: str
    already: bool


def waiting_now(office: Office) -> dict[str, int]:
    """Return how many records wait for the wallet of each authority, by its code, if any do."""
    found = waiting(office.db, office.contracts)
    numbers = numbers_by_code(office) if found else {}
    return {code: found[number] for code, number in numbers.items() if number in found}


def show(office: Office, code: str, wallet: str | None, valid_for: int, size: int) -> ShownDict:
    """Return what the officers of an authority's wallet are to sign next, valid for so many seconds from now.

    What needs no wallet is posted first; then up to `size` records are numbered, if none are yet. Without
    `wallet` it is the only one the authority has. Raises `NotFound` (nothing waits), `BadValue`, and what
    sending raises.
    """
    number = number_of(office, code)
    office.sender.drain(authority=number)
    office.follower.catch_up()
    if not office.contracts.four_eyes(number):
        raise NotFound(f"nothing waits: four eyes are off for {code}, and its own key signs")
    check_clock(office.node)
    now = present(office)
    wallet = wallet_of(office, number, code, wallet, now)
    batch = next_batch(office.db, office.contracts, number, size, now)
    if batch is None:
        raise NotFound(f"nothing of {code} waits for its wallet")
    message = _message(office, code, batch, now + valid_for)
    with office.db.read_vault() as vault:
        records = [_record(vault, office.catalogue, code, each) for each in _posted(batch)]
    return {
        **to_sign(code, wallet, message),
        "first": records[0]["record"],
        "last": records[-1]["record"],
        "records": records,
    }


def post(office: Office, code: str, content: object, wallet: str, signatures: Sequence[bytes]) -> PostedDict:
    """Post the batch of a message that officers signed, once all of it is seen to hold, and follow the chain.

    Several signatures are those of a Safe's owners, 65 bytes each, in any order. Posting again what is
    recorded does nothing. Raises `BadValue` (a field differs from the batch as sealed; no key of the
    authority; the deadline has passed), `Forbidden` (the wallet does not stand by it), `NotFound` (nothing
    waits), and what sending raises.
    """
    number, wallet = number_of(office, code), checked_address("wallet", wallet)
    found = WalletMessage.from_json(content)
    said = found.content
    if not isinstance(said, SignedBatch):
        raise BadValue("primaryType", "ObjectionAnswer", "is an answer: post it by `objection post`")
    office.sender.drain(authority=number)
    batch, recorded = _sealed(office, number, code, found, said)
    if not recorded:
        expected = _message(office, code, batch, said.deadline)
        expected.refuse_other(content, f"the batch of {code} that waits")
        signature = taken(office, number, found, wallet, signatures)
        signed = WalletSignature(wallet, said.deadline, signature)
        post_batch(office.db, office.contracts, office.keystore, batch, signed)
        office.sender.drain(authority=number)
    office.follower.catch_up()
    return {
        "first": f"{code}-{batch.first_number}",
        "last": f"{code}-{batch.last_number}",
        "count": batch.count,
        "wallet": wallet,
        "already": recorded,
    }


# ---------------------------------------------------------------------- inside


def _sealed(
    office: Office, number: int, code: str, found: WalletMessage, said: SignedBatch
) -> tuple[Batch, bool]:
    """The batch to compare a message with; whether it is the message's own and recorded already."""
    recorded = office.contracts.record_count(number)
    with office.db.read_vault() as vault:
        own = batch_at(vault, number, said.first_number)
        waits = [each for each in unseen(vault).get(number, ()) if each.last_number > recorded]
    if own is not None and own.last_number <= recorded:
        same = signed_batch(code, own.first_number, own.records, said.deadline, said.epoch)
        if found == _ledger(office, same):
            return own, True
    if not waits:
        raise NotFound(f"nothing of {code} waits for its wallet")
    return waits[0], False


def _message(office: Office, code: str, batch: Batch, deadline: int) -> WalletMessage:
    epoch = office.contracts.signature_epoch(batch.authority)
    return _ledger(office, signed_batch(code, batch.first_number, batch.records, deadline, epoch))


def _ledger(office: Office, batch: SignedBatch) -> WalletMessage:
    deployment = office.contracts.deployment
    return WalletMessage(deployment.chain_id, deployment.credit_ledger, batch)


def _posted(batch: Batch) -> list[Posted]:
    return unpack_run(record_id(batch.authority, batch.first_number), batch.records)


def _record(vault: Connection, catalogue: Catalogue, code: str, record: Posted) -> RecordDict:
    kind, who = catalogue.by_number[record.type], identity_at(vault, record.enterprise)
    authority, number = split_id(record.id)
    refers_to = None
    if record.type >= LINKED_TO:
        refers_to = identity_at(vault, record.ref).party_key
    elif record.type >= CORRECTION:
        refers_to = f"{code}-{split_id(record.ref)[1]}"
    return {
        "record": f"{code}-{number}",
        "type": kind.code,
        "type_zh": kind.zh,
        "type_en": kind.en,
        "severity": record.severity,
        "decided_on": iso(record.decided_on),
        "conduct_on": iso(record.conduct_on),
        "id": who.party_key,
        "name": who.text,
        "reference": by_numbers(vault, authority, [number])[number].reference,
        "refers_to": refers_to,
    }
