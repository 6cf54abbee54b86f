"""Addresses, signatures and EIP-1559 transactions over secp256k1, through libsecp256k1 (coincurve).

Sources: EIP-55 (mixed-case addresses), EIP-1559 and EIP-2718 (transaction type 2), EIP-2 (low s, which
libsecp256k1 always gives). Nonces are RFC 6979, so signing twice gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.rlp import encode
from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A transaction may ask for no more gas than this (EIP-7825); newer nodes refuse it, so it is never sent.
MAX_TRANSACTION_GAS = 16_777_216
#: A node's pool takes no larger transaction (geth's limit, which others share).
MAX_TRANSACTION_BYTES = 128 * 1024
_DYNAMIC_FEE = b"\x02"


class Transaction(NamedTuple):
    """An unsigned EIP-1559 transaction. Fees are wei per gas; with `to` empty, `data` creates a contract."""

    chain_id: int
    nonce: int
    max_priority_fee: int
    max_fee: int
    gas: int
    to: str
    data: bytes
    value: int = 0


def checksummed(address: bytes) -> str:
    """Return a 20-byte address as text with the EIP-55 checksum."""
    text = address.hex()
    digest = keccak256(text.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(text, digest, strict=False))


def address_of(secret: bytes) -> str:
    """Return the checksummed address of a 32-byte secret key."""
    from coincurve import PrivateKey  # noqa: PLC0415  not needed by readers, who start often

    public = PrivateKey(secret).public_key.format(compressed=False)
    return checksummed(keccak256(public[1:])[12:])


def created_address(sender: str, nonce: int) -> str:
    """Return where the contract created by `sender`'s transaction number `nonce` lives (Yellow Paper, 7)."""
    return checksummed(keccak256(encode([bytes.fromhex(sender[2:]), nonce]))[12:])


def sign_digest(secret: bytes, digest: bytes) -> bytes:
    """Return the 65-byte signature r | s | v of a 32-byte digest, v being 27 or 28."""
    signature = _sign(secret, digest)
    return signature[:64] + bytes((27 + signature[64],))


def sign_transaction(secret: bytes, transaction: Transaction) -> tuple[bytes, bytes]:
    """Return (raw transaction, its 32-byte hash)."""
    fields = _fields(transaction)
    signature = _sign(secret, keccak256(_DYNAMIC_FEE + encode(fields)))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    raw = _DYNAMIC_FEE + encode([*fields, signature[64], r, s])
    return raw, keccak256(raw)


def _fields(t: Transaction) -> Sequence[bytes | int | list[bytes]]:
    to = bytes.fromhex(t.to[2:])
    return [t.chain_id, t.nonce, t.max_priority_fee, t.max_fee, t.gas, to, t.value, t.data, []]


def _sign(secret: bytes, digest: bytes) -> bytes:
    """Return r | s | recovery id (0 or 1)."""
    from coincurve import PrivateKey  # noqa: PLC0415  see above

    signature: bytes = PrivateKey(secret).sign_recoverable(digest, hasher=None)
    return signature
