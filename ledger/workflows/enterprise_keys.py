"""The accounts that speak for enterprises: set by the registrar, used by the enterprise to object itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from sqlalchemy import select

from ledger.chain.accounts import checked_address
from ledger.domain.parties import parse_party
from ledger.errors import Forbidden
from ledger.index.queries import enterprise_by_index
from ledger.outbox.identities import identity_at, identity_of
from ledger.store.index import enterprise_keys
from ledger.workflows.sending import send

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.workflows.office import Office

_NOBODY: Final = "0x" + "00" * 20


class EnterpriseKeyDict(TypedDict):
    """The account that speaks for an enterprise; `key` is null where the registrar does."""

    id: str
    enterprise: int
    key: str | None


def set_enterprise_key(office: Office, identifier: str, key: str | None) -> EnterpriseKeyDict:
    """Set the account that speaks for exactly this enterprise, or (None) take it away, as the registrar.

    Links are not followed: a name that was linked to a code has its own. Raises `BadValue` (no identifier, no
    address), `NotFound` (not in the ledger, or not on the chain yet), and what `send` raises.
    """
    party = parse_party(identifier)
    address = None if key is None else checked_address("key", key)
    with office.db.read_vault() as vault, office.db.read_index() as index:
        enterprise = identity_of(vault, party.key).enterprise
        enterprise_by_index(index, enterprise)
    send(office, office.contracts.set_enterprise_key(enterprise, address or _NOBODY))
    return {"id": party.key, "enterprise": enterprise, "key": address}


def enterprise_key(index: Connection, enterprise: int) -> str | None:
    """Return the checksummed address of the account that speaks for an enterprise; None: it has none."""
    chosen = select(enterprise_keys.c.key).where(enterprise_keys.c.enterprise == enterprise)
    last = chosen.order_by(enterprise_keys.c.block_number.desc(), enterprise_keys.c.log_index.desc())
    found = index.scalar(last.limit(1))
    return None if found is None or found == _NOBODY else checked_address("key", found)


def check_voice(office: Office, enterprise: int, account: str | None) -> None:
    """Raise `Forbidden` unless this account, or the registrar (None), may object for the enterprise now."""
    with office.db.read_vault() as vault, office.db.read_index() as index:
        party, key = identity_at(vault, enterprise).party_key, enterprise_key(index, enterprise)
    if key == account:
        return
    if account is None:
        raise Forbidden(
            f"{party} has a key of its own, {key}, and objects itself: objection open ... --key-file FILE; "
            f"the registrar speaks for it again after: objection key {party} none"
        )
    said = f"its key is {key}" if key else "it has none"
    raise Forbidden(
        f"the account {account} does not speak for {party} ({said}): "
        f"the registrar sets it by: objection key {party} {account}"
    )
