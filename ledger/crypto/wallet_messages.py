"""What a wallet's officers sign: EIP-712 typed data as JSON, and a Safe's own message around it.

Sources: `eth_signTypedData_v4` (EIP-712) for the JSON; Safe's `CompatibilityFallbackHandler` for
`SafeMessage`, its `checkNSignatures` for the order of signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.crypto.hashing import keccak256
from ledger.crypto.typed_data import (
    ANSWER_FIELDS,
    BATCH_FIELDS,
    DOMAIN_FIELDS,
    SIGNATURE_BYTES,
    SignedAnswer,
    SignedBatch,
    answer_digest,
    batch_digest,
    batch_domain,
    signer,
)
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SAFE_DOMAIN: Final = keccak256(b"EIP712Domain(uint256 chainId,address verifyingContract)")
_SAFE_MESSAGE: Final = keccak256(b"SafeMessage(bytes message)")
_ADDRESS_BYTES: Final = 20
_NEITHER: Final = "is the typed data neither of a batch nor of an answer to an objection"


class _Form(NamedTuple):
    """A struct as typed data: its name, its contract's, its fields with their types, and its digest."""

    struct: str
    contract: str
    fields: Mapping[str, str]
    digest: Callable[[bytes, Any], bytes]


_FORMS: Final[Mapping[type[SignedBatch | SignedAnswer], _Form]] = {
    SignedBatch: _Form("RecordBatch", "CreditLedger", BATCH_FIELDS, batch_digest),
    SignedAnswer: _Form("ObjectionAnswer", "Objections", ANSWER_FIELDS, answer_digest),
}


class WalletMessage(NamedTuple):
    """A batch or an answer to be signed, for the contract at an address (`0x`, checksummed) of a chain."""

    chain_id: int
    contract: str
    content: SignedBatch | SignedAnswer

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed, by EIP-712."""
        form, contract = _FORMS[type(self.content)], bytes.fromhex(self.contract[2:])
        domain = batch_domain(self.chain_id, contract, form.contract.encode())
        return form.digest(domain, self.content)

    def to_json(self) -> dict[str, Any]:
        """Return the typed data as wallets read it: `types`, `primaryType`, `domain`, `message`."""
        form = _FORMS[type(self.content)]
        domain = (form.contract, "1", self.chain_id, self.contract)
        return {
            "types": {"EIP712Domain": _fields(DOMAIN_FIELDS), form.struct: _fields(form.fields)},
            "primaryType": form.struct,
            "domain": dict(zip(DOMAIN_FIELDS, domain, strict=True)),
            "message": dict(zip(form.fields, map(_plain, self.content), strict=True)),
        }

    @classmethod
    def from_json(cls, content: object) -> WalletMessage:
        """Read what `to_json` gave; a wallet may have written numbers as text.

        Raises `BadValue` for anything else, which names the field.
        """
        try:
            found = cls._read(content)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, StopIteration):
            raise BadValue("message", "", _NEITHER) from None
        found.refuse_other(content)
        return found

    @classmethod
    def _read(cls, content: Any) -> WalletMessage:
        struct, domain, message = content["primaryType"], content["domain"], content["message"]
        kind, form = next((kind, form) for kind, form in _FORMS.items() if form.struct == struct)
        contract = str(domain["verifyingContract"])
        if len(bytes.fromhex(contract[2:])) != _ADDRESS_BYTES:
            raise ValueError(contract)
        values = [_read_value(message[name], type_) for name, type_ in form.fields.items()]
        return cls(_uint(domain["chainId"], DOMAIN_FIELDS["chainId"]), contract, kind(*values))

    def refuse_other(self, content: object, what: str = "such typed data") -> None:
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


def _plain(value: object) -> object:
    """A field's value in JSON."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return list(value) if isinstance(value, tuple) else value


def _read_value(value: Any, type_: str) -> Any:
    if type_ == "string":
        return str(value)
    if type_ == "bytes32":
        found = bytes.fromhex(value[2:])
        if len(found) != int(type_.removeprefix("bytes")):
            raise ValueError(value)
        return found
    if type_.endswith("[]"):
        return tuple(_uint(each, type_.removesuffix("[]")) for each in value)
    return _uint(value, type_)


def _uint(value: Any, type_: str) -> int:
    found = int(value)
    if not 0 <= found < 1 << int(type_.removeprefix("uint")):
        raise ValueError(value)
    return found


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
