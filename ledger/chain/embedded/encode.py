"""Blocks, transactions, receipts and logs as JSON (github.com/ethereum/execution-apis)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.chain.accounts import created_address
from ledger.chain.embedded.transactions import SignedTransaction, read_transaction
from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.chain.embedded.blocks import Header, Log, Receipt


def data(value: bytes) -> str:
    """Bytes as `0x` text."""
    return "0x" + value.hex()


def block(header: Header, raw: bytes | None, full: bool) -> dict[str, Any]:
    """A block, with its transaction whole (`full`) or as a hash."""
    transactions: list[Any] = []
    if raw is not None:
        transactions = [transaction(header, read_transaction(raw)) if full else data(keccak256(raw))]
    return {
        "number": hex(header.number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.bloom),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": data(header.extra_data),
        "size": hex(_size(header, raw)),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "baseFeePerGas": hex(header.base_fee),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": hex(header.blob_gas_used),
        "excessBlobGas": hex(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_root),
        "requestsHash": data(header.requests_hash),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def transaction(header: Header, t: SignedTransaction) -> dict[str, Any]:
    """A transaction where it stands."""
    shown: dict[str, Any] = {
        "hash": data(t.hash),
        "type": hex(t.type),
        "chainId": hex(t.chain_id),
        "nonce": hex(t.nonce),
        "from": data(t.sender),
        "to": data(t.to) if t.to else None,
        "value": hex(t.value),
        "gas": hex(t.gas),
        "gasPrice": hex(effective_price(header, t)),
        "input": data(t.data),
        "v": hex(t.v),
        "r": hex(t.r),
        "s": hex(t.s),
        "blockHash": data(header.hash),
        "blockNumber": hex(header.number),
        "blockTimestamp": hex(header.timestamp),
        "transactionIndex": "0x0",
    }
    if t.type:
        shown["yParity"] = hex(t.v)
        shown["accessList"] = [
            {"address": data(address), "storageKeys": [data(slot) for slot in slots]}
            for address, slots in t.access_list
        ]
    if t.type > 1:
        shown["maxFeePerGas"] = hex(t.gas_price)
        shown["maxPriorityFeePerGas"] = hex(t.tip)
    return shown


def receipt(header: Header, raw: bytes, r: Receipt) -> dict[str, Any]:
    """The receipt of a block's transaction."""
    t = read_transaction(raw)
    return {
        "transactionHash": data(t.hash),
        "transactionIndex": "0x0",
        "blockHash": data(header.hash),
        "blockNumber": hex(header.number),
        "from": data(t.sender),
        "to": data(t.to) if t.to else None,
        "contractAddress": None if t.to else created_address(data(t.sender), t.nonce).lower(),
        "cumulativeGasUsed": hex(r.gas_used),
        "gasUsed": hex(r.gas_used),
        "effectiveGasPrice": hex(effective_price(header, t)),
        "type": hex(r.type),
        "status": hex(r.succeeded),
        "logsBloom": data(r.bloom),
        "logs": logs(header, data(t.hash), enumerate(r.logs)),
    }


def logs(header: Header, transaction_hash: str, entries: Iterable[tuple[int, Log]]) -> list[dict[str, Any]]:
    """Logs of a block with their indices; its one transaction makes the receipt's indices the block's."""
    shared = {
        "blockNumber": hex(header.number),
        "blockHash": data(header.hash),
        "blockTimestamp": hex(header.timestamp),
        "transactionHash": transaction_hash,
        "transactionIndex": "0x0",
        "removed": False,
    }
    return [
        {
            "address": "0x" + entry.address.hex(),
            "topics": ["0x" + topic.hex() for topic in entry.topics],
            "data": "0x" + entry.data.hex(),
            "logIndex": hex(index),
            **shared,
        }
        for index, entry in entries
    ]


def effective_price(header: Header, t: SignedTransaction) -> int:
    """What the transaction pays per gas, in wei (EIP-1559)."""
    return min(t.gas_price, t.tip + header.base_fee)


def _size(header: Header, raw: bytes | None) -> int:
    """Bytes of the whole block: header, transactions, no uncles, no withdrawals."""
    inner = 0
    if raw is not None:
        typed = raw[0] < 0xC0  # a typed transaction stands in the list as a string
        inner = len(raw) + (_prefix(len(raw)) if typed else 0)
    body = header.size + _prefix(inner) + inner + 2
    return _prefix(body) + body


def _prefix(length: int) -> int:
    return 1 if length < 56 else 1 + (length.bit_length() + 7) // 8
