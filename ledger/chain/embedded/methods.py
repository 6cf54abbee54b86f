"""The JSON-RPC method table of the embedded chain, one for this process and for the loopback server.

Parameters and results are those of ordinary nodes (github.com/ethereum/execution-apis). The chain has no pool
and no forks: `pending`, `safe` and `finalized` are `latest`, except that `eth_call` at `pending` executes in
the block to come. Two methods are this chain's own: `ledger_clock` says by what it makes its blocks, and
`ledger_clockIsRight` that somebody looked. Errors are `RpcRefused` with JSON-RPC codes, `ChainDamaged`, or
`WrongClock`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ledger.chain.embedded import encode, params
from ledger.chain.embedded.blocks import Blocks
from ledger.chain.embedded.clock import reading_of
from ledger.chain.embedded.filters import find_logs
from ledger.chain.embedded.rules import BLOCK_GAS, CHAIN_ID
from ledger.chain.embedded.transactions import read_transaction
from ledger.chain.rpc import RpcRefused
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.chain.embedded.blocks import Header
    from ledger.chain.embedded.clock import ChainClock
    from ledger.chain.embedded.evm import CallRequest, Evm
    from ledger.chain.embedded.store import Store

#: The methods that change the chain.
WRITING = frozenset({"eth_sendRawTransaction", "ledger_clockIsRight"})
#: Percentiles of a fee history, as in geth.
PERCENTILES = 100
_NOT_FOUND, _INVALID = -32601, -32602
_FIXED: dict[str, Any] = {
    "eth_accounts": [],
    "eth_maxPriorityFeePerGas": "0x0",
    "eth_syncing": False,
    "net_listening": True,
    "eth_chainId": hex(CHAIN_ID),
    "net_version": str(CHAIN_ID),
}


def _version() -> str:
    from importlib import metadata  # noqa: PLC0415  slow to import, and asked for once

    return f"credit-ledger/{metadata.version('credit-ledger')}"


class Methods:
    """Answers calls on one store. Not thread safe: its owner holds a lock."""

    def __init__(self, store: Store, clock: ChainClock) -> None:
        self._store = store
        self._clock = clock
        self._blocks = Blocks(store)
        self._loaded: Evm | None = None
        self._seconds: float | None = None
        self._table: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": _version,
            "eth_blockNumber": lambda: hex(self._blocks.head_number()),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": self._transaction_count,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": lambda wanted: find_logs(self._blocks, wanted),
            "eth_getTransactionCount": lambda who, at="latest": hex(self._evm.nonce(*self._state(who, at))),
            "eth_getBalance": lambda who, at="latest": hex(self._evm.balance(*self._state(who, at))),
            "eth_getCode": lambda who, at="latest": encode.data(self._evm.code(*self._state(who, at))),
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_gasPrice": lambda: hex(self._next_base_fee()),
            "eth_feeHistory": self._fee_history,
            "eth_sendRawTransaction": lambda raw: encode.data(self._evm.send(params.data(raw))),
            "ledger_clock": self._clock_now,
            "ledger_clockIsRight": self._clock.accept,
        }

    def answer(self, method: str, arguments: Sequence[Any], seconds: float | None = None) -> Any:
        """Return a method's result; given `seconds`, code is executed for as long at most (see `bounded`).

        Raises `RpcRefused` (unknown method, bad parameters, refusals).
        """
        self._seconds = seconds
        if method in _FIXED:
            return _FIXED[method]
        handler = self._table.get(method)
        if handler is None:
            raise RpcRefused(f"the method {method} does not exist/is not available", _NOT_FOUND)
        try:
            return handler(*arguments)
        except LedgerError:
            raise
        except (TypeError, ValueError) as error:
            raise RpcRefused(f"invalid parameters: {error}", _INVALID) from None

    @property
    def _evm(self) -> Evm:
        if self._loaded is None:
            from ledger.chain.embedded.evm import Evm  # noqa: PLC0415  importing py-evm takes a second

            self._loaded = Evm(self._store, self._clock)
        return self._loaded

    def _clock_now(self) -> dict[str, Any]:
        """The clock's time, what it was at the last block, and why no block is made (or null)."""
        last = self._at("latest")
        assert last is not None
        return {
            "now": hex(self._clock.now()),
            "last": hex(reading_of(last)),
            "fault": self._clock.fault(last),
        }

    # ------------------------------------------------------------------ blocks

    def _header(self, at: Any) -> Header | None:
        """The header of a number, tag, hash, or `{"blockNumber"|"blockHash": ...}` (EIP-1898)."""
        if isinstance(at, dict):
            at = at.get("blockHash") or at.get("blockNumber")
        if isinstance(at, str) and len(at) == 66:
            return self._blocks.header_by_hash(params.data(at, 32))
        return self._blocks.header(params.block_number(at, self._blocks))

    def _block_by_number(self, at: Any, full: bool = False) -> dict[str, Any] | None:
        header = self._header(at)
        return None if header is None else self._shown(header, full)

    def _block_by_hash(self, block_hash: Any, full: bool = False) -> dict[str, Any] | None:
        header = self._blocks.header_by_hash(params.data(block_hash, 32))
        return None if header is None else self._shown(header, full)

    def _shown(self, header: Header, full: bool) -> dict[str, Any]:
        return encode.block(header, self._blocks.transaction(header), full)

    def _transaction_count(self, at: Any) -> str | None:
        header = self._header(at)
        return None if header is None else hex(self._blocks.transaction(header) is not None)

    def _block_receipts(self, at: Any) -> list[dict[str, Any]] | None:
        header = self._header(at)
        if header is None:
            return None
        receipt, raw = self._blocks.receipt(header), self._blocks.transaction(header)
        return [] if receipt is None or raw is None else [encode.receipt(header, raw, receipt)]

    def _transaction(self, transaction_hash: Any) -> dict[str, Any] | None:
        header = self._holding(transaction_hash)
        raw = header and self._blocks.transaction(header)
        if header is None or raw is None:
            return None
        return encode.transaction(header, read_transaction(raw))

    def _receipt(self, transaction_hash: Any) -> dict[str, Any] | None:
        header = self._holding(transaction_hash)
        receipts = header and self._block_receipts(hex(header.number))
        return receipts[0] if receipts else None

    def _holding(self, transaction_hash: Any) -> Header | None:
        number = self._blocks.find(params.data(transaction_hash, 32))
        return None if number is None else self._blocks.header(number)

    # ------------------------------------------------------------------ state

    def _at(self, at: Any) -> Header | None:
        """The block whose state is asked for; nothing for the block to come."""
        if at == "pending":
            return None
        header = self._header(at)
        if header is None:
            raise RpcRefused(f"header not found: {at}", -32000)
        return header

    def _state(self, who: Any, at: Any) -> tuple[bytes, Header | None]:
        return params.data(who, 20), self._at(at)

    def _storage(self, who: Any, slot: Any, at: Any = "latest") -> str:
        value = self._evm.storage(params.data(who, 20), params.quantity(slot), self._at(at))
        return encode.data(value.to_bytes(32, "big"))

    def _call(self, wanted: Any, at: Any = "latest") -> str:
        return encode.data(self._evm.call(self._request(wanted), self._at(at)))

    def _estimate(self, wanted: Any, at: Any = "pending") -> str:
        at = "pending" if at == "latest" else at  # what it costs when sent is what it costs in the next block
        return hex(self._evm.estimate(self._request(wanted), self._at(at)))

    def _request(self, wanted: Any) -> CallRequest:
        from ledger.chain.embedded.evm import CallRequest  # noqa: PLC0415  see `_evm`

        if not isinstance(wanted, dict):
            raise TypeError("a call is an object")
        return CallRequest(
            sender=params.data(params.given(wanted, "from", "0x" + "00" * 20), 20),
            to=b"" if wanted.get("to") in (None, "", "0x") else params.data(wanted["to"], 20),
            data=params.data(params.given(wanted, "input", params.given(wanted, "data", "0x"))),
            value=params.quantity(params.given(wanted, "value", "0x0")),
            gas=min(params.quantity(params.given(wanted, "gas", hex(BLOCK_GAS))), BLOCK_GAS),
            deadline=None if self._seconds is None else time.monotonic() + self._seconds,
        )

    # ------------------------------------------------------------------ fees

    def _next_base_fee(self, parent: Header | None = None) -> int:
        """The base fee of the block after `parent`, or after the last (EIP-1559)."""
        parent = parent or self._at("latest")
        assert parent is not None
        target = parent.gas_limit // 2
        change = parent.base_fee * abs(parent.gas_used - target) // target // 8
        if parent.gas_used > target:
            return parent.base_fee + max(change, 1)
        return parent.base_fee - change

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = ()) -> dict[str, Any]:
        last = self._header(newest)
        if last is None:
            raise RpcRefused(f"header not found: {newest}", -32000)
        if not isinstance(percentiles, (list, tuple)) or len(percentiles) > PERCENTILES:
            raise ValueError(f"percentiles are a list of {PERCENTILES} at most")
        wanted = count if type(count) is int else params.quantity(count)
        first = max(last.number - min(max(wanted, 1), 1024) + 1, 0)
        headers = [h for n in range(first, last.number + 1) if (h := self._blocks.header(n)) is not None]
        fees = [h.base_fee for h in headers] + [self._next_base_fee(last)]
        history: dict[str, Any] = {
            "oldestBlock": hex(first),
            "baseFeePerGas": [hex(fee) for fee in fees],
            "gasUsedRatio": [h.gas_used / h.gas_limit for h in headers],
        }
        if percentiles:
            history["reward"] = [["0x0"] * len(percentiles) for _ in headers]
        return history
