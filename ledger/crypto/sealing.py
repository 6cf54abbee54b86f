r"""Documents at rest: sealed under a key of their own, each key wrapped under the master key.

Source: AES-256-GCM, NIST SP 800-38D, with random 96-bit nonces (section 8.2.2): at most 2**32 calls per key,
which only the master key could ever reach, after four billion records. The *context* is authenticated, not
stored: give the record's commitment, so that a sealed document moved to another record does not open.

    sealed  = 0x01 | nonce (12) | ciphertext | tag (16)   associated data = "credit-ledger/seal/1\0" | context
    wrapped = the same over the 32-byte record key        associated data = "credit-ledger/wrap/1\0" | context

Destroying the wrapped key erases the document: without it the sealed bytes say nothing.
"""

from __future__ import annotations

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import BadProof, Misconfigured

KEY_BYTES = 32
OVERHEAD = 1 + 12 + 16
_VERSION = b"\x01"
_SEAL = b"credit-ledger/seal/1\0"
_WRAP = b"credit-ledger/wrap/1\0"


class SealBroken(BadProof):
    """The sealed bytes are damaged, or key or context are others than they were sealed with."""

    code = "seal-broken"


def new_key() -> bytes:
    """A fresh 32-byte key from the operating system."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt `plaintext` under the 32-byte `key`, bound to `context`; 29 bytes longer than the plaintext."""
    return _encrypt(_cipher(key), plaintext, _SEAL + context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The plaintext; `SealBroken` when key or context are wrong or a byte was changed."""
    return _decrypt(_cipher(key), sealed, _SEAL + context)


def wrap(master_key: bytes, key: bytes, context: bytes) -> bytes:
    """Encrypt a record's key under the master key, bound to `context`; 61 bytes."""
    _need_key(key)
    return _encrypt(_master_cipher(master_key), key, _WRAP + context)


def unwrap(master_key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """The record's key; `SealBroken` when master key or context are wrong or a byte was changed."""
    return _decrypt(_master_cipher(master_key), wrapped, _WRAP + context)


def _cipher(key: bytes) -> AESGCM:
    _need_key(key)
    return AESGCM(key)


#: A master key is used for every document, and setting up a cipher takes longer than opening a record's key.
_master_cipher = lru_cache(maxsize=1)(_cipher)


def _encrypt(cipher: AESGCM, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(12)
    return _VERSION + nonce + cipher.encrypt(nonce, plaintext, associated)


def _decrypt(cipher: AESGCM, sealed: bytes, associated: bytes) -> bytes:
    if len(sealed) < OVERHEAD or sealed[:1] != _VERSION:
        raise SealBroken(
            f"{len(sealed)} bytes that begin with {sealed[:1].hex() or 'nothing'} were not sealed here"
        )
    try:
        return cipher.decrypt(sealed[1:13], sealed[13:], associated)
    except InvalidTag:
        raise SealBroken("the sealed bytes do not open: damaged, another key, or another record's") from None


def _need_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise Misconfigured(f"a key has {KEY_BYTES} bytes, not {len(key)}")
