"""`eth_getLogs`: straight from the stored receipts, skipping blocks whose bloom filter rules them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.chain.embedded import encode, params
from ledger.chain.rpc import RpcRefused
from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from ledger.chain.embedded.blocks import Blocks, Header, Log

#: Logs in one answer, in bytes; more is refused, and the client asks for fewer blocks.
MAX_DATA = 16 << 20
#: What a log counts for beside its data: hashes, topics and numbers.
_EACH = 256
_LIMIT_EXCEEDED = -32005

#: Alternatives for one position: any of these, or anything at all.
_Any = frozenset[bytes] | None


class LogFilter:
    """Addresses and topics by position, each a set of alternatives."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._addresses = _alternatives(wanted.get("address"), 20)
        topics = params.given(wanted, "topics", [])
        if not isinstance(topics, list):
            raise TypeError("topics are a list")
        self._topics = [_alternatives(topic, 32) for topic in topics]
        self._blooms = [
            [_bloom(value) for value in values]
            for values in (self._addresses, *self._topics)
            if values is not None
        ]

    def may_be_in(self, header: Header) -> bool:
        """Whether the block's bloom filter leaves room for a match (Yellow Paper 4.3.1)."""
        bloom = int.from_bytes(header.bloom, "big")
        return bloom != 0 and all(
            any(bloom & bits == bits for bits in alternatives) for alternatives in self._blooms
        )

    def matches(self, entry: Log) -> bool:
        """Whether a log is wanted."""
        if self._addresses is not None and entry.address not in self._addresses:
            return False
        if len(self._topics) > len(entry.topics):
            return False
        pairs = zip(self._topics, entry.topics, strict=False)
        return all(wanted is None or topic in wanted for wanted, topic in pairs)


def find_logs(blocks: Blocks, wanted: Any) -> list[dict[str, Any]]:
    """Return the logs wanted, in chain order. Raises `RpcRefused` if that is too much for one answer."""
    if not isinstance(wanted, dict):
        raise TypeError("a filter is an object")
    chosen = LogFilter(wanted)
    found: list[dict[str, Any]] = []
    size = 0
    for header in _headers(blocks, wanted):
        if not chosen.may_be_in(header):
            continue
        receipt, raw = blocks.receipt(header), blocks.transaction(header)
        if receipt is None or raw is None:
            continue
        matching = [(i, entry) for i, entry in enumerate(receipt.logs) if chosen.matches(entry)]
        found += encode.logs(header, encode.data(keccak256(raw)), matching)
        size += sum(_EACH + len(entry.data) for _, entry in matching)
        if size > MAX_DATA:
            raise RpcRefused("query returned too much data; ask for fewer blocks", _LIMIT_EXCEEDED)
    return found


def _headers(blocks: Blocks, wanted: dict[str, Any]) -> Any:
    if wanted.get("blockHash") is not None:
        header = blocks.header_by_hash(params.data(wanted["blockHash"], 32))
        if header is None:
            raise RpcRefused("unknown block", -32000)
        yield header
        return
    first = params.block_number(params.given(wanted, "fromBlock", "latest"), blocks)
    last = min(params.block_number(params.given(wanted, "toBlock", "latest"), blocks), blocks.head_number())
    for number in range(first, last + 1):
        header = blocks.header(number)
        if header is not None:
            yield header


def _alternatives(value: Any, length: int) -> _Any:
    """A position of the filter: one value, a list of alternatives, or nothing for anything."""
    values = value if isinstance(value, list) else [value]
    if value is None or not values or None in values:
        return None
    return frozenset(params.data(item, length) for item in values)


def _bloom(value: bytes) -> int:
    digest = keccak256(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits
