"""Addresses, signatures, transactions and RLP against eth_account, rlp and the EIPs' own examples."""

from __future__ import annotations

import os

import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.accounts import (
    Transaction,
    address_of,
    checksummed,
    created_address,
    sign_digest,
    sign_transaction,
)
from ledger.chain.embedded.transactions import read_transaction
from ledger.chain.rlp import BadRlpError, decode, encode
from ledger.errors import ChainDamaged

SECRET = bytes.fromhex("4646464646464646464646464646464646464646464646464646464646464646")
EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
]


@pytest.mark.parametrize("address", EIP55)
def test_the_checksums_of_eip_55(address: str) -> None:
    assert checksummed(bytes.fromhex(address[2:])) == address


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
    ours = Transaction(31337, nonce, fee // 2, fee, gas, checksummed(to) if to else "", data, value=fee)
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
    assert checksummed(read.sender) == address_of(SECRET)


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
    assert checksummed(read.sender) == address_of(SECRET)
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


items = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=20)


@given(items)
def test_rlp_is_the_reference_implementations(item: object) -> None:
    encoded = rlp.encode(item)
    assert encode(item) == encoded  # type: ignore[arg-type]
    assert decode(encoded) == item


@given(st.binary(max_size=40))
def test_rlp_accepts_only_what_it_would_write(data: bytes) -> None:
    try:
        item = decode(data)
    except BadRlpError:
        return
    assert encode(item) == data


@pytest.mark.parametrize(
    "bad",
    ["", "8100", "b800", "b837" + "00" * 55, "c1", "c281", "f800", "83aabb", "0000", "bb00000001", "c100ff"],
)
def test_rlp_refuses(bad: str) -> None:
    with pytest.raises(BadRlpError):
        decode(bytes.fromhex(bad))


@pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 2**64, 2**256 - 1])
def test_rlp_of_integers(number: int) -> None:
    assert encode(number) == rlp.encode(number)
