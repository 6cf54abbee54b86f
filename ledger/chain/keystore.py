"""The keystore: signing keys and the document keys of this installation, in one encrypted file.

    {"version": 1, "kdf": {"name": "scrypt", "n": 32768, "r": 8, "p": 1, "salt": hex},
     "keys": {name: {"address": "0x...", "sealed": hex}},
     "secrets": {"master": hex, "mac": hex, "checkpoint"?: hex}}

scrypt (RFC 7914) turns the passphrase into a key-encryption key; n = 2^15, r = 8 needs 32 MiB and some tenth
of a second, once per process. Every 32-byte secret is sealed on its own with AES-256-GCM (`nonce 12 |
ciphertext 32 | tag 16`), with its purpose, name and address as associated data: entries cannot change places.
The file has mode 0600 and is replaced as a whole, so a crash leaves the old file or the new one.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from typing import TYPE_CHECKING, Any, cast

from ledger.chain.accounts import Transaction, address_of, sign_digest, sign_transaction
from ledger.errors import Misconfigured
from ledger.files import locked, write_private, writing
from ledger.json_text import read_json

if TYPE_CHECKING:
    from pathlib import Path

_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
#: A file that asks for more memory than this was not written here.
_MAX_SCRYPT_MEMORY = 1 << 28
_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
#: Its file, in the data folder.
KEYSTORE = "keystore.json"
#: Keys every installation has: who deploys, who governs, and who registers, relays and assesses.
FIRST_NAMES = ("deployer", "governor", "operator")


def authority_key(code: str) -> str:
    """Return the name under which the keystore holds the key of the authority `code`."""
    return f"authority:{code}"


class Keystore:
    """Keys by name. Secrets are decrypted on use; only document and checkpoint keys leave this object."""

    def __init__(self, path: Path, kek: bytes, content: dict[str, Any]) -> None:
        self._path = path
        self._kek = kek
        self._content = content

    @classmethod
    def open_or_create(cls, path: Path, passphrase: str) -> Keystore:
        """Open the file, or create it with `FIRST_NAMES` and fresh document keys.

        Raises `Misconfigured` if the passphrase is wrong or empty, or if the file is not a keystore.
        """
        if not passphrase:
            raise Misconfigured("the keystore's passphrase is empty")
        with locked(path.with_suffix(".lock")):
            if path.exists():
                return cls._open(path, passphrase)
            salt = os.urandom(16)
            content: dict[str, Any] = {
                "version": 1,
                "kdf": {"name": "scrypt", **_SCRYPT, "salt": salt.hex()},
                "keys": {},
                "secrets": {},
            }
            store = cls(path, _derive(passphrase, content["kdf"]), content)
            for purpose in ("master", "mac"):
                content["secrets"][purpose] = store._seal(os.urandom(32), _secret_context(purpose))
            for name in FIRST_NAMES:
                store._new_key(name)
            store._save()
            return store

    @classmethod
    def _open(cls, path: Path, passphrase: str) -> Keystore:
        content = _read(path)
        store = cls(path, _derive(passphrase, content["kdf"]), content)
        store._unseal(content["secrets"]["mac"], _secret_context("mac"))
        return store

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all keys, in the order they were made."""
        return tuple(self._content["keys"])

    @property
    def master_key(self) -> bytes:
        """The 32-byte key that per-record document keys are wrapped under."""
        return self._unseal(self._content["secrets"]["master"], _secret_context("master"))

    @property
    def mac_key(self) -> bytes:
        """The 32-byte key for keyed digests of identifiers and API keys."""
        return self._unseal(self._content["secrets"]["mac"], _secret_context("mac"))

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that tell this keystore's secrets from any other's, and nothing else of them."""
        return hmac.digest(self.mac_key, b"credit-ledger keystore 1|fingerprint|" + self.master_key, "sha256")

    @property
    def checkpoint_key(self) -> bytes:
        """The 32-byte seed of the Ed25519 key that signs checkpoints, made when first asked for."""
        if "checkpoint" not in self._content["secrets"]:
            with locked(self._path.with_suffix(".lock")):
                self._content = _read(self._path)  # another process may have made it meanwhile
                if "checkpoint" not in self._content["secrets"]:
                    fresh = self._seal(os.urandom(32), _secret_context("checkpoint"))
                    self._content["secrets"]["checkpoint"] = fresh
                    self._save()
        return self._unseal(self._content["secrets"]["checkpoint"], _secret_context("checkpoint"))

    def address(self, name: str) -> str:
        """Return the checksummed address of a key. Raises `Misconfigured` if there is none of that name."""
        return str(self._entry(name)["address"])

    def refresh(self) -> None:
        """Take up keys that another process has made since. Raises `Misconfigured` if the file is damaged."""
        with locked(self._path.with_suffix(".lock")):
            self._content = _read(self._path)

    def ensure(self, name: str) -> str:
        """Return the address of the key `name`, making the key if there is none."""
        if name not in self._content["keys"]:
            with locked(self._path.with_suffix(".lock")):
                self._content = _read(self._path)  # another process may have added keys meanwhile
                if name not in self._content["keys"]:
                    self._new_key(name)
                    self._save()
        return self.address(name)

    def sign_transaction(self, name: str, transaction: Transaction) -> tuple[bytes, bytes]:
        """Sign with the key `name`. Returns (raw transaction, its hash)."""
        return sign_transaction(self._secret(name), transaction)

    def sign_batch(self, name: str, digest: bytes) -> bytes:
        """Return the 65-byte signature r | s | v of a 32-byte EIP-712 digest."""
        return sign_digest(self._secret(name), digest)

    def _entry(self, name: str) -> dict[str, str]:
        try:
            entry: dict[str, str] = self._content["keys"][name]
        except KeyError:
            raise Misconfigured(f"the keystore {self._path} has no key named {name!r}") from None
        return entry

    def _secret(self, name: str) -> bytes:
        entry = self._entry(name)
        return self._unseal(entry["sealed"], _key_context(name, entry["address"]))

    def _new_key(self, name: str) -> None:
        secret = (1 + secrets.randbelow(_ORDER - 1)).to_bytes(32, "big")
        address = address_of(secret)
        sealed = self._seal(secret, _key_context(name, address))
        self._content["keys"][name] = {"address": address, "sealed": sealed}

    def _seal(self, secret: bytes, context: bytes) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  on use

        nonce = os.urandom(12)
        return (nonce + AESGCM(self._kek).encrypt(nonce, secret, context)).hex()

    def _unseal(self, sealed: str, context: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  on use
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  on use

        try:
            raw = bytes.fromhex(sealed)
            return AESGCM(self._kek).decrypt(raw[:12], raw[12:], context)
        except (InvalidTag, ValueError):
            raise Misconfigured(
                f"the passphrase does not open the keystore {self._path} (or its file was altered)"
            ) from None

    def _save(self) -> None:
        content = json.dumps(self._content, indent=1).encode()
        _parsed(self._path, content)  # what could not be opened again is not written over what can
        with writing():
            write_private(self._path, content)


def _key_context(name: str, address: str) -> bytes:
    return f"credit-ledger keystore 1|secp256k1|{name}|{address}".encode()


def _secret_context(purpose: str) -> bytes:
    return f"credit-ledger keystore 1|secret|{purpose}".encode()


def _derive(passphrase: str, kdf: dict[str, Any]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415  on use

    return Scrypt(bytes.fromhex(kdf["salt"]), 32, kdf["n"], kdf["r"], kdf["p"]).derive(passphrase.encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path, path.read_bytes())
    except OSError as error:
        raise Misconfigured(f"{path} is not a keystore: {error}") from None


def _parsed(path: Path, raw: bytes) -> dict[str, Any]:
    """Check a keystore's form, before any of it is used."""
    try:
        content = cast("dict[str, Any]", read_json(raw))
        kdf = content["kdf"]
        good = (
            content["version"] == 1
            and kdf["name"] == "scrypt"
            and 128 * kdf["n"] * kdf["r"] <= _MAX_SCRYPT_MEMORY
        )
        bytes.fromhex(kdf["salt"])
        good &= all(isinstance(content["secrets"][purpose], str) for purpose in ("master", "mac"))
        good &= all({"address", "sealed"} <= entry.keys() for entry in content["keys"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{path} is not a keystore: {error}") from None
    if not good:
        raise Misconfigured(f"{path} is not a keystore of a known version")
    return content


def read_passphrase(passphrase: str | None, passphrase_file: Path | None, data_dir: Path) -> str:
    """Return the keystore's passphrase: the one given, else the file's, else `DATA_DIR/passphrase`.

    The last is generated (256 random bits, mode 0600) when nothing is set and it does not exist: whoever can
    read the data folder can then use the keys, so a larger installation sets its own. Raises `Misconfigured`.
    """
    if passphrase is not None:
        return passphrase
    path = passphrase_file or data_dir / "passphrase"
    with locked((data_dir / KEYSTORE).with_suffix(".lock")):
        if passphrase_file is None and not path.exists():
            if (data_dir / KEYSTORE).exists():
                raise Misconfigured(f"{path} is missing, and the keystore beside it needs it")
            with writing():
                write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
        return passphrase_in(path)


def passphrase_in(path: Path) -> str:
    """Return what a passphrase file holds, without its last line's end. Raises `Misconfigured`."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the passphrase file {path} cannot be read: {error}") from None
    if not text:
        raise Misconfigured(f"the passphrase file {path} is empty")
    return text
