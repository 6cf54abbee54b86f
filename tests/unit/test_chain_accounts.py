"""Addresses, signatures, transactions and strict RLP against the EIPs' own examples and py-evm."""

from __future__ import annotations

import os

import pytest
import rlp
from eth_account import Account
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.accounts import (
    Transaction,
    address_of,
    created_address,
    sign_digest,
    sign_transaction,
)
from ledger.chain.embedded.transactions import read_transaction
from ledger.chain.rlp import BadRlpError, decode_list, to_bytes, to_int
from ledger.errors import ChainDamaged

SECRET = bytes.fromhex("4646464646464646464646464646464646464646464646464646464646464646")
EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
]


def test_the_address_of_the_key_in_eip_155() -> None:
    assert address_of(SECRET) == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"


def test_created_addresses() -> None:
    """The first two contracts of an often quoted sender."""
    sender = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    assert created_address(sender, 0).lower() == "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert created_address(sender, 1).lower() == "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"


@given(
    st.integers(0, 2**60),
    st.integers(0, 2**70),
    st.integers(21_000, 2**24),
    st.one_of(st.just(b""), st.binary(min_size=20, max_size=20)),
    st.binary(max_size=300),
)
def test_a_transaction_is_what_eth_account_signs(
    nonce: int, fee: int, gas: int, to: bytes, data: bytes
) -> None:
    ours = Transaction(
        31337, nonce, fee // 2, fee, gas, to_checksum_address(to) if to else "", data, value=fee
    )
    raw, digest = sign_transaction(SECRET, ours)
    theirs = Account.sign_transaction(
        {
            "type": 2,
            "chainId": 31337,
            "nonce": nonce,
            "maxPriorityFeePerGas": fee // 2,
            "maxFeePerGas": fee,
            "gas": gas,
            "to": to,
            "value": fee,
            "data": data,
        },
        SECRET,
    )
    assert (raw, digest) == (bytes(theirs.raw_transaction), bytes(theirs.hash))
    read = read_transaction(raw)
    assert (read.nonce, read.gas, read.to, read.data, read.value) == (nonce, gas, to, data, fee)
    assert to_checksum_address(read.sender) == address_of(SECRET)


@pytest.mark.parametrize(
    "fields",
    [
        {"gasPrice": 10**9, "chainId": 5},
        {
            "gasPrice": 10**9,
            "chainId": 5,
            "accessList": [{"address": EIP55[1], "storageKeys": ["0x" + "07" * 32]}],
        },
        {"maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1, "chainId": 2**40},
    ],
    ids=["legacy", "access list", "dynamic fee"],
)
def test_reading_the_types_of_transaction(fields: dict[str, object]) -> None:
    signed = Account.sign_transaction(
        {"nonce": 7, "gas": 30_000, "to": EIP55[0], "data": b"\0\1", "value": 3, **fields}, SECRET
    )
    read = read_transaction(bytes(signed.raw_transaction))
    assert read.hash == bytes(signed.hash)
    assert to_checksum_address(read.sender) == address_of(SECRET)
    assert (read.nonce, read.value, read.data, read.chain_id) == (7, 3, b"\0\1", fields["chainId"])
    assert len(read.access_list) == len(fields.get("accessList", []))  # type: ignore[arg-type]


def test_what_is_no_transaction_is_damage() -> None:
    raw, _ = sign_transaction(SECRET, Transaction(1, 0, 0, 0, 21_000, EIP55[0], b""))
    for bad in (raw[:-1], raw + b"\0", b"\x7f" + raw[1:], b"\x02", raw[:1] + b"\xc0"):
        with pytest.raises(ChainDamaged):
            read_transaction(bad)


def test_a_signature_recovers_to_its_key() -> None:
    digest = os.urandom(32)
    signature = sign_digest(SECRET, digest)
    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert Account._recover_hash(digest, signature=signature) == address_of(SECRET)


@given(st.lists(st.binary(max_size=70), max_size=6))
def test_lists_are_read_back(items: list[bytes]) -> None:
    assert decode_list(rlp.encode(items)) == items


@pytest.mark.parametrize("bad", ["", "81", "c1", "c281", "f800", "83616263", "c100ff", "c2b800"])
def test_what_is_no_list_is_refused(bad: str) -> None:
    with pytest.raises(BadRlpError):
        decode_list(bytes.fromhex(bad))


def test_items_of_another_kind_are_refused() -> None:
    for wrong in (b"\0\1", [b""]):
        with pytest.raises(BadRlpError):
            to_int(wrong)  # type: ignore[arg-type]
    with pytest.raises(BadRlpError):
        to_bytes(b"short", 32)
