"""Who may call, as parameter types: a route that takes one of these is closed to everybody else.

| type | who |
|---|---|
| `KnownCaller` | any valid key |
| `AuthorityCaller` | a key of an authority; posts for that authority |
| `AuditCaller` | a key for audit |
| `EnterpriseReader` | an authority, audit, or the enterprise itself; its looks are in the log by then |
| `OwnReader` | these, and a foreign authority, which is shown what it wrote itself |

An enterprise's key opens its own identifier and what is linked with it today, and learns nothing about
others: what is not its own is 403, whether or not it exists, and so is a day on which more was linked. A
foreign authority's opens the parties that it has a record about, by the very identifier it used; any other is
404, whether or not it exists. `enterprise:N` is for authorities and audit, and only where a repair took the
firm up without its identity.
"""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Unauthenticated
from api.service import Service, TheService
from ledger.domain.calendar import iso
from ledger.domain.catalogue import Authority
from ledger.domain.parties import Party, parse_party
from ledger.errors import BadValue, Forbidden, NotFound
from ledger.index.extents import first_written
from ledger.outbox.identities import identity_not_held, identity_of, number_asked
from ledger.store.access import ApiKey, Look, verify_key
from ledger.workflows.subjects import members_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from ledger.store.database import Database

_BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    bearerFormat="cl_<id>_<secret>",
    description="An API key, made with `credit-ledger key create --scope …` and shown once.",
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
#: Stands for a `/` that was sent as %2F, so that it divides no address; it is no character.
ENCODED_SLASH: Final = "\ufdd0"
_LONGEST_PARTY: Final = 600
#: For the description alone: what is refused is refused with its reason, check digits among them.
_PARTY_FORM: Final = (
    "^((uscc:)?[0-9A-HJ-NP-RTUW-Y]{18}|lei:[0-9A-Z]{18}[0-9]{2}|name:[A-Z]{2}:.*[0-9A-Za-z\u4e00-\u9fff].*"
    "|enterprise:[1-9][0-9]{0,17})$"
)

PartyPath = Annotated[
    str,
    Path(
        alias="id",
        min_length=1,
        max_length=_LONGEST_PARTY,
        json_schema_extra={"pattern": _PARTY_FORM},
        description=(
            "`uscc:…` (or the bare code), `lei:…` or `name:CC:…`, percent-encoded; `enterprise:N` for a firm"
            " that a repair took up without its identity"
        ),
        examples=["uscc:9144030071526726XG"],
    ),
]


class AuthorityKey(NamedTuple):
    """A caller that speaks for an authority."""

    key: ApiKey
    authority: Authority


def key_id_of(database: Database, token: str) -> str | None:
    """Return the id of the key a token belongs to; None if it is not, or no longer, valid."""
    with database.read_vault() as vault:
        key = verify_key(vault, token)
    return None if key is None else key.id


def _identify(
    request: Request, vault: Connection, credentials: HTTPAuthorizationCredentials | None
) -> ApiKey:
    if credentials is None:
        raise Unauthenticated("Send an API key: Authorization: Bearer cl_….")
    key = verify_key(vault, credentials.credentials)
    if key is None:
        raise Unauthenticated("This API key is not valid.", "invalid_token")
    request.state.caller = key
    return key


def _known(request: Request, service: TheService, credentials: _Credentials) -> ApiKey:
    with service.ledger.db.read_vault() as vault:
        return _identify(request, vault, credentials)


def _authority(request: Request, service: TheService, credentials: _Credentials) -> AuthorityKey:
    key = _known(request, service, credentials)
    if key.scope.kind != "authority":
        raise Forbidden(f"A key for {key.scope.kind} does not post records; an authority's key does.")
    return AuthorityKey(key, _authority_of(service, key))


def _audit(request: Request, service: TheService, credentials: _Credentials) -> ApiKey:
    key = _known(request, service, credentials)
    if key.scope.kind != "audit":
        raise Forbidden(f"A key for {key.scope.kind} does not read the log; a key for audit does.")
    return key


KnownCaller = Annotated[ApiKey, Depends(_known)]
AuthorityCaller = Annotated[AuthorityKey, Depends(_authority)]
AuditCaller = Annotated[ApiKey, Depends(_audit)]


class Reader(NamedTuple):
    """A caller that may read one enterprise: its canonical key, its index, and all shown with it today.

    A look at each of `members` is in the access log, as this `action`.
    """

    key: ApiKey
    party: str
    enterprise: int
    members: tuple[int, ...]
    action: str
    #: The foreign authority that asks; None: anybody else. It is shown nothing that others wrote.
    foreign: Authority | None = None

    @property
    def documents_of(self) -> str | None:
        """The one authority whose documents this caller reads; None: the subject and audit read all."""
        return self.key.scope.subject if self.key.scope.kind == "authority" else None

    def reads_documents_of(self, code: str) -> bool:
        """Whether the caller reads what this authority wrote."""
        return self.documents_of in (None, code)


def _own_reader(
    request: Request, service: TheService, credentials: _Credentials, party_id: PartyPath
) -> Reader:
    return _looking(request, service, credentials, party_id, foreign_too=True)


def _reader(request: Request, service: TheService, credentials: _Credentials, party_id: PartyPath) -> Reader:
    return _looking(request, service, credentials, party_id, foreign_too=False)


def _looking(
    request: Request,
    service: Service,
    credentials: HTTPAuthorizationCredentials | None,
    party_id: str,
    *,
    foreign_too: bool,
) -> Reader:
    """Return the reader; its looks are in the access log by then."""
    party_id = party_id.replace(ENCODED_SLASH, "/")
    with service.ledger.db.read_vault() as vault:
        key = _identify(request, vault, credentials)
        foreign = _foreign(service, key)
        if foreign is not None and not foreign_too:
            raise Forbidden(
                "A foreign authority reads its own records and the objections to them, and nothing that shows"
                " what others wrote."
            )
        number = number_asked(party_id)
        if number is not None:
            party, enterprise = _not_held(vault, key, foreign, number)
        elif foreign is not None:
            party, enterprise = _own(service, vault, foreign, party_id)
        else:
            party, enterprise = _party(service, vault, key, party_id)
    members = (enterprise,) if foreign is not None else _united(service, enterprise, service.ledger.today())
    reader = Reader(key, party, enterprise, members, request.scope["route"].name, foreign)
    _log(service, reader, members)
    return reader


def of_day(service: Service, reader: Reader, as_of: int) -> None:
    """See that a reader may read all that was linked on a day, and log its looks. Raises `Forbidden`.

    A link that was wrong and is undone gives its code's key nothing of the name, of whichever day it asks.
    """
    if as_of == service.ledger.today():
        return
    added = [each for each in _united(service, reader.enterprise, as_of) if each not in reader.members]
    if added and reader.key.scope.kind == "enterprise":
        raise Forbidden(
            f"On {iso(as_of)} it was linked with what it is not linked with today, and this key reads its own"
            " enterprise only: ask for another day."
        )
    _log(service, reader, added)


def _united(service: Service, enterprise: int, as_of: int) -> tuple[int, ...]:
    with service.ledger.db.read_index() as index:
        return members_of(index, enterprise, as_of)[1]


def _log(service: Service, reader: Reader, shown: Collection[int]) -> None:
    at, key = int(time.time()), reader.key
    service.looks.write([Look(at, key.scope, key.id, reader.action, each) for each in shown])


def _party(service: Service, vault: Connection, key: ApiKey, party_id: str) -> tuple[str, int]:
    """Return the canonical key of an identifier, and its index. Raises `BadValue` and as `_enterprise`."""
    party = _parsed(party_id)
    return party.key, _enterprise(service, vault, key, party)


def _own(service: Service, vault: Connection, foreign: Authority, party_id: str) -> tuple[str, int]:
    """Return the key and index of a party that a foreign authority wrote about itself.

    Any other is not there, in one sentence and after the same questions, whether or not others wrote about
    it. Raises `BadValue`, `NotFound`.
    """
    party = _parsed(party_id).key
    try:
        enterprise = identity_of(vault, party).enterprise
    except NotFound:
        enterprise = 0
    with service.ledger.db.read_index() as index:
        if first_written(index, foreign.number, enterprise) is None:
            raise NotFound(f"{party} is not in the ledger")
    return party, enterprise


def _parsed(party_id: str) -> Party:
    try:
        return parse_party(party_id)
    except BadValue as error:
        raise BadValue("id", party_id, error.reason) from None


def _not_held(vault: Connection, key: ApiKey, foreign: Authority | None, number: int) -> tuple[str, int]:
    """Return the key and index of a firm asked for by number. Raises `Forbidden`, `NotFound`."""
    if key.scope.kind == "enterprise":
        raise Forbidden("This key reads its own enterprise only.")
    if foreign is not None:
        raise NotFound(f"enterprise:{number} is not in the ledger")
    found = identity_not_held(vault, number)
    return found.party_key, found.enterprise


def _foreign(service: Service, key: ApiKey) -> Authority | None:
    """Return the foreign authority that a key speaks for. Raises `Forbidden` for one that is unknown here."""
    if key.scope.kind != "authority":
        return None
    found = _authority_of(service, key)
    return found if found.foreign else None


def _authority_of(service: Service, key: ApiKey) -> Authority:
    authority = service.ledger.authorities.get(key.scope.subject)
    if authority is None:
        raise Forbidden(f"This ledger has no authority {key.scope.subject!r}.")
    return authority


def _enterprise(service: Service, vault: Connection, key: ApiKey, party: Party) -> int:
    """Return the index of the party. Raises `Forbidden` if it is not the key's to read, `NotFound`."""
    if key.scope.kind != "enterprise" or key.scope.subject == party.key:
        return identity_of(vault, party.key).enterprise
    try:
        found, own = (identity_of(vault, each).enterprise for each in (party.key, key.scope.subject))
    except NotFound:
        found = own = 0
    if own:
        with service.ledger.db.read_index() as index:
            leader, _ = members_of(index, found, service.ledger.today())
        if leader == own:
            return found
    raise Forbidden("This key reads its own enterprise only.")


EnterpriseReader = Annotated[Reader, Depends(_reader)]
OwnReader = Annotated[Reader, Depends(_own_reader)]
