"""The authorities as the chain has them now, with every key they ever had."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import select

from ledger.audit.access import AccessState
from ledger.chain.accounts import checked_address
from ledger.chain.deployment import NO_END
from ledger.chain.logs import read_facts
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue
from ledger.index.queries import all_authorities
from ledger.store.index import keys
from ledger.workflows.audit_access import expected_access

if TYPE_CHECKING:
    from ledger.workflows.office import Office


class KeyDict(TypedDict):
    """A key; it may write in [`valid_from`, `valid_until`), times with zone. `here`: this office holds it."""

    key: str
    valid_from: str
    valid_until: str
    compromised_from: str | None
    here: bool


class AuthorityDict(TypedDict):
    """An authority. `mandate`: the codes of the types it may write now; `records`: how many it wrote."""

    authority: int
    code: str
    records: int
    suspended: bool
    four_eyes: bool
    mandate: list[str]
    keys: list[KeyDict]


def authorities_now(office: Office) -> list[AuthorityDict]:
    """Return every authority, by number, as the chain's latest block has it. Raises as `Contracts` does."""
    with office.db.read_index() as index:
        known = all_authorities(index)
        ever = dict.fromkeys(
            index.execute(select(keys.c.authority, keys.c.key).order_by(keys.c.block_number))
        )
    found: list[AuthorityDict] = []
    for number, code in known:
        mandate = office.contracts.mandate_now(number)
        found.append(
            {
                "authority": number,
                "code": code,
                "records": office.contracts.record_count(number),
                "suspended": office.contracts.suspended(number),
                "four_eyes": office.contracts.four_eyes(number),
                "mandate": [each.code for each in office.catalogue.types if mandate >> each.number & 1],
                "keys": [_key(office, number, key) for authority, key in ever if authority == number],
            }
        )
    return found


def members_now(office: Office) -> list[str]:
    """Return who has which role of the access manager, and under which delay: a line for each member.

    Read from the access manager's events; the audit is what asks the contract too.
    """
    last = office.node.request("eth_getBlockByNumber", "latest", False)
    deployment, state = office.deployment, AccessState(expected_access(office))
    for fact in read_facts(
        office.node, [deployment.access_manager], deployment.block, int(last["number"], 16)
    ):
        for _ in state.take(fact):
            pass  # whether it may be so is the audit's to say
    return state.lines(int(last["timestamp"], 16))


def numbers_by_code(office: Office) -> dict[str, int]:
    """Return the authorities' numbers by their codes, as the index has them."""
    with office.db.read_index() as index:
        return {each.code: each.authority for each in all_authorities(index)}


def number_of(office: Office, code: str) -> int:
    """Return an authority's number. Raises `BadValue` if there is none of this code."""
    numbers = numbers_by_code(office)
    if code not in numbers:
        raise BadValue("authority", code, f"unknown; there are {', '.join(numbers)}")
    return numbers[code]


def _key(office: Office, authority: int, key: str) -> KeyDict:
    start, until = office.contracts.key_window(authority, key)
    since = office.contracts.compromised_from(authority, key)
    address = checked_address("key", key)
    held = {office.keystore.address(name) for name in office.keystore.names}
    return {
        "key": address,
        "valid_from": iso_instant(min(start, NO_END)),
        "valid_until": iso_instant(min(until, NO_END)),
        "compromised_from": iso_instant(since) if since else None,
        "here": address in held,
    }
