r"""Salted commitments: what the chain holds in place of documents and identities.

Source: hash commitments over SHA-256 (FIPS 180-4) with a random 256-bit salt: hiding because the salt cannot
be guessed, binding because SHA-256 resists collisions. The salt has a fixed length and each use its own
prefix, so no document can be opened as an identity, nor with salt and content split elsewhere.

    document:  SHA-256("credit-ledger/document/1\0" | salt | content)
    identity:  SHA-256("credit-ledger/identity/1\0" | salt | party key in UTF-8)

Destroying salt and content leaves a commitment that says nothing; without a salt, a short content such as a
credit code could be found by trying all of them.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256

from ledger.errors import BadProof

SALT_BYTES = 32
_DOCUMENT = b"credit-ledger/document/1\0"
_IDENTITY = b"credit-ledger/identity/1\0"


class CommitmentDiffers(BadProof):
    """Salt and content do not open the commitment."""

    code = "commitment-differs"


def new_salt() -> bytes:
    """32 random bytes from the operating system."""
    return os.urandom(SALT_BYTES)


def commit(salt: bytes, content: bytes) -> bytes:
    """Commitment (32 bytes) to a document's canonical bytes; `ValueError` unless the salt has 32 bytes."""
    return _commit(_DOCUMENT, salt, content)


def identity_commitment(salt: bytes, party_key: str) -> bytes:
    """Commitment (32 bytes) to a party's canonical key, e.g. `uscc:9144…`."""
    return _commit(_IDENTITY, salt, party_key.encode())


def verify_commitment(commitment: bytes, salt: bytes, content: bytes) -> None:
    """Return when salt and content open `commitment`, else raise `CommitmentDiffers`."""
    _verify(commitment, _DOCUMENT, salt, content)


def verify_identity(commitment: bytes, salt: bytes, party_key: str) -> None:
    """Return when salt and party key open the identity `commitment`, else raise `CommitmentDiffers`."""
    _verify(commitment, _IDENTITY, salt, party_key.encode())


def _commit(prefix: bytes, salt: bytes, content: bytes) -> bytes:
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return sha256(prefix + salt + content).digest()


def _verify(commitment: bytes, prefix: bytes, salt: bytes, content: bytes) -> None:
    if len(salt) != SALT_BYTES:
        raise CommitmentDiffers(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    found = _commit(prefix, salt, content)
    if not hmac.compare_digest(found, commitment):
        raise CommitmentDiffers(
            f"the opened content gives {found.hex()}, the commitment is {commitment.hex()}"
        )
