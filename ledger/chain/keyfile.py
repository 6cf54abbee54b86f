"""A file with one key, encrypted under a passphrase: Web3 Secret Storage 3, as wallets write it.

For keys that are not this installation's, such as an enterprise's own: they stay in their owner's file and
never enter the keystore.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from ledger.chain.accounts import address_of, sign_digest, sign_transaction
from ledger.errors import BadValue, Misconfigured
from ledger.files import write_private
from ledger.json_text import read_json_file

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.chain.accounts import Transaction


class KeyFile:
    """The key in an opened file. It answers to any name: there is only one."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._address = address_of(secret)

    @classmethod
    def open(cls, path: Path, passphrase: str) -> KeyFile:
        """Open a file. Raises `Misconfigured` if it is no such file or the passphrase is not its own."""
        from eth_account import Account  # noqa: PLC0415  on use

        try:
            content = read_json_file(path)
        except (OSError, ValueError) as error:
            raise Misconfigured(f"the key file {path} cannot be read: {error}") from None
        try:
            return cls(bytes(Account.decrypt(content, passphrase)))
        except ValueError:
            raise Misconfigured(f"the passphrase does not open the key file {path}") from None
        except (KeyError, TypeError, AttributeError, NotImplementedError):
            raise Misconfigured(f"{path} is not a key file (Web3 Secret Storage, version 3)") from None

    @classmethod
    def make(cls, path: Path, passphrase: str) -> KeyFile:
        """Make a key and its file (mode 0600). Raises `BadValue` if there is a file, or no passphrase."""
        from eth_account import Account  # noqa: PLC0415  on use

        if path.exists():
            raise BadValue("file", path, "exists already; a key is not overwritten")
        if not passphrase:
            raise BadValue("passphrase", "", "is empty")
        made = cls(secrets.token_bytes(32))
        try:
            write_private(path, json.dumps(Account.encrypt(made._secret, passphrase)).encode())
        except OSError as error:
            raise BadValue("file", path, error.strerror or "cannot be written") from None
        return made

    def address(self, name: str = "") -> str:  # noqa: ARG002  as a keystore has it
        """Return the key's checksummed address."""
        return self._address

    def sign_transaction(self, name: str, transaction: Transaction) -> tuple[bytes, bytes]:  # noqa: ARG002
        """Return (raw transaction, its hash)."""
        return sign_transaction(self._secret, transaction)

    def sign_digest(self, digest: bytes) -> bytes:
        """Return the 65-byte signature r | s | v of a 32-byte digest."""
        return sign_digest(self._secret, digest)
