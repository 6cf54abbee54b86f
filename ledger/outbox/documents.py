"""Documents at rest: committed to, sealed, opened again, erased.

A sealed document is salt and content under a key of its own, bound to its commitment; that key is kept
wrapped under the master key. Destroying the wrapped key erases the document, and the commitment still
stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import bindparam, func, select, update

from ledger.crypto.commitments import SALT_BYTES, commit, new_salt, verify_commitment
from ledger.crypto.sealing import new_key, seal, unseal, unwrap, wrap
from ledger.errors import NotFound
from ledger.store.bulk import IN_LIST
from ledger.store.vault import commands, documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class DocumentKeys(Protocol):
    """The two 32-byte secrets of this office's documents; a keystore has them."""

    @property
    def master_key(self) -> bytes:
        """What the keys of single documents are wrapped under."""

    @property
    def mac_key(self) -> bytes:
        """What content is compared by, without keeping it readable."""


class Sealed(NamedTuple):
    """A sealed document. Without a wrapped key it is erased."""

    commitment: bytes
    sealed: bytes
    wrapped_key: bytes | None


class Kept(NamedTuple):
    """What is kept of a numbered record: its authority's reference, and its document unless that is lost.

    `part` and `content_mac` are those of its command.
    """

    reference: str
    document: Sealed | None
    part: int
    content_mac: bytes


class Document(NamedTuple):
    """An opened document: what opens its commitment."""

    salt: bytes
    content: bytes


class Erased(NotFound):
    """The document's key was destroyed on purpose."""

    code = "erased"


def seal_document(master_key: bytes, content: bytes) -> Sealed:
    """Commit to the content under a fresh salt and seal both under a fresh key."""
    salt, key = new_salt(), new_key()
    commitment = commit(salt, content)
    return Sealed(commitment, seal(key, salt + content, commitment), wrap(master_key, key, commitment))


def open_document(master_key: bytes, document: Sealed) -> Document:
    """Open a sealed document. Raises `Erased`, or `BadProof` if it was damaged or is another record's."""
    commitment, sealed, wrapped_key = document
    if wrapped_key is None:
        raise Erased(f"the document of commitment {commitment.hex()} was erased")
    raw = unseal(unwrap(master_key, wrapped_key, commitment), sealed, commitment)
    opened = Document(raw[:SALT_BYTES], raw[SALT_BYTES:])
    verify_commitment(commitment, *opened)
    return opened


def sealed_document(vault: Connection, authority: int, number: int) -> Sealed:
    """Return the sealed document of a record. Raises `NotFound`."""
    row = vault.execute(_BY_NUMBER, {"authority": authority, "number": number}).one_or_none()
    if row is None:
        raise NotFound(f"no document is kept for record {number} of authority {authority}")
    return Sealed(*row)


def kept_records(vault: Connection, authority: int, numbers: Sequence[int]) -> dict[int, Kept]:
    """Return what is kept of an authority's records, by number, as far as the vault has them."""
    found: dict[int, Kept] = {}
    for start in range(0, len(numbers), IN_LIST):
        wanted = {"authority": authority, "wanted": numbers[start : start + IN_LIST]}
        for number, reference, part, mac, *parts in vault.execute(_NUMBERED, wanted).all():
            found[number] = Kept(reference, None if parts[1] is None else Sealed(*parts), part, mac)
    return found


def sealed_sizes(vault: Connection, authority: int, numbers: Sequence[int]) -> dict[int, int]:
    """Return the bytes of an authority's sealed documents, by record number, without reading them."""
    found: dict[int, int] = {}
    for start in range(0, len(numbers), IN_LIST):
        wanted = {"authority": authority, "wanted": numbers[start : start + IN_LIST]}
        found.update((number, size) for number, size in vault.execute(_SIZES, wanted).all())
    return found


def erase_document(vault: Connection, authority: int, number: int) -> None:
    """Destroy the key of a record's document; erasing twice is the same. Raises `NotFound`.

    The sealed bytes stay: without the key they say nothing, and they show that the document was not merely
    lost.
    """
    seq = select(commands.c.seq).where(commands.c.authority == authority, commands.c.number == number)
    changed = vault.execute(
        update(documents).where(documents.c.seq == seq.scalar_subquery()).values(wrapped_key=None)
    )
    if not changed.rowcount:
        raise NotFound(f"no document is kept for record {number} of authority {authority}")


_KEPT = commands.join(documents, documents.c.seq == commands.c.seq)
_SEALED = (commands.c.commitment, documents.c.sealed, documents.c.wrapped_key)
_BY_NUMBER = (
    select(*_SEALED)
    .select_from(_KEPT)
    .where(commands.c.authority == bindparam("authority"), commands.c.number == bindparam("number"))
)
_SIZES = (
    select(commands.c.number, func.length(documents.c.sealed))
    .select_from(_KEPT)
    .where(
        commands.c.authority == bindparam("authority"),
        commands.c.number.in_(bindparam("wanted", expanding=True)),
    )
)
# Built once: as literals, every number of an audit would be examined by SQLAlchemy.
_NUMBERED = (
    select(commands.c.number, commands.c.reference, commands.c.part, commands.c.content_mac, *_SEALED)
    .select_from(commands.outerjoin(documents, documents.c.seq == commands.c.seq))
    .where(
        commands.c.authority == bindparam("authority"),
        commands.c.number.in_(bindparam("wanted", expanding=True)),
    )
)
