"""Whom a question is about: an identifier followed to the enterprise whose record it belongs to.

A name that an officer linked to a code is the code's from the link's day on; asked for either, the ledger
answers with the record of both. Which links stand on a day is for `domain.standing` to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, select

from ledger.domain.standing import link_targets
from ledger.index.queries import connected, link_records
from ledger.outbox.identities import identity_asked, identity_shown
from ledger.store.bulk import IN_LIST
from ledger.store.types import LARGEST
from ledger.store.vault import identities

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from ledger.domain.records import Posted
    from ledger.store.database import Database


class Subject(NamedTuple):
    """An enterprise with all that is linked to it on a day.

    `asked` and `key` are canonical: what was asked for, and whose record it is. `members` are the indexes
    whose records make it up, `enterprise` among them; `linked` are the keys of the others.
    """

    asked: str
    key: str
    text: str
    enterprise: int
    members: tuple[int, ...]
    linked: tuple[str, ...]


def subject_of(database: Database, text: str, as_of: int) -> Subject:
    """Follow an identifier as of a day. Raises `BadValue` (no identifier), `NotFound` (an unknown one)."""
    with database.read_vault() as vault, database.read_index() as index:
        return subject_at(vault, index, text, as_of)


def subject_at(vault: Connection, index: Connection, text: str, as_of: int) -> Subject:
    """Follow an identifier as `subject_of` does, on connections that more is asked of."""
    asked = identity_asked(vault, text)
    enterprise, members = members_of(index, asked.enterprise, as_of)
    found = asked if enterprise == asked.enterprise else identity_shown(vault, enterprise)
    others = party_keys(vault, [each for each in members if each != enterprise])
    linked = tuple(sorted(others.values()))
    return Subject(asked.party_key, found.party_key, found.text, enterprise, members, linked)


def alone(vault: Connection, text: str) -> Subject:
    """Follow an identifier no further than to its own party, whatever is linked to it. Raises as these do.

    Its text is its key: how the party was written first may be how another authority wrote it.
    """
    asked = identity_asked(vault, text)
    key, enterprise = asked.party_key, asked.enterprise
    return Subject(key, key, key, enterprise, (enterprise,), ())


def members_of(index: Connection, enterprise: int, as_of: int) -> tuple[int, tuple[int, ...]]:
    """Return the enterprise that this one's record follows on a day, and all whose records it unites."""
    component = connected(index, enterprise)
    if len(component) == 1:
        return enterprise, (enterprise,)
    posted: dict[int, Posted] = {}
    for each in component:
        posted.update((record.id, record) for record in link_records(index, each))
    targets = link_targets(posted.values(), as_of)
    followed = targets.get(enterprise, enterprise)
    names = {name for name, code in targets.items() if code == followed}
    return followed, tuple(sorted({followed} | names))


def links_on(index: Connection, as_of: int) -> Mapping[int, int]:
    """Return every link in force on a day: the index of a name, and that of its code."""
    return link_targets(link_records(index), as_of)


class SameEnterprise:
    """Answers whether two indexes are one enterprise on a day; the links are read when first asked for."""

    def __init__(self, database: Database, as_of: int) -> None:
        self._database = database
        self._as_of = as_of
        self._targets: Mapping[int, int] | None = None

    def __call__(self, one: int, other: int) -> bool:
        if self._targets is None:
            with self._database.read_index() as index:
                self._targets = links_on(index, self._as_of)
        return self._targets.get(one, one) == self._targets.get(other, other)


def party_keys(vault: Connection, enterprises: Collection[int]) -> dict[int, str]:
    """Return the canonical keys of these enterprises, as far as the vault knows them."""
    wanted = [each for each in enterprises if each <= LARGEST]
    found: dict[int, str] = {}
    for start in range(0, len(wanted), IN_LIST):
        rows = vault.execute(_KEYS, {"wanted": wanted[start : start + IN_LIST]}).all()
        found.update((index, key) for index, key in rows)
    return found


# Built once: as literals, every enterprise of an audit would be examined by SQLAlchemy.
_KEYS = select(identities.c.enterprise, identities.c.party_key).where(
    identities.c.enterprise.in_(bindparam("wanted", expanding=True))
)
