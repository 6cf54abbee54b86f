"""What a wallet's officers sign for a batch: EIP-712 typed data as JSON, and a Safe's own message around it.

Sources: `eth_signTypedData_v4` (EIP-712) for the JSON; Safe's `CompatibilityFallbackHandler` for
`SafeMessage`, its `checkNSignatures` for the order of signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.crypto.hashing import keccak256
from ledger.crypto.typed_data import (
    BATCH_FIELDS,
    DOMAIN_FIELDS,
    SIGNATURE_BYTES,
    SignedBatch,
    batch_digest,
    batch_domain,
    signer,
)
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAFE_DOMAIN: Final = keccak256(b"EIP712Domain(uint256 chainId,address verifyingContract)")
_SAFE_MESSAGE: Final = keccak256(b"SafeMessage(bytes message)")


class BatchMessage(NamedTuple):
    """A batch to be signed for the ledger at the address `contract` (`0x`, checksummed) of a chain."""

    chain_id: int
    contract: str
    batch: SignedBatch

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed, by EIP-712."""
        domain = batch_domain(self.chain_id, bytes.fromhex(self.contract[2:]))
        return batch_digest(domain, self.batch)

    def to_json(self) -> dict[str, Any]:
        """Return the typed data as wallets read it: `types`, `primaryType`, `domain`, `message`."""
        values = (*self.batch[:3], list(self.batch.types), *self.batch[4:6], "0x" + self.batch[6].hex())
        domain = ("CreditLedger", "1", self.chain_id, self.contract)
        return {
            "types": {"EIP712Domain": _fields(DOMAIN_FIELDS), "RecordBatch": _fields(BATCH_FIELDS)},
            "primaryType": "RecordBatch",
            "domain": dict(zip(DOMAIN_FIELDS, domain, strict=True)),
            "message": dict(zip(BATCH_FIELDS, values, strict=True)),
        }

    @classmethod
    def from_json(cls, content: object) -> BatchMessage:
        """Read what `to_json` gave; a wallet may have written numbers as text.

        Raises `BadValue` for anything else, which names the field.
        """
        try:
            found = cls._read(content)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadValue("message", error, "is not the typed data of a batch") from None
        found.refuse_other(content)
        return found

    @classmethod
    def _read(cls, content: Any) -> BatchMessage:
        domain, message = content["domain"], content["message"]
        contract, records = str(domain["verifyingContract"]), bytes.fromhex(message["recordsHash"][2:])
        if len(bytes.fromhex(contract[2:])) != 20 or len(records) != 32:
            raise ValueError(contract, message["recordsHash"])
        first, count, epoch, deadline = (
            _uint(message, name) for name in ("firstNumber", "count", "epoch", "deadline")
        )
        types = tuple(_uint({"types": each}, "types") for each in message["types"])
        batch = SignedBatch(str(message["authority"]), first, count, types, epoch, deadline, records)
        return cls(_uint(domain, "chainId"), contract, batch)

    def refuse_other(self, content: object, what: str = "the typed data of a batch") -> None:
        """Raise `BadValue`, naming the field, if this JSON is not this message (`what`, in words)."""
        place = _difference(self.to_json(), content)
        if place is not None:
            field, own, found = place
            raise BadValue(field, found, f"{what} has {own!r} here")


def safe_digest(chain_id: int, safe: str, digest: bytes) -> bytes:
    """Return what the owners of the Safe at the address `safe` sign for a 32-byte digest: a `SafeMessage`."""
    address = bytes.fromhex(safe[2:]).rjust(32, b"\0")
    domain = keccak256(_SAFE_DOMAIN + chain_id.to_bytes(32, "big") + address)
    return keccak256(b"\x19\x01" + domain + keccak256(_SAFE_MESSAGE + keccak256(digest)))


def joined(signatures: Sequence[bytes], digest: bytes) -> bytes:
    """Return several owners' signatures of `safe_digest` as one, in the order of their addresses.

    A single one may be anything a wallet takes. Raises `BadValue` for what is no signature of this digest.
    """
    if len(signatures) == 1:
        return signatures[0]
    owners: dict[str, bytes] = {}
    for each in signatures:
        owner = signer(digest, each) if len(each) == SIGNATURE_BYTES else None
        if owner is None:
            raise BadValue("signature", each.hex(), "is no account's signature of this message of the wallet")
        owners[owner] = each
    return b"".join(owners[owner] for owner in sorted(owners))


def _fields(types: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": type_} for name, type_ in types.items()]


def _uint(message: Mapping[str, Any], name: str) -> int:
    value = int(message[name])
    bits = (DOMAIN_FIELDS | BATCH_FIELDS)[name].removeprefix("uint").removesuffix("[]")
    if not 0 <= value < 1 << int(bits):
        raise ValueError(name)
    return value


def _difference(expected: Any, found: Any, place: str = "") -> tuple[str, Any, Any] | None:
    """The first place where two documents differ, with what each has there; None if they do not."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(each for each in found if each not in expected)]:
            inner = _difference(expected.get(key), found.get(key), f"{place}.{key}".lstrip("."))
            if inner is not None:
                return inner
        return None
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        places = (_difference(own, other, f"{place}.{at}") for at, (own, other) in pairs)
        return next((each for each in places if each is not None), None)
    same = type(expected) is type(found) or {type(expected), type(found)} == {int, str}
    return None if same and str(expected) == str(found) else (place or "message", expected, found)
