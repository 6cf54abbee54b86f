"""The typed data that officers sign: as eth-account and Safe have it, and every field that is not the batch's."""

from __future__ import annotations

import copy
import json
from typing import Any

import eth_abi
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.crypto.typed_data import SignedAnswer, SignedBatch
from ledger.crypto.wallet_messages import WalletMessage, joined, safe_digest
from ledger.errors import BadValue

CONTRACT, SAFE = to_checksum_address("0x" + "ab" * 20), to_checksum_address("0x" + "cd" * 20)
BATCH = SignedBatch("US-CPSC", 7, 3, (1, 4, 241), 2, 1_800_000_000, b"\x5a" * 32)
MESSAGE = WalletMessage(31337, CONTRACT, BATCH)


ANSWER = SignedAnswer(4, 9, "US-CPSC", 7, 3, b"\xa5" * 32, 2, 1_800_000_000)


def hashed(signable: Any) -> bytes:
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@pytest.mark.parametrize("message", [MESSAGE, WalletMessage(31337, CONTRACT, ANSWER)])
def test_the_digest_is_that_of_another_implementation_and_the_contracts(message: WalletMessage) -> None:
    written = json.loads(json.dumps(message.to_json()))
    assert hashed(encode_typed_data(full_message=written)) == message.digest
    assert WalletMessage.from_json(written) == message


def test_a_safes_message_is_that_of_another_implementation() -> None:
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "SafeMessage": [{"name": "message", "type": "bytes"}],
        },
        "primaryType": "SafeMessage",
        "domain": {"chainId": 31337, "verifyingContract": SAFE},
        "message": {"message": eth_abi.encode(["bytes32"], [MESSAGE.digest])},
    }
    assert hashed(encode_typed_data(full_message=typed)) == safe_digest(31337, SAFE, MESSAGE.digest)


def test_numbers_may_come_back_as_text() -> None:
    written = MESSAGE.to_json()
    written["domain"]["chainId"] = "31337"
    written["message"] |= {"firstNumber": "7", "types": ["1", "4", "241"], "deadline": "1800000000"}
    assert WalletMessage.from_json(written) == MESSAGE


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("domain.chainId", 1),
        ("domain.name", "Other"),
        ("domain.verifyingContract", SAFE),
        ("domain.salt", "0x00"),
        ("message.authority", "GACC"),
        ("message.firstNumber", 8),
        ("message.count", 4),
        ("message.types", [1, 4]),
        ("message.types.1", 5),
        ("message.epoch", 3),
        ("message.deadline", 1_800_000_001),
        ("message.recordsHash", "0x" + "5b" * 32),
        ("message.count", None),
        ("message.count", True),
        ("message.more", 1),
        ("primaryType", "Other"),
        ("types.RecordBatch.1.type", "uint64"),
        ("more", {}),
    ],
)
def test_the_field_that_differs_is_named(path: str, value: object) -> None:
    changed: Any = copy.deepcopy(MESSAGE.to_json())
    place, *steps = changed, *path.split(".")
    for step in steps[:-1]:
        place = place[int(step)] if isinstance(place, list) else place[step]
    last: Any = int(steps[-1]) if isinstance(place, list) else steps[-1]
    place[last] = value
    with pytest.raises(BadValue) as caught:
        MESSAGE.refuse_other(changed, "the batch that waits")
    assert caught.value.field == path
    assert "the batch that waits has" in caught.value.reason


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"domain": {}, "message": {}},
        {**MESSAGE.to_json(), "message": 5},
        {**MESSAGE.to_json(), "primaryType": "Other"},
        {**MESSAGE.to_json(), "message": {**MESSAGE.to_json()["message"], "deadline": 1 << 64}},
        {**MESSAGE.to_json(), "message": {**MESSAGE.to_json()["message"], "firstNumber": -1}},
        {**MESSAGE.to_json(), "message": {**MESSAGE.to_json()["message"], "recordsHash": "0x12"}},
        {**MESSAGE.to_json(), "message": {**MESSAGE.to_json()["message"], "recordsHash": 12}},
        {**MESSAGE.to_json(), "domain": {**MESSAGE.to_json()["domain"], "chainId": 1 << 256}},
        {**MESSAGE.to_json(), "domain": {**MESSAGE.to_json()["domain"], "verifyingContract": "0xzz"}},
    ],
)
def test_what_is_neither_is_refused_in_a_sentence(broken: object) -> None:
    with pytest.raises(BadValue):
        WalletMessage.from_json(broken)


def test_owners_signatures_are_joined_in_the_order_of_their_addresses() -> None:
    digest = safe_digest(1, SAFE, MESSAGE.digest)
    officers = sorted((Account.create() for _ in range(4)), key=lambda each: int(each.address, 16))
    signed = [bytes(Account.unsafe_sign_hash(digest, each.key).signature) for each in officers]
    assert joined([signed[2], signed[0], signed[3], signed[0]], digest) == signed[0] + signed[2] + signed[3]
    assert joined([b"any"], digest) == b"any", "a wallet's own signature is for the wallet to judge"
    for wrong in (b"any", signed[0][:64] + b"\x05", b"\0" * 65):
        with pytest.raises(BadValue, match="no account's signature"):
            joined([signed[1], wrong], digest)
