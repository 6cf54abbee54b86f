"""What an authority's key signs for a batch or an answer: EIP-712 typed data, and who signed it.

Sources: EIP-712; the structs `RecordBatch` of `CreditLedger` and `ObjectionAnswer` of `Objections`; the rules
of OpenZeppelin's ECDSA library for what counts as a signature. Keys are secp256k1; recovering one takes
coincurve, loaded when used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The fields of the structs, in order, with their types.
DOMAIN_FIELDS: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
}
BATCH_FIELDS: Final = {
    "authority": "string",
    "firstNumber": "uint48",
    "count": "uint32",
    "types": "uint16[]",
    "epoch": "uint64",
    "deadline": "uint64",
    "recordsHash": "bytes32",
}
ANSWER_FIELDS: Final = {
    "objection": "uint64",
    "enterprise": "uint64",
    "authority": "string",
    "record": "uint48",
    "outcome": "uint8",
    "answer": "bytes32",
    "epoch": "uint64",
    "deadline": "uint64",
}


def _type_hash(name: str, fields: Mapping[str, str]) -> bytes:
    return keccak256(f"{name}({','.join(f'{kind} {field}' for field, kind in fields.items())})".encode())


_DOMAIN_TYPE = _type_hash("EIP712Domain", DOMAIN_FIELDS)
_BATCH_TYPE = _type_hash("RecordBatch", BATCH_FIELDS)
_ANSWER_TYPE = _type_hash("ObjectionAnswer", ANSWER_FIELDS)
#: Half the group's order: of the two signatures with one meaning, the contract takes the one below.
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
SIGNATURE_BYTES = 65
_RECORD, _TYPE_AT = 64, 8


class SignedBatch(NamedTuple):
    """The struct `RecordBatch`, as a wallet shows it to an officer.

    `authority` is its code, `types` are those in the batch, ascending, `deadline` is in Unix seconds, and
    `epoch` is how often the authority had invalidated its signatures when it made this one.
    """

    authority: str
    first_number: int
    count: int  # type: ignore[assignment]  # the struct's own name; hides tuple.count
    types: tuple[int, ...]
    epoch: int
    deadline: int
    records_hash: bytes


def signed_batch(
    authority: str, first_number: int, records: bytes, deadline: int, epoch: int = 0
) -> SignedBatch:
    """Return what is signed for a batch of records of 64 bytes each."""
    count, types = len(records) // _RECORD, types_of(records)
    return SignedBatch(authority, first_number, count, types, epoch, deadline, keccak256(records))


def types_of(records: bytes) -> tuple[int, ...]:
    """Return the types that occur in records of 64 bytes each: once, in ascending order."""
    found = {records[at : at + 2] for at in range(_TYPE_AT, len(records), _RECORD)}
    return tuple(int.from_bytes(each, "big") for each in sorted(found))


def batch_digest(domain: bytes, batch: SignedBatch) -> bytes:
    """Return the digest signed for a batch. `domain` is `batch_domain`'s."""
    content = (
        _BATCH_TYPE,
        keccak256(batch.authority.encode()),
        _word(batch.first_number),
        _word(batch.count),
        keccak256(b"".join(map(_word, batch.types))),
        _word(batch.epoch),
        _word(batch.deadline),
        batch.records_hash,
    )
    return keccak256(b"\x19\x01" + domain + keccak256(b"".join(content)))


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@lru_cache(maxsize=16)
def batch_domain(chain_id: int, contract: bytes, name: bytes = b"CreditLedger") -> bytes:
    """Return the domain separator of a ledger (or, by its name, of its other contract).

    `contract` is the 20-byte address.
    """
    return keccak256(
        _DOMAIN_TYPE + keccak256(name) + keccak256(b"1") + _word(chain_id) + contract.rjust(32, b"\0")
    )


class SignedAnswer(NamedTuple):
    """An answer to an objection as it is signed: whose objection, to which record of which authority.

    `record` is the record's number, `answer` the commitment to the text, `deadline` in Unix seconds.
    """

    objection: int
    enterprise: int
    authority: str
    record: int
    outcome: int
    answer: bytes
    epoch: int
    deadline: int


def answer_digest(domain: bytes, answer: SignedAnswer) -> bytes:
    """Return the digest signed for the answer to an objection. `domain` is that of `Objections`."""
    content = (
        _ANSWER_TYPE,
        _word(answer.objection),
        _word(answer.enterprise),
        keccak256(answer.authority.encode()),
        _word(answer.record),
        _word(answer.outcome),
        answer.answer,
        _word(answer.epoch),
        _word(answer.deadline),
    )
    return keccak256(b"\x19\x01" + domain + keccak256(b"".join(content)))


def signer(digest: bytes, signature: bytes) -> str | None:
    """Return the address whose key signed a 32-byte digest, in lower case; None for what is no signature.

    A signature is r | s | v of 65 bytes, v being 27 or 28 and s in the lower half, as the contract takes it.
    Raises `ImportError` where coincurve is not installed.
    """
    from coincurve import PublicKey  # noqa: PLC0415  a verifier of files does without until it needs one

    if len(signature) != SIGNATURE_BYTES or signature[64] not in {27, 28}:
        return None
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        return None
    recoverable = signature[:64] + bytes([signature[64] - 27])
    try:
        key = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except Exception:  # noqa: BLE001  coincurve raises bare Exception for a point that is not on the curve
        return None
    return "0x" + keccak256(key.format(compressed=False)[1:])[12:].hex()
