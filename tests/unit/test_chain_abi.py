"""Calls and results of the contracts, selectors against known ones, and the names of errors."""

from __future__ import annotations

import json
from itertools import starmap
from typing import Any

import eth_abi
import pytest
from batch_vectors import STRUCT
from eth_account.messages import _hash_eip191_message, encode_typed_data

from ledger.chain.abi import (
    ARTIFACTS,
    CONTRACTS,
    decode_result,
    decode_revert,
    encode_call,
    selector,
)
from ledger.chain.contracts import Deployment, batch_digest
from ledger.crypto.hashing import keccak256
from ledger.crypto.typed_data import signed_batch
from ledger.errors import ChainDamaged


def test_selectors() -> None:
    assert selector("AccessManager", "multicall").hex() == "ac9650d8"
    assert selector("Authorities", "authority").hex() == "bf7e214f"
    call = encode_call("ScoreBook", "registerCard", b"\1" * 32, 7)
    assert call == keccak256(b"registerCard(bytes32,uint32)")[:4] + b"\1" * 32 + (7).to_bytes(32, "big")


def test_no_contract_overloads_a_function_or_event() -> None:
    """Functions and events are found by name, so a second one of a name would hide the first."""
    for name in CONTRACTS:
        entries = json.loads((ARTIFACTS / f"{name}.json").read_bytes())["abi"]
        for kind in ("function", "event"):
            names = [e["name"] for e in entries if e["type"] == kind]
            assert len(names) == len(set(names)), (name, kind)


@pytest.mark.parametrize(
    ("signature", "types", "values", "shown"),
    [
        ("WrongNumber(uint48)", ["uint48"], [5], "WrongNumber(expected=5)"),
        ("WrongEnterprise(uint64)", ["uint64"], [101], "WrongEnterprise(expected=101)"),
        ("Suspended(uint16)", ["uint16"], [3], "Suspended(authority=3)"),
        (
            "TypeOutsideMandate(uint256,uint16)",
            ["uint256", "uint16"],
            [4, 91],
            "TypeOutsideMandate(index=4, recordType=91)",
        ),
        ("Error(string)", ["string"], ["no"], "Error(message=no)"),
        ("Panic(uint256)", ["uint256"], [17], "Panic(code=17)"),
    ],
)
def test_errors_by_name(signature: str, types: list[str], values: list[Any], shown: str) -> None:
    data = keccak256(signature.encode())[:4] + eth_abi.encode(types, values)
    assert decode_revert(data) == shown


@pytest.mark.parametrize("data", ["", "01", "deadbeef", "deadbeef" + "00" * 32])
def test_errors_nobody_knows(data: str) -> None:
    assert decode_revert(bytes.fromhex(data)) is None


def test_a_result_that_is_none() -> None:
    with pytest.raises(ChainDamaged):
        decode_result("CreditLedger", "root", b"\0" * 31)


def test_the_digest_is_that_of_eip_712(tmp_path: Any) -> None:
    """Against eth_account's own implementation of EIP-712."""

    where = "0x" + "ab" * 20
    deployment = Deployment(77, "0x" + "00" * 32, *[where] * 6, 0)
    records = bytes(range(128))
    message = encode_typed_data(
        {"name": "CreditLedger", "version": "1", "chainId": 77, "verifyingContract": where},
        {"RecordBatch": list(starmap(lambda n, t: {"name": n, "type": t}, STRUCT.items()))},
        {
            "authority": "US-CPSC",
            "firstNumber": 9,
            "count": 2,
            "types": [0x0809, 0x4849],
            "epoch": 5,
            "deadline": 10**10,
            "recordsHash": keccak256(records),
        },
    )
    assert batch_digest(deployment, signed_batch("US-CPSC", 9, records, 10**10, 5)) == bytes(
        _hash_eip191_message(message)
    )
