"""What the governor does: mandates, keys, suspensions, four eyes, keys in wrong hands, and who has a role.

Where the installation has a governance delay, an act is announced first and done when it is due: by
`execute`, or by the same call once more. Until then the guardian may take it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from ledger.chain.accounts import checked_address
from ledger.chain.authority_keys import fresh_key, writing_key
from ledger.chain.deployment import ROLES
from ledger.chain.governance import Governance
from ledger.chain.wallets import is_delegated
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue, Conflict, Forbidden, NotFound
from ledger.workflows.authorities import number_of
from ledger.workflows.sending import present, send
from ledger.workflows.wallet_signatures import wallet_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.contracts import Call
    from ledger.chain.governance import Operation
    from ledger.domain.catalogue import Catalogue, EventType
    from ledger.workflows.office import Office

_GOVERNOR: Final = "governor"
_GUARDIAN: Final = "guardian"
#: So many hexadecimal digits of an operation's id name it, at the least.
_SHORTEST_ID: Final = 6


class ActDict(TypedDict):
    """An act: `done` or only announced (then its operation's id, and times with zone in [`due`, `until`))."""

    what: str
    done: bool
    operation: str | None
    due: str | None
    until: str | None


class WalletCallDict(TypedDict):
    """A transaction that a wallet is to send: `value` in wei, `data` in hex."""

    authority: str
    wallet: str
    to: str
    value: int
    data: str


# ---------------------------------------------------------------------- acts


def declare_compromised(office: Office, code: str, key: str, since: int) -> ActDict:
    """Declare that a key of an authority was in the wrong hands from `since` on (Unix seconds): final.

    Raises `BadValue` (no address, a time to come, no key of the authority), `Conflict` (declared from as
    early a time already), and what `govern` raises. `BadValue` too for an unknown authority, as all of these.
    """
    number, key = number_of(office, code), checked_address("key", key)
    if since > present(office):
        raise BadValue("from", iso_instant(since), "in the future: it cannot be known yet")
    if office.contracts.key_window(number, key) == (0, 0):
        raise BadValue("key", key, f"never was a key of {code}")
    before = office.contracts.compromised_from(number, key)
    if before and before <= since:
        already = f"{key} is declared compromised from {iso_instant(before)} on already"
        raise Conflict(f"{already}; only an earlier time changes that")
    what = f"{code}: key {key} compromised from {iso_instant(since)} on"
    return govern(office, office.contracts.declare_compromised(number, key, since), what)


def set_four_eyes(office: Office, code: str, required: bool) -> ActDict:
    """Take an authority's serious records from contract wallets only, or from any key. Raises as `govern`."""
    number = number_of(office, code)
    if office.contracts.four_eyes(number) == required:
        raise Conflict(f"four eyes are {'on' if required else 'off'} for {code} already")
    what = f"{code}: four eyes {'on' if required else 'off'}"
    return govern(office, office.contracts.set_four_eyes(number, required), what)


def set_suspended(office: Office, code: str, suspended: bool) -> ActDict:
    """Suspend an authority, or let it write again. Raises as `govern`."""
    number = number_of(office, code)
    if office.contracts.suspended(number) == suspended:
        raise Conflict(f"{code} is {'suspended' if suspended else 'not suspended'} already")
    what = f"{code}: {'suspended' if suspended else 'not suspended any more'}"
    return govern(office, office.contracts.set_suspended(number, suspended), what)


def set_mandate(
    office: Office,
    code: str,
    grant: Sequence[str],
    withdraw: Sequence[str],
    *,
    start: int,
) -> ActDict:
    """Change the mandate in force by types to grant and to withdraw, from `start` on (Unix seconds).

    Raises `BadValue` (no such type, nothing to change, a time before it can be done), and as `govern`.
    """
    number = number_of(office, code)
    before = mandate = office.contracts.mandate_now(number)
    for each in _types(office.catalogue, "grant", grant):
        mandate |= 1 << each.number
    for each in _types(office.catalogue, "withdraw", withdraw):
        mandate &= ~(1 << each.number)
    if mandate == before:
        raise BadValue("grant", ", ".join(grant), f"changes nothing in the mandate of {code}")
    weighty = mandate & office.catalogue.weighty
    call = office.contracts.set_mandate(number, mandate, weighty, start)
    governance = _governance(office)
    operation = governance.announced(call)
    now = present(office)
    earliest = max(operation.due, now) if operation else now + governance.delay(call)
    if start < earliest:
        raise BadValue(
            "from",
            iso_instant(start),
            f"it cannot be done before {iso_instant(earliest)}, so not hold earlier",
        )
    changes = [*(f"+{each}" for each in grant), *(f"-{each}" for each in withdraw)]
    return govern(office, call, f"{code}: mandate {' '.join(changes)} from {iso_instant(start)} on")


def set_key(office: Office, code: str, key: str | None, start: int | None, until: int) -> ActDict:
    """Give a key of an authority the window [`start`, `until`), Unix seconds, whatever it was before.

    Without `key`, this office makes itself one. Without `start`, what it was stays, or it is now for a new
    key; where acts are announced it must be given. With four eyes on, an account that merely delegates to a
    contract is refused: whoever sees its code would take it for a wallet. Raises `BadValue`, `Conflict`
    (declared compromised), and as `govern`.
    """
    number = number_of(office, code)
    if key is None:
        key = fresh_key(office.contracts, office.keystore, number, code)
    key = checked_address("key", key)
    if office.contracts.compromised_from(number, key):
        raise Conflict(f"{key} was declared compromised, which is final: give {code} another key")
    if start is None:
        start = min(
            office.contracts.key_window(number, key)[0] or _now_if_undelayed(office, number, key), until
        )
    if office.contracts.four_eyes(number) and is_delegated(office.node, key):
        raise BadValue(
            "key",
            key,
            "an account that acts by a contract's code (EIP-7702): one key speaks for it, so it is no wallet,"
            f" and four eyes are on for {code}",
        )
    if until < start:
        raise BadValue("until", iso_instant(until), f"before the beginning, {iso_instant(start)}")
    what = f"{code}: key {key} valid from {iso_instant(start)} until {iso_instant(until)}"
    return govern(office, office.contracts.set_key(number, key, start, until), what)


def set_role(office: Office, role: str, account: str, held: bool) -> ActDict:
    """Give an account a working role (`ROLES`, by name), or take it away; the keeper hands that on.

    Raises `BadValue` (no such role, no address), `Conflict` (it is so already), and as `govern`.
    """
    account = checked_address("account", account)
    number = next((number for number, name in ROLES.items() if name == role.upper()), None)
    if number is None:
        raise BadValue("role", role, f"there are {', '.join(ROLES.values())}")
    member, _ = office.contracts.view("AccessManager", "hasRole", number, account)
    if bool(member) == held:
        raise Conflict(f"{account} {'has' if held else 'has not'} the role {ROLES[number]} already")
    contracts = office.contracts
    call = contracts.grant_role(number, account) if held else contracts.revoke_role(number, account)
    return govern(office, call, f"{account}: role {ROLES[number]} {'granted' if held else 'revoked'}")


def invalidate_signatures(office: Office, code: str) -> int:
    """Cancel what an authority has signed and nobody has posted yet, by its own key; return the new epoch.

    No act of governance: nothing is announced. Raises `BadValue`, `Forbidden` (no key held here is valid: its
    wallet may do it, see `invalidating`), `Misconfigured` (no key is here), `ChainRefused` (suspended).
    """
    number = number_of(office, code)
    now = present(office)
    name = writing_key(office.contracts, office.keystore, number, code, now)
    key = office.keystore.address(name)
    start, until = office.contracts.key_window(number, key)
    if not start <= now < until or office.contracts.compromised_from(number, key):
        why = f"no key of {code} that is held here is valid now, so its wallet is to send it"
        raise Forbidden(f"{why}: credit-ledger authority invalidate {code} --wallet ADDRESS")
    send(office, office.contracts.invalidate_signatures(number), name)
    return office.contracts.signature_epoch(number)


def invalidating(office: Office, code: str, wallet: str) -> WalletCallDict:
    """Return the transaction by which an authority's wallet cancels what the authority has signed.

    The contract takes it from the wallet itself only, so it is sent from the wallet's own app. Raises
    `BadValue`.
    """
    number = number_of(office, code)
    wallet = wallet_of(office, number, code, wallet, present(office))
    call = office.contracts.invalidate_signatures(number)
    return {
        "authority": code,
        "wallet": wallet,
        "to": call.to,
        "value": call.value,
        "data": "0x" + call.data.hex(),
    }


# ---------------------------------------------------------------------- announcing and doing


def govern(office: Office, call: Call, what: str) -> ActDict:
    """Do a call with the governor's key; where that has a delay, announce it, or do it once it is due.

    Raises `Forbidden` (the key here has not the role), `ChainRefused` with the contract's own error, `Busy`.
    """
    governance = _governance(office)
    operation = governance.announced(call)
    if operation is None and governance.delay(call):
        send(office, governance.announce(call), _GOVERNOR)
        operation = governance.announced(call)
    if operation is not None and operation.due > present(office):
        return _shown(what, operation)
    send(office, call, _GOVERNOR)
    return {"what": what, "done": True, "operation": None, "due": None, "until": None}


def pending(office: Office) -> list[ActDict]:
    """Return what is announced and waits to be done."""
    return [_shown(each.what, each) for each in _governance(office).pending()]


def execute(office: Office, operation: str) -> ActDict:
    """Do what was announced, by its operation's id or the beginning of it, if it is due.

    Raises `NotFound`, `BadValue` (names several), `Conflict` (not due yet), and as `govern`.
    """
    found = _operation(office, operation)
    if found.due > present(office):
        raise Conflict(f"{found.what} is not due before {iso_instant(found.due)}")
    return govern(office, found.call, found.what)


def take_back(office: Office, operation: str) -> ActDict:
    """Take back what was announced, with the guardian's key. Raises as `execute`."""
    found = _operation(office, operation)
    send(office, _governance(office).take_back(found.call), _GUARDIAN)
    return {**_shown(found.what, found), "due": None, "until": None}


# ---------------------------------------------------------------------- inside


def _governance(office: Office) -> Governance:
    return Governance(office.contracts, office.keystore.address(_GOVERNOR))


def _now_if_undelayed(office: Office, number: int, key: str) -> int:
    """Now: for a call that is not announced. One that is must be the same when it is given once more."""
    now = present(office)
    if _governance(office).delay(office.contracts.set_key(number, key, now, now)):
        raise BadValue("from", "", "say from when: here it is announced first, and done by the same command")
    return now


def _operation(office: Office, text: str) -> Operation:
    digits = text.lower().removeprefix("0x")
    if len(digits) < _SHORTEST_ID:
        raise BadValue("operation", text, f"give at least {_SHORTEST_ID} digits of its id")
    found = [each for each in _governance(office).pending() if each.id.hex().startswith(digits)]
    if not found:
        raise NotFound(
            f"nothing that waits is operation {text}: done, taken back, lapsed, or never announced"
        )
    if len(found) > 1:
        raise BadValue("operation", text, "names several; give more digits")
    return found[0]


def _shown(what: str, operation: Operation) -> ActDict:
    return {
        "what": what,
        "done": False,
        "operation": "0x" + operation.id.hex(),
        "due": iso_instant(operation.due),
        "until": iso_instant(operation.until),
    }


def _types(catalogue: Catalogue, field: str, codes: Sequence[str]) -> list[EventType]:
    for code in codes:
        if code not in catalogue.by_code:
            raise BadValue(field, code, "no such type")
    return [catalogue.by_code[code] for code in codes]
