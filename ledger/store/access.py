"""Who may call: API keys in the vault, and who looked at which enterprise.

A key is shown once, as `cl_<id>_<secret>`. The vault keeps its id and a hash of the secret. The secret is 256
random bits, so one SHA-256 is enough: slow hashes are for secrets of which there are few.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast, get_args

from sqlalchemy import bindparam, insert, select, tuple_, update

from ledger.domain.parties import parse_party
from ledger.errors import BadValue, NotFound
from ledger.store.types import Int
from ledger.store.vault import access_log, api_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection, Row

    from ledger.store.database import Database

ScopeKind = Literal["authority", "enterprise", "audit"]

_TOKEN: Final = re.compile(r"cl_([0-9a-f]{12})_([0-9a-f]{64})")
_TAG: Final = b"credit-ledger api key v1\0"
_NO_HASH: Final = bytes(32)
_LABEL: Final = 100


class Scope(NamedTuple):
    """What a key is for: `authority:CODE`, `enterprise:ID` (a canonical party key) or `audit`."""

    kind: ScopeKind
    subject: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}" if self.subject else self.kind


class ApiKey(NamedTuple):
    """A key as the vault knows it. Times are Unix seconds. Revoked keys stay: the access log names them."""

    id: str
    scope: Scope
    label: str
    created_at: int
    revoked_at: int | None


class Look(NamedTuple):
    """One look at an enterprise: when, which scope and key, and at what (`score`, `record`, ...)."""

    at: int
    who: Scope
    key: str
    action: str
    enterprise: int


def parse_scope(text: str, authorities: Collection[str]) -> Scope:
    """Read a scope. Raises `BadValue` (field `scope`) for an unknown form, authority or identifier."""
    kind, _, subject = text.strip().partition(":")
    if kind not in get_args(ScopeKind):
        raise BadValue("scope", text, "not authority:CODE, enterprise:ID or audit")
    if kind == "audit":
        if subject:
            raise BadValue("scope", text, "audit takes no subject")
        return Scope("audit", "")
    if kind == "authority":
        if subject not in authorities:
            raise BadValue(
                "scope", text, f"no authority {subject!r}; there are {', '.join(sorted(authorities))}"
            )
        return Scope("authority", subject)
    try:
        return Scope("enterprise", parse_party(subject).key)
    except BadValue as error:
        raise BadValue("scope", text, error.reason) from None


def create_key(database: Database, scope: Scope, label: str, now: int) -> tuple[ApiKey, str]:
    """Store a new key and return it with its token, never shown again. Raises `BadValue` (`label`)."""
    label = label.strip()
    if len(label) > _LABEL or not label.isprintable():
        raise BadValue("label", label, f"not a line of at most {_LABEL} characters")
    key = ApiKey(secrets.token_hex(6), scope, label, now, None)
    secret = secrets.token_hex(32)
    with database.write_vault() as connection:
        connection.execute(
            insert(api_keys).values(
                id=key.id,
                secret_hash=_hash(key.id, secret),
                scope=scope.kind,
                subject=scope.subject,
                label=label,
                created_at=now,
            )
        )
    return key, f"cl_{key.id}_{secret}"


def verify_key(vault: Connection, token: str) -> ApiKey | None:
    """Return the key a token belongs to; None if it is malformed, unknown, wrong or revoked.

    The comparison takes the same time whether or not the id exists and wherever the hashes differ.
    """
    found = _TOKEN.fullmatch(token)
    if not found:
        return None
    key_id, secret = found.groups()
    row = vault.execute(_BY_ID, {"id": key_id}).one_or_none()
    matches = hmac.compare_digest(_hash(key_id, secret), row.secret_hash if row else _NO_HASH)
    if row is None or not matches or row.revoked_at is not None:
        return None
    return _key(row)


def revoke_key(database: Database, key_id: str, now: int) -> None:
    """Make a key invalid from now on; revoking twice keeps the first time. Raises `NotFound`."""
    with database.write_vault() as connection:
        changed = connection.execute(
            update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        if not changed.rowcount and connection.execute(_BY_ID, {"id": key_id}).one_or_none() is None:
            raise NotFound(f"no API key {key_id!r}")


def list_keys(database: Database) -> list[ApiKey]:
    """Return every key, revoked ones too, in the order they were made."""
    with database.read_vault() as connection:
        return [_key(row) for row in connection.execute(select(api_keys).order_by("created_at", "id"))]


def log_looks(database: Database, looks: Sequence[Look]) -> None:
    """Write who looked, all in one transaction."""
    rows = [
        {
            "at": each.at,
            "who": str(each.who),
            "action": each.action,
            "enterprise": each.enterprise,
            "detail": each.key,
        }
        for each in looks
    ]
    with database.write_vault() as connection:
        connection.execute(insert(access_log), rows)


def looks_at(
    database: Database, enterprises: Iterable[int], before: tuple[int, int] | None, limit: int
) -> tuple[list[Look], tuple[int, int] | None]:
    """Return up to `limit` looks at any of these enterprises, latest first, and where the next page begins.

    What one request was shown of several of them is one look. Pass the second result as `before` for the next
    page; None: there is none. The work is that of the page.
    """
    at, number = before or (_NO_TIME, _NO_TIME)
    given = {"at": at, "id": number, "many": limit + 1}
    with database.read_vault() as connection:
        pages = [connection.execute(_LOOKS, {**given, "enterprise": each}).all() for each in enterprises]
    rows = sorted((row for page in pages for row in page), key=attrgetter("at", "id"), reverse=True)
    looks = _together(rows)
    found = []
    for row in (each[0] for each in looks[:limit]):
        kind, _, subject = row.who.partition(":")
        who = Scope(cast("ScopeKind", kind), subject)
        found.append(Look(row.at, who, row.detail, row.action, row.enterprise))
    last = looks[limit - 1][-1] if len(looks) > limit else None
    return found, last and (last.at, last.id)


def _together(rows: Iterable[Row[Any]]) -> list[list[Row[Any]]]:
    """Return rows as the looks they were written for: those of one request follow each other."""
    looks: list[list[Row[Any]]] = []
    seen: set[int] = set()
    written = attrgetter("at", "detail", "action")
    for row in rows:
        if looks and row.enterprise not in seen and written(looks[-1][0]) == written(row):
            looks[-1].append(row)
        else:
            looks.append([row])
            seen = set()
        seen.add(row.enterprise)
    return looks


#: Later than any look.
_NO_TIME: Final = (1 << 63) - 1
_LOOKS = (
    select(access_log)
    .where(
        access_log.c.enterprise == bindparam("enterprise"),
        tuple_(access_log.c.at, access_log.c.id)
        < tuple_(bindparam("at", type_=Int), bindparam("id", type_=Int)),
    )
    .order_by(access_log.c.at.desc(), access_log.c.id.desc())
    .limit(bindparam("many"))
)
_BY_ID = select(api_keys).where(api_keys.c.id == bindparam("id"))


def _hash(key_id: str, secret: str) -> bytes:
    return hashlib.sha256(_TAG + key_id.encode() + b"\0" + secret.encode()).digest()


def _key(row: Row[tuple[object, ...]]) -> ApiKey:
    scope = Scope(cast("ScopeKind", row.scope), row.subject)
    return ApiKey(row.id, scope, row.label, row.created_at, row.revoked_at)
