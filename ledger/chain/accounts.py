"""Addresses, signatures and transactions, by eth-account, which is loaded when something is signed."""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.crypto.hashing import keccak256
from ledger.errors import BadValue

#: A transaction may ask for no more gas than this (EIP-7825); newer nodes refuse it, so it is never sent.
MAX_TRANSACTION_GAS = 16_777_216
#: A node's pool takes no larger transaction (geth's limit, which others share).
MAX_TRANSACTION_BYTES = 128 * 1024


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


def address_of(secret: bytes) -> str:
    """Return the checksummed address of a 32-byte secret key."""
    from eth_account import Account  # noqa: PLC0415  not needed by readers, who start often

    return str(Account.from_key(secret).address)


def created_address(sender: str, nonce: int) -> str:
    """Return where the contract created by `sender`'s transaction number `nonce` lives (Yellow Paper, 7)."""
    import rlp  # noqa: PLC0415  see above
    from eth_utils.address import to_checksum_address  # noqa: PLC0415

    return to_checksum_address(keccak256(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])


def sign_digest(secret: bytes, digest: bytes) -> bytes:
    """Return the 65-byte signature r | s | v of a 32-byte digest, v being 27 or 28."""
    from eth_account import Account  # noqa: PLC0415  see above

    return bytes(Account.unsafe_sign_hash(digest, secret).signature)


def sign_transaction(secret: bytes, transaction: Transaction) -> tuple[bytes, bytes]:
    """Return (raw transaction, its 32-byte hash)."""
    from eth_account import Account  # noqa: PLC0415  see above

    fields: dict[str, Any] = {
        "type": 2,
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "maxPriorityFeePerGas": transaction.max_priority_fee,
        "maxFeePerGas": transaction.max_fee,
        "gas": transaction.gas,
        "to": transaction.to or b"",
        "value": transaction.value,
        "data": transaction.data,
        "accessList": [],
    }
    signed = Account.sign_transaction(fields, secret)
    return bytes(signed.raw_transaction), bytes(signed.hash)


def checked_address(field: str, text: str) -> str:
    """Return an address with its checksum (EIP-55). Raises `BadValue` for no address, or a mistyped one."""
    from eth_utils.address import is_address, is_checksum_formatted_address, to_checksum_address  # noqa: PLC0415

    if not text.startswith("0x") or len(text) != 42 or not is_address(text.lower()):
        raise BadValue(field, text, "not an address: 0x and 40 hexadecimal digits")
    found = to_checksum_address(text)
    if is_checksum_formatted_address(text) and text != found:
        raise BadValue(field, text, "mistyped: its checksum does not hold")
    if not int(found, 16):
        raise BadValue(field, text, "the zero address is nobody's")
    return str(found)
