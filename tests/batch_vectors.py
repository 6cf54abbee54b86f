"""The vectors in tests/vectors/batches.json, which the contracts and the Python code are both held against.

Nothing here uses the ledger's own code: digests come from eth_account's EIP-712, encodings and heads from eth_abi,
roots from the slow reference.
"""

from __future__ import annotations

import random
from itertools import groupby
from typing import TYPE_CHECKING, Any

import merkle_reference as reference
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak, to_checksum_address
from rlp import encode as rlp_encode

if TYPE_CHECKING:
    from collections.abc import Iterator

RANDOM = random.Random(712)
TIME = 1_790_000_000
TODAY = (TIME + 8 * 3600) // 86400
CHAIN_ID = 31337
SECRET = keccak(b"the officer of the vectors")
KEY = Account.from_key(SECRET).address
DEPLOYER = keccak(b"the deployer of the vectors")[12:]
CONTRACT = to_checksum_address(keccak(rlp_encode([DEPLOYER, 0]))[12:])
CODE, AUTHORITY, FIRMS = "GACC", 1, 40
MANDATE = sum(1 << kind for kind in (*range(1, 16), 91, *range(240, 244), 248, 249))
SIZES = (1, 2, 3, 5, 8, 13, 40, 100, 250)
FIELDS = ("uint64", "uint16", "uint8", "uint32", "uint32", "uint64", "uint40", "bytes32")
STRUCT = {
    "authority": "string",
    "firstNumber": "uint48",
    "count": "uint32",
    "types": "uint16[]",
    "epoch": "uint64",
    "deadline": "uint64",
    "recordsHash": "bytes32",
}
Fields = tuple[int, int, int, int, int, int, int, bytes]


def pack(fields: Fields) -> bytes:
    """A record's 64 bytes: each field as the last bytes of its ABI word."""
    widths = (8, 2, 1, 4, 4, 8, 5, 32)
    words = [encode([kind], [value]) for kind, value in zip(FIELDS, fields, strict=True)]
    return b"".join(word[32 - width :] for word, width in zip(words, widths, strict=True))


def types_in(records: bytes) -> list[int]:
    return sorted({int.from_bytes(records[at + 8 : at + 10], "big") for at in range(0, len(records), 64)})


def call(first_number: int, records: bytes, **changed: Any) -> dict[str, Any]:
    """A call of `recordSigned`; `changed`: what is signed otherwise than it is posted, or posted otherwise."""
    said = {
        "authority": CODE, "firstNumber": first_number, "count": len(records) // 64, "types": types_in(records),
        "epoch": 0, "deadline": TIME + 3600, "recordsHash": keccak(records),
    }  # fmt: skip
    signed = said | {name: value for name, value in changed.items() if name in STRUCT}
    domain = {
        "name": "CreditLedger", "version": "1",
        "chainId": changed.get("chain_id", CHAIN_ID), "verifyingContract": changed.get("contract", CONTRACT),
    }  # fmt: skip
    struct = [{"name": name, "type": kind} for name, kind in STRUCT.items()]
    message = encode_typed_data(domain, {"RecordBatch": struct}, signed)
    signature = bytes(Account.sign_message(message, changed.get("secret", SECRET)).signature)
    return {
        "first_number": first_number,
        "types": said["types"],
        "deadline": changed.get("posted_deadline", said["deadline"]),
        "key": KEY,
        "records": "0x" + records.hex(),
        "signature": "0x" + changed.get("signature", signature).hex(),
        "digest": "0x" + keccak(b"\x19" + message.version + message.header + message.body).hex(),
    }


class Model:
    """The ledger as its interface describes it, and as slow as it likes."""

    def __init__(self) -> None:
        self.commitments = [RANDOM.randbytes(32) for _ in range(FIRMS)]
        self.heads = {
            number: keccak(encode(["uint64", "bytes32"], [number, commitment]))
            for number, commitment in enumerate(self.commitments, 1)
        }
        self.ids: dict[int, list[int]] = {number: [] for number in self.heads}
        self.leaves: list[bytes] = []
        self.written = 0

    def write(self, records: bytes) -> dict[str, str]:
        """Record a batch; the heads it moves, by enterprise."""
        moved, number = {}, self.written + 1
        each = [records[at : at + 64] for at in range(0, len(records), 64)]
        for enterprise, group in groupby(each, key=lambda record: int.from_bytes(record[:8], "big")):
            run = list(group)
            first_id = encode(["uint256"], [AUTHORITY << 48 | number])
            self.heads[enterprise] = keccak(self.heads[enterprise] + first_id + b"".join(run))
            self.leaves.append(encode(["uint64"], [enterprise])[24:] + self.heads[enterprise])
            moved[str(enterprise)] = "0x" + self.heads[enterprise].hex()
            self.ids[enterprise] += [AUTHORITY << 48 | number + at for at in range(len(run))]
            number += len(run)
        self.written = number - 1
        return moved


def event(enterprise: int = 1, **changed: Any) -> bytes:
    """An ordinary event's record; any field otherwise."""
    names = ("enterprise", "type", "severity", "conduct_on", "decided_on", "ref", "spare", "commitment")
    usual = (enterprise, 1, 2, TODAY - 30, TODAY, 0, 0, keccak(encode(["uint64"], [enterprise])))
    return pack(tuple(changed.get(name, value) for name, value in zip(names, usual, strict=True)))  # type: ignore[arg-type]


def any_record(enterprise: int, earlier: list[int]) -> bytes:
    """A record that may be written; `earlier`: the ids of those about the enterprise."""
    kinds = [*range(1, 16), 91, *((240, 241, 242, 243) if earlier else ()), 248, 249]
    kind, ref = RANDOM.choice(kinds), 0
    if kind >= 248:
        ref = RANDOM.choice([number for number in range(1, FIRMS + 1) if number != enterprise])
    elif kind >= 240:
        ref = RANDOM.choice(earlier)
    decided_on = TODAY - RANDOM.randint(0, 700)
    conduct_on = decided_on - RANDOM.randint(0, 400)
    severity = RANDOM.randint(0, 3)
    return pack((enterprise, kind, severity, conduct_on, decided_on, ref, 0, RANDOM.randbytes(32)))


def batches(model: Model) -> Iterator[dict[str, Any]]:
    for size in SIZES:
        firms = sorted(RANDOM.choices(range(1, FIRMS + 1), k=size))
        records = b"".join(any_record(firm, model.ids[firm]) for firm in firms)
        made = call(model.written + 1, records)
        heads = model.write(records)
        root = "0x" + reference.mth(model.leaves).hex()
        yield made | {"heads": heads, "log_size": len(model.leaves), "root": root}


def hostile(model: Model) -> Iterator[dict[str, Any]]:
    """Calls after those batches, each with what the contract reverts with, and what a replay would call it."""
    first = model.written + 1

    def case(name: str, error: str, arguments: list[Any], says: str, made: dict[str, Any]) -> dict[str, Any]:
        kinds = error[error.index("(") + 1 : -1]
        revert = keccak(error.encode())[:4] + encode(kinds.split(",") if kinds else [], arguments)
        return {"name": name, "error": error, "revert": "0x" + revert.hex(), "deviation": says, **made}

    def fault(name: str, error: str, arguments: list[Any], says: str, records: bytes) -> dict[str, Any]:
        return case(name, error, arguments, says, call(first, records))

    good, mine = event(), AUTHORITY << 48
    yield fault("no record", "InvalidLength(uint256)", [0], "batch of no size", b"")
    yield fault("a byte short", "InvalidLength(uint256)", [127], "bad record", (good * 2)[:-1])
    yield fault("1,001 records", "InvalidLength(uint256)", [64064], "batch of no size", good * 1001)
    for name, number, says in (
        ("a batch again", 1, "number repeated"),
        ("the last number again", first - 1, "number repeated"),
        ("a number left out", first + 1, "number gap"),
        ("number 0", 0, "number repeated"),
    ):
        yield case(name, "WrongNumber(uint48)", [first], says, call(number, good))
    unknown = "UnknownEnterprise(uint256,uint64)"
    yield fault("nobody", unknown, [0, 0], "unknown enterprise", event(0))
    yield fault(
        "an enterprise to come", unknown, [1, FIRMS + 1], "unknown enterprise", good + event(FIRMS + 1)
    )
    yield fault("not sorted", "Unsorted(uint256)", [1], "batch not sorted", event(2) + good)
    yield fault("one enterprise twice", "Unsorted(uint256)", [2], "batch not sorted", good + event(2) + good)
    for bit in (0, 7, 39):
        spoiled = good + event(spare=1 << bit)
        yield fault(f"spare bit {bit}", "SpareBitsSet(uint256)", [1], "bad record", spoiled)
    for severity in (4, 255):
        records, error = event(severity=severity), "InvalidSeverity(uint256,uint8)"
        yield fault(f"severity {severity}", error, [0, severity], "bad record", records)
    for kind in (0, 16, 244, 250, 256, 65535):
        records, error = (
            event(type=kind, ref=mine + 1 if kind == 244 else 0),
            "TypeOutsideMandate(uint256,uint16)",
        )
        yield fault(f"type {kind}", error, [0, kind], "type outside the mandate", records)
    late = event(conduct_on=TODAY, decided_on=TODAY - 1)
    error = "DecidedBeforeConduct(uint256,uint32,uint32)"
    yield fault("decided before it happened", error, [0, TODAY, TODAY - 1], "conduct after decision", late)
    error, tomorrow = "DecidedInFuture(uint256,uint32,uint32)", event(decided_on=TODAY + 1)
    yield fault("decided tomorrow", error, [0, TODAY + 1, TODAY], "decision after its block", tomorrow)
    for name, kind, ref, says in (
        ("an event that refers", 1, 1, "event with a reference"),
        ("a correction of nothing", 240, mine, "refers to an unknown record"),
        ("a correction of itself", 240, mine + first, "refers to no earlier record"),
        ("a correction of another authority's", 240, (2 << 48) + 1, "refers to another authority's record"),
        ("a link to nobody", 248, 0, "link to no other enterprise"),
        ("a link to itself", 248, 1, "link to no other enterprise"),
        ("a link to an enterprise to come", 249, FIRMS + 1, "link to no other enterprise"),
    ):
        records = event(type=kind, ref=ref)
        yield fault(name, "InvalidReference(uint256,uint64)", [0, ref], says, records)
    yield from hostile_signatures(first, good, case)


def hostile_signatures(first: int, good: bytes, case: Any) -> Iterator[dict[str, Any]]:
    says = "batch without its key's signature"

    def forged(name: str, **changed: Any) -> dict[str, Any]:
        return case(name, "InvalidSignature(address)", [KEY], says, call(first, good, **changed))

    raw = bytes.fromhex(call(first, good)["signature"][2:])
    r, s, v = raw[:32], raw[32:64], raw[64]
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(s, "big")).to_bytes(32, "big")
    yield forged("signed by somebody else", secret=keccak(b"somebody else"))
    yield forged("signed for another chain", chain_id=1)
    yield forged("signed for another contract", contract="0x" + "11" * 20)
    yield forged("signed for another authority", authority="SAMR")
    yield forged("signed for another number", firstNumber=first + 1)
    yield forged("signed for another count", count=2)
    yield forged("signed for other types", types=[2])
    yield forged("signed for more types", types=[1, 2])
    yield forged("signed for no types", types=[])
    yield forged("signed for a type twice", types=[1, 1])
    yield forged("signed in another epoch", epoch=1)
    yield forged("signed for another deadline", deadline=TIME + 3601)
    yield forged("signed for other records", recordsHash=keccak(event(2)))
    yield forged("the mirrored signature", signature=r + high + bytes([55 - v]))
    yield forged("v of 0", signature=r + s + b"\0")
    yield forged("a byte short", signature=r + s)
    yield forged("a byte long", signature=r + s + bytes([v, 0]))
    yield forged("no signature", signature=b"")
    error, late = "SignatureExpired(uint64)", {"deadline": TIME - 1, "posted_deadline": TIME - 1}
    yield case("a second late", error, [TIME - 1], says, call(first, good, **late))


def batch_vectors() -> dict[str, Any]:
    model = Model()
    made = list(batches(model))
    return {
        "source": "tests/batch_vectors.py: eth_account, eth_abi, tests/merkle_reference.py",
        "time": TIME,
        "chain_id": CHAIN_ID,
        "deployer": to_checksum_address(DEPLOYER),
        "contract": CONTRACT,
        "key": KEY,
        "code": CODE,
        "mandate": "0x" + MANDATE.to_bytes(32, "big").hex(),
        "commitments": ["0x" + each.hex() for each in model.commitments],
        "batches": made,
        "hostile": list(hostile(model)),
    }
