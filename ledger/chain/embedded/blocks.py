"""Reading the embedded chain: headers, transactions and receipts straight from storage, without the EVM.

py-evm wrote them; this module reads the same bytes with a few lines of RLP, because importing py-evm takes
nearly a second and a reader should not wait for it. The writer puts at most one transaction into a block, so
the tries of transactions and receipts have at most one leaf. Layout: Yellow Paper 4.3, EIPs 1559, 2718, 4788,
4844, 4895 and 7685.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.rlp import BadRlpError, Item, decode_list, to_bytes, to_int, to_list
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.embedded.store import Store

#: Root of an empty trie: keccak256(rlp("")).
EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
_HEADER_FIELDS = 21
#: Hex-prefix encoding of a leaf with the path rlp(0) = 0x80.
_ONLY_LEAF = b"\x20\x80"


class Header(NamedTuple):
    """A block header of the Prague fork. Hashes 32 bytes, bloom 256; `timestamp` Unix seconds, fees wei."""

    hash: bytes
    parent_hash: bytes
    uncles_hash: bytes
    coinbase: bytes
    state_root: bytes
    transaction_root: bytes
    receipt_root: bytes
    bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    base_fee: int
    withdrawals_root: bytes
    blob_gas_used: int
    excess_blob_gas: int
    parent_beacon_root: bytes
    requests_hash: bytes
    size: int


class Log(NamedTuple):
    """One log of a receipt: address 20 bytes, topics 32 bytes each."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Receipt(NamedTuple):
    """The receipt of a block's transaction. `succeeded` is its status; `bloom` 256 bytes."""

    type: int
    succeeded: bool
    gas_used: int
    bloom: bytes
    logs: list[Log]


class Blocks:
    """The canonical chain in a `Store`. Everything raises `ChainDamaged`, naming the block, on bad bytes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def head_number(self) -> int:
        """The number of the last block."""
        try:
            return self._header(self._store[b"v1:canonical_head_hash"], "the last block").number
        except KeyError:
            raise ChainDamaged("the embedded chain has no last block") from None

    def hash_of(self, number: int) -> bytes | None:
        """The hash of the block with this number, if there is one."""
        encoded = self._store.get(b"block-number-to-hash:%d" % number)
        if encoded is None:
            return None
        if len(encoded) != 33:
            raise ChainDamaged(f"block {number}: its hash is not 32 bytes")
        return encoded[1:]

    def header(self, number: int) -> Header | None:
        """The header of the block with this number, if there is one."""
        block_hash = self.hash_of(number)
        if block_hash is None:
            return None
        header = self._header(block_hash, f"block {number}")
        if header.number != number:
            raise ChainDamaged(f"block {number}: its header says it is block {header.number}")
        return header

    def header_by_hash(self, block_hash: bytes) -> Header | None:
        """The header with this hash, if it is a block of the chain."""
        if self._store.get(block_hash) is None:
            return None
        try:
            header = self._header(block_hash, f"block 0x{block_hash.hex()}")
        except ChainDamaged:
            return None  # a trie node or code under this hash, not a header
        return header if self.hash_of(header.number) == block_hash else None

    def transaction(self, header: Header) -> bytes | None:
        """The block's transaction as it was sent, if it has one."""
        return self._only_leaf(header.number, header.transaction_root, "transaction")

    def receipt(self, header: Header) -> Receipt | None:
        """The receipt of the block's transaction, if it has one."""
        encoded = self._only_leaf(header.number, header.receipt_root, "receipt")
        if encoded is None:
            return None
        with _decoding(f"block {header.number}: its receipt"):
            return _receipt(encoded)

    def find(self, transaction_hash: bytes) -> int | None:
        """The number of the block that holds the transaction with this hash, if one does."""
        place = self._store.get(f"transaction-hash-to-block:{transaction_hash!r}".encode())
        if place is None:
            return None
        with _decoding(f"transaction 0x{transaction_hash.hex()}: its place"):
            return to_int(to_list(decode_list(place), 2)[0])

    def _header(self, block_hash: bytes, what: str) -> Header:
        encoded = self._read(block_hash, what)
        with _decoding(f"{what}: its header"):
            return _header(block_hash, encoded)

    def _only_leaf(self, number: int, root: bytes, what: str) -> bytes | None:
        if root == EMPTY_ROOT:
            return None
        node = self._read(root, f"block {number}: its {what}")
        with _decoding(f"block {number}: its {what}"):
            path, value = to_list(decode_list(node), 2)
            if path != _ONLY_LEAF:
                raise BadRlpError("not the only leaf of a trie")
            return to_bytes(value)

    def _read(self, key: bytes, what: str) -> bytes:
        try:
            return self._store[key]
        except KeyError:
            raise ChainDamaged(f"{what} is missing") from None
        except ChainDamaged as error:
            raise ChainDamaged(f"{what} is damaged: {error}") from None


@contextmanager
def _decoding(what: str) -> Iterator[None]:
    try:
        yield
    except BadRlpError as error:
        raise ChainDamaged(f"{what} cannot be decoded: {error}") from None


def _header(block_hash: bytes, encoded: bytes) -> Header:
    """Decode a header. Raises `BadRlpError`."""
    f = to_list(decode_list(encoded), _HEADER_FIELDS)
    hashes = [to_bytes(item, 32) for item in (f[0], f[1], f[3], f[4], f[5], f[13], f[16], f[19], f[20])]
    parent, uncles, state, transactions, receipts, mix, withdrawals, beacon, requests = hashes
    difficulty, number, gas_limit, gas_used, timestamp = map(to_int, f[7:12])
    return Header(
        hash=block_hash,
        parent_hash=parent,
        uncles_hash=uncles,
        coinbase=to_bytes(f[2], 20),
        state_root=state,
        transaction_root=transactions,
        receipt_root=receipts,
        bloom=to_bytes(f[6], 256),
        difficulty=difficulty,
        number=number,
        gas_limit=gas_limit,
        gas_used=gas_used,
        timestamp=timestamp,
        extra_data=to_bytes(f[12]),
        mix_hash=mix,
        nonce=to_bytes(f[14], 8),
        base_fee=to_int(f[15]),
        withdrawals_root=withdrawals,
        blob_gas_used=to_int(f[17]),
        excess_blob_gas=to_int(f[18]),
        parent_beacon_root=beacon,
        requests_hash=requests,
        size=len(encoded),
    )


def _receipt(encoded: bytes) -> Receipt:
    """Decode a receipt, typed (EIP-2718) or not. Raises `BadRlpError`."""
    kind = encoded[0] if encoded[:1] < b"\x80" and encoded else 0
    status, gas_used, bloom, logs = to_list(decode_list(encoded[1:] if kind else encoded), 4)
    if status not in (b"", b"\x01"):
        raise BadRlpError("no status")
    return Receipt(
        kind, status == b"\x01", to_int(gas_used), to_bytes(bloom, 256), [_log(log) for log in to_list(logs)]
    )


def _log(item: Item) -> Log:
    address, topics, data = to_list(item, 3)
    return Log(to_bytes(address, 20), tuple(to_bytes(t, 32) for t in to_list(topics)), to_bytes(data))
