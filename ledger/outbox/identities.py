"""Parties and their index on the chain, as the vault keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from sqlalchemy import bindparam, select

from ledger.crypto.commitments import identity_commitment, new_salt
from ledger.domain.parties import Party, parse_party
from ledger.errors import NotFound
from ledger.outbox.unheld import ENTERPRISES, Unheld, last_enterprise, spans_of
from ledger.store.bulk import IN_LIST, insert_rows
from ledger.store.vault import identities

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

    from ledger.domain.parties import PartyKind
    from ledger.store.database import Database


class Identity(NamedTuple):
    """Who an enterprise is: index, canonical key, kind, the text it first came with, and its commitment."""

    enterprise: int
    party_key: str
    kind: str
    text: str
    salt: bytes
    commitment: bytes


#: How an enterprise is asked for by its number.
_BY_NUMBER: Final = "enterprise:"
_COLUMNS = tuple(identities.c[name] for name in Identity._fields)
_BY_KEY = select(*_COLUMNS).where(identities.c.party_key == bindparam("key"))
_INDEXES = select(identities.c.party_key, identities.c.enterprise).where(
    identities.c.party_key.in_(bindparam("wanted", expanding=True))
)
_BY_INDEX = select(*_COLUMNS).where(identities.c.enterprise == bindparam("enterprise"))


def identity_of(vault: Connection, party_key: str) -> Identity:
    """Return the identity of a canonical party key. Raises `NotFound`."""
    row = vault.execute(_BY_KEY, {"key": party_key}).one_or_none()
    if row is None:
        raise NotFound(f"{party_key} is not in the ledger")
    return Identity(*row)


def identity_at(vault: Connection, enterprise: int) -> Identity:
    """Return the identity of an enterprise's index. Raises `NotFound`."""
    row = vault.execute(_BY_INDEX, {"enterprise": enterprise}).one_or_none()
    if row is None:
        raise NotFound(f"enterprise {enterprise} is not in the ledger")
    return Identity(*row)


def identity_shown(vault: Connection, enterprise: int) -> Identity:
    """Return the identity of an enterprise's index, or what stands for one that a repair took up without it.

    Its key is then `enterprise:N`, which belongs to no party. Raises `NotFound`.
    """
    if Unheld(spans_of(vault)).has(ENTERPRISES, enterprise):
        return Identity(enterprise, f"{_BY_NUMBER}{enterprise}", "", "identity not held", b"", b"")
    return identity_at(vault, enterprise)


def number_asked(text: str) -> int | None:
    """Return N of `enterprise:N`; None for any other identifier."""
    number = text.strip().removeprefix(_BY_NUMBER)
    by_number = number != text.strip() and number.isascii() and number.isdigit() and len(number) <= 18
    return int(number) if by_number else None


def identity_asked(vault: Connection, text: str) -> Identity:
    """Return whom an identifier, or `enterprise:N`, is about. Raises `BadValue`, `NotFound`."""
    number = number_asked(text)
    return identity_of(vault, parse_party(text).key) if number is None else identity_shown(vault, number)


def identity_not_held(vault: Connection, enterprise: int) -> Identity:
    """Return what stands for an enterprise that a repair took up without identity. Raises `NotFound`.

    Whose identity is held is not told by number: who knows an identifier may ask, and nobody may count.
    """
    if not Unheld(spans_of(vault)).has(ENTERPRISES, enterprise):
        raise NotFound(f"{_BY_NUMBER}{enterprise} is not in the ledger, or is asked for by its identifier")
    return identity_shown(vault, enterprise)


def stream_identities(vault: Connection) -> Iterator[Identity]:
    """Yield all identities in the order of their index."""
    chosen = select(*_COLUMNS).order_by(identities.c.enterprise)
    for row in vault.execute(chosen, execution_options={"yield_per": 2000}):
        yield Identity(*row)


def register_party(database: Database, party: Party) -> int:
    """Return a party's index, giving it the next one if it is new. The sender registers it on the chain."""
    with database.write_vault() as vault:
        register = Register(vault, [party.key])
        enterprise = register.index_of(party)
        register.save()
    return enterprise


class Register:
    """Indexes of parties within one vault transaction; new ones are given out in order and saved together."""

    def __init__(self, vault: Connection, keys: Collection[str]) -> None:
        self._vault = vault
        self._known = _indexes(vault, keys)
        self._next: int | None = None
        self._fresh: list[tuple[object, ...]] = []
        self._parties: dict[int, Party] = {}

    def find(self, party_key: str) -> int | None:
        """Return the index of a party whose key was given at the start; None if it is new."""
        return self._known.get(party_key)

    def index_of(self, party: Party) -> int:
        """Return the party's index, giving it the next one if it is new."""
        found = self._known.get(party.key)
        if found is not None:
            return found
        if self._next is None:
            self._next = last_enterprise(self._vault) + 1
        index, self._next = self._next, self._next + 1
        self._known[party.key] = index
        self._parties[index] = party
        salt = new_salt()
        commitment = identity_commitment(salt, party.key)
        self._fresh.append((index, party.key, party.kind, party.text, salt, commitment, None, None))
        return index

    def party_at(self, enterprise: int) -> Party:
        """Return the party of an index. Raises `NotFound`."""
        if enterprise not in self._parties:
            known = identity_at(self._vault, enterprise)
            self._parties[enterprise] = Party(cast("PartyKind", known.kind), known.party_key, known.text)
        return self._parties[enterprise]

    def save(self) -> None:
        """Write the new identities."""
        insert_rows(self._vault, identities, self._fresh)
        self._fresh = []


def _indexes(vault: Connection, keys: Collection[str]) -> dict[str, int]:
    wanted = list(keys)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), IN_LIST):
        part = wanted[start : start + IN_LIST]
        found.update((key, enterprise) for key, enterprise in vault.execute(_INDEXES, {"wanted": part}).all())
    return found
