"""Documents at rest: committed to, sealed, opened again, erased.

A sealed document is salt and content under a key of its own, bound to its commitment; that key is kept
wrapped under the master key. Destroying the wrapped key erases the document, and the commitment still
stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import bindparam, select, update

from ledger.crypto.commitments import SALT_BYTES, commit, new_salt, verify_commitment
from ledger.crypto.sealing import new_key, seal, unseal, unwrap, wrap
from ledger.errors import NotFound
from ledger.store.bulk import IN_LIST
from ledger.store.vault import documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    """A row of `documents`. Without a wrapped key the document is erased."""

    commitment: bytes
    sealed: bytes
    wrapped_key: bytes | None


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


def open_sealed(master_key: bytes, row: Sealed) -> Document:
    """Open a sealed document. Raises `Erased`, or `BadProof` if it was damaged or is another record's."""
    commitment, sealed, wrapped_key = row
    if wrapped_key is None:
        raise Erased(f"the document of commitment {commitment.hex()} was erased")
    raw = unseal(unwrap(master_key, wrapped_key, commitment), sealed, commitment)
    document = Document(raw[:SALT_BYTES], raw[SALT_BYTES:])
    verify_commitment(commitment, *document)
    return document


_BY_COMMITMENT = select(documents).where(documents.c.commitment == bindparam("commitment"))


def find_document(vault: Connection, commitment: bytes) -> Sealed:
    """Return the sealed document of a commitment. Raises `NotFound`."""
    row = vault.execute(_BY_COMMITMENT, {"commitment": commitment}).one_or_none()
    if row is None:
        raise NotFound(f"no document is kept for the commitment {commitment.hex()}")
    return Sealed(*row)


def find_documents(vault: Connection, commitments: Sequence[bytes]) -> Iterator[Sealed]:
    """Yield the sealed documents of these commitments, as far as they are kept, in any order."""
    for start in range(0, len(commitments), IN_LIST):
        part = commitments[start : start + IN_LIST]
        for row in vault.execute(select(documents).where(documents.c.commitment.in_(part))):
            yield Sealed(*row)


def erase_document(vault: Connection, commitment: bytes) -> None:
    """Destroy a document's key; erasing twice is the same. Raises `NotFound`.

    The sealed bytes stay: without the key they say nothing, and they show that the document was not merely
    lost.
    """
    changed = vault.execute(
        update(documents).where(documents.c.commitment == commitment).values(wrapped_key=None)
    )
    if not changed.rowcount:
        raise NotFound(f"no document is kept for the commitment {commitment.hex()}")
