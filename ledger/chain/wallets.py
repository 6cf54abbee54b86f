"""Contract wallets as keys: which address is one, and whether it stands by a signature (ERC-1271)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.rpc import RpcRefused
from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from ledger.chain.rpc import Node

#: What the code of an account begins with that has delegated to a contract (EIP-7702): one key speaks for it.
_DELEGATION: Final = "0xef0100"
#: What is called, and what a wallet answers that stands by the signature: the same four bytes.
_IS_VALID: Final = keccak256(b"isValidSignature(bytes32,bytes)")[:4]
_WORD: Final = 32


def code_of(node: Node, address: str, at: str = "latest") -> str:
    """Return the code at an address at a block, in hexadecimal; `0x`: none. Raises `ChainUnavailable`."""
    return str(node.request("eth_getCode", address, at)).lower()


def is_wallet_code(code: str) -> bool:
    """Whether this is a contract's code, whose own rule decides; no delegated account's, which has a key."""
    return len(code) > len("0x") and not code.startswith(_DELEGATION)


def is_delegated(node: Node, address: str) -> bool:
    """Whether an account has delegated to a contract by the latest block. Raises `ChainUnavailable`."""
    return code_of(node, address).startswith(_DELEGATION)


def is_wallet(node: Node, address: str) -> bool:
    """Whether a contract is there whose own rule decides, by the latest block. Raises `ChainUnavailable`."""
    return is_wallet_code(code_of(node, address))


def accepted(node: Node, wallet: str, digest: bytes, signature: bytes, block: int) -> bool | None:
    """Whether a wallet stood by a signature before or after a block; None where the node cannot tell.

    A node need not keep the state of old blocks. Raises `ChainUnavailable`.
    """
    for at in (hex(max(block - 1, 0)), hex(block)):
        try:
            code_of(node, wallet, at)
        except RpcRefused:
            return None
        if accepts(node, wallet, digest, signature, at):
            return True
    return False


def accepts(node: Node, wallet: str, digest: bytes, signature: bytes, at: str = "latest") -> bool:
    """Whether a wallet stands by a signature of a 32-byte digest at a block. Raises `ChainUnavailable`."""
    size, place = len(signature), 2 * _WORD
    padded = signature.ljust(-(-size // _WORD) * _WORD, b"\0")
    data = _IS_VALID + digest + place.to_bytes(_WORD, "big") + size.to_bytes(_WORD, "big") + padded
    try:
        answer = str(node.request("eth_call", {"to": wallet, "data": "0x" + data.hex()}, at))
    except RpcRefused:  # a wallet may say no by an error of its own, as a Safe does
        return False
    return answer.lower() == "0x" + _IS_VALID.hex().ljust(2 * _WORD, "0")
