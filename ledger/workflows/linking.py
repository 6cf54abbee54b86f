"""Linking: an officer finds that an unresolved name is an enterprise with a code, or finds out otherwise.

A link is a record on the name's side (LK01) with its mirror on the code's (LK02); an unlink revokes both.
From the day of the decision the name's record follows the code. One office decides one link at a time, on an
index that has everything posted so far, so that a name is never linked twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from ledger.chain.wallets import is_wallet
from ledger.domain.calendar import day_of, iso
from ledger.domain.catalogue import LINKED_TO, REVOCATION
from ledger.domain.parties import parse_party
from ledger.domain.records import split_id
from ledger.domain.standing import standing
from ledger.domain.submissions import MAX_DOCUMENT, Submission
from ledger.errors import BadValue, Conflict, Forbidden, LedgerError
from ledger.index.queries import link_records
from ledger.outbox.accept import accept
from ledger.outbox.commands import by_numbers, by_reference
from ledger.outbox.identities import Identity, identity_at, identity_of, register_party
from ledger.outbox.wallet_batches import link_waits
from ledger.workflows.subjects import links_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.domain.catalogue import Authority
    from ledger.domain.parties import Party
    from ledger.domain.records import Posted
    from ledger.workflows.office import Office

#: Seconds to wait for another process that is linking.
_PATIENCE: Final = 30.0


class LinkDict(TypedDict):
    """What was done: the record that decides, and the two enterprises' keys.

    `record` is None while it waits for the signatures of the authority's wallet (four eyes).
    """

    record: str | None
    name: str
    code: str
    decided_on: str
    reference: str


class _Link(NamedTuple):
    """A link in force: the record of the name's side, and whom it leads to."""

    record: Posted
    reference: str
    code: Identity


def link(
    office: Office,
    authority: Authority,
    name: str,
    code: str,
    reason: str,
    *,
    reference: str | None = None,
    clock: Callable[[], float] = time.time,
) -> LinkDict:
    """Link an unresolved name to a code, for the officer's reason, decided today; see it on the chain.

    `reference` is the authority's own document number; left out, one is made of the two keys. Raises
    `BadValue` if the name is no name, the code no code, or the reason empty; `NotFound` for a name the ledger
    does not know; `Conflict` if it is linked already; `Forbidden` outside the mandate.
    """
    named, coded = _name(name), _code(code)
    today = day_of(int(clock()))
    with _alone(office):
        identity = _known(office, named)
        _refuse_second(office, identity, today)
        register_party(office.db, coded)
        fields = {"action": "link", "name": named.key, "code": coded.key, "reason": _reason(reason)}
        if reference is None:
            reference = f"link/{_digest(named.key, coded.key, str(_links_so_far(office, identity)))}"
        kind = office.catalogue.by_number[LINKED_TO]
        submission = Submission(named, kind, today, today, reference, coded.key, _document(fields))
        return _post(office, authority, submission, named.key, coded.key)


def unlink(
    office: Office,
    authority: Authority,
    name: str,
    reason: str,
    *,
    reference: str | None = None,
    clock: Callable[[], float] = time.time,
) -> LinkDict:
    """Undo the link of a name: its record is its own again from today. Both records of the link are revoked.

    Raises `BadValue`, `NotFound`; `Conflict` if the name is not linked; `Forbidden` if another authority
    linked it.
    """
    named = _name(name)
    today = day_of(int(clock()))
    with _alone(office):
        identity = _known(office, named)
        found = _link_in_force(office, authority, identity, today)
        fields = {
            "action": "unlink",
            "name": named.key,
            "code": found.code.party_key,
            "reason": _reason(reason),
        }
        if reference is None:
            reference = f"unlink/{_digest(found.reference)}"
        kind = office.catalogue.by_number[REVOCATION]
        submission = Submission(named, kind, today, today, reference, found.reference, _document(fields))
        return _post(office, authority, submission, named.key, found.code.party_key)


@contextlib.contextmanager
def _alone(office: Office) -> Iterator[None]:
    """Hold the lock for links, with all that was accepted before posted and followed."""
    with office.db.lock("linking", timeout=_PATIENCE):
        _settle(office)
        yield


def _settle(office: Office) -> None:
    office.sender.drain()
    office.follower.catch_up()


def _name(text: str) -> Party:
    party = parse_party(text)
    if party.kind != "name":
        raise BadValue("name", text, "is a code; only an unresolved name (name:CC:...) is linked to a code")
    return party


def _code(text: str) -> Party:
    party = parse_party(text)
    if party.kind == "name":
        raise BadValue("code", text, "is a name; link to a code (uscc:... or lei:...)")
    return party


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise BadValue("reason", text, "empty: say why these are one enterprise")
    if len(reason) * 4 > MAX_DOCUMENT:
        raise BadValue("reason", text, f"longer than {MAX_DOCUMENT // 4} characters")
    return reason


def _known(office: Office, party: Party) -> Identity:
    with office.db.read_vault() as vault:
        return identity_of(vault, party.key)


def _refuse_second(office: Office, identity: Identity, today: int) -> None:
    with office.db.read_index() as index:
        target = links_on(index, today).get(identity.enterprise)
    if target is not None:
        with office.db.read_vault() as vault:
            other = identity_at(vault, target)
        raise Conflict(f"{identity.party_key} is already linked to {other.party_key}; unlink it first")
    with office.db.read_vault() as vault:
        waits = link_waits(vault, identity.enterprise)
    if waits:
        raise Conflict(f"a link of {identity.party_key} waits already for the signatures of a wallet")


def _links_so_far(office: Office, identity: Identity) -> int:
    """How many links the name ever had: a name linked anew gets a reference of its own."""
    with office.db.read_index() as index:
        return sum(
            each.type == LINKED_TO and each.enterprise == identity.enterprise
            for each in link_records(index, identity.enterprise)
        )


def _link_in_force(office: Office, authority: Authority, identity: Identity, today: int) -> _Link:
    with office.db.read_index() as index:
        states = standing(link_records(index, identity.enterprise), today).by_id.values()
    records = [
        each.record
        for each in states
        if each.stands and each.record.type == LINKED_TO and each.record.enterprise == identity.enterprise
    ]
    if not records:
        raise Conflict(f"{identity.party_key} is not linked")
    record = records[0]
    writer, number = split_id(record.id)
    if writer != authority.number:
        raise Forbidden(f"{identity.party_key} was linked by another authority, which alone can undo it")
    with office.db.read_vault() as vault:
        return _Link(
            record, by_numbers(vault, writer, [number])[number].reference, identity_at(vault, record.ref)
        )


def _document(fields: dict[str, str]) -> str:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _post(office: Office, authority: Authority, submission: Submission, name: str, code: str) -> LinkDict:
    kind = submission.type
    if not authority.may_write(kind.number):
        raise Forbidden(f"{kind.code} is outside the mandate of {authority.code}")
    (outcome,) = accept(
        office.db,
        office.keystore,
        office.catalogue,
        authority,
        [(1, submission)],
        kind.code.lower(),
        is_wallet=partial(is_wallet, office.node),
    )
    if outcome.status == "rejected":
        raise _refusal(outcome.errors[0].field, outcome.errors[0].value, outcome.errors[0].reason)
    _settle(office)
    with office.db.read_vault() as vault:
        number = by_reference(vault, authority.number, submission.reference).number
    return {
        "record": f"{authority.code}-{number}" if number else None,
        "name": name,
        "code": code,
        "decided_on": iso(submission.decided_on),
        "reference": submission.reference,
    }


def _refusal(field: str, value: str, reason: str) -> LedgerError:
    return Conflict(reason) if "already used" in reason else BadValue(field, value, reason)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
