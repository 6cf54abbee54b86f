"""Sending transactions: a key's nonces in order, several on their way at once, and why one failed.

A transaction that was signed may be sent again at any time: its nonce lets it happen once. So a lost
answer is not an error here; `wait` asks for the receipt, and sends again what the node seems to have
forgotten.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ledger.chain.abi import decode_revert
from ledger.chain.accounts import MAX_TRANSACTION_BYTES, MAX_TRANSACTION_GAS, Transaction
from ledger.chain.rpc import RpcRefused
from ledger.errors import ChainRefused, ChainUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.contracts import Call
    from ledger.chain.rpc import Node

#: Seconds between questions for a receipt: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 1.0
#: Seconds after which a transaction without a receipt is sent again, and after which fees are asked for anew.
_RESEND_AFTER, _FEES_FOR = 15.0, 10.0
#: What nodes answer to a transaction they have already.
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")


class Reverted(ChainRefused):
    """A contract refused; `name` is its own error, such as `WrongNumber(expected=5)`, if it is known."""

    def __init__(self, message: str, name: str | None) -> None:
        super().__init__(message)
        self.name = name


class Receipt(NamedTuple):
    """Where a transaction was mined. `contract` is the address it created, if it created one."""

    transaction_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    contract: str | None


class Signer(Protocol):
    """Who holds keys by name: the keystore, or a file with one key."""

    def address(self, name: str) -> str:
        """The checksummed address of a key."""

    def sign_transaction(self, name: str, transaction: Transaction) -> tuple[bytes, bytes]:
        """Return (raw transaction, its hash)."""


class _Sent(NamedTuple):
    call: Call
    gas: int
    raw: str


def reason(error: RpcRefused) -> ChainRefused:
    """Return a node's refusal with a contract's own error decoded where there is one."""
    name = decode_revert(error.data) if error.data else None
    if name is None and not error.data:
        return error
    return Reverted(f"the contract refused: {name or '0x' + error.data.hex()}", name)


class Submitter:
    """Sends calls from the key `name`, from any thread. Two submitters of one key would fight over nonces."""

    def __init__(self, node: Node, signer: Signer, name: str) -> None:
        self._node = node
        self._signer = signer
        self._name = name
        self.address = signer.address(name)
        self._guard = threading.Lock()
        self._chain_id: int | None = None
        self._nonce: int | None = None
        self._fees: tuple[int, int] = (0, 0)
        self._fees_at = float("-inf")
        self._sent: dict[str, _Sent] = {}

    def submit(self, call: Call, gas: int) -> str:
        """Sign and send a call with `gas`; return the transaction's hash without waiting for a block.

        Raises `ChainRefused` if the node will not have it (then it took no nonce), and `ChainUnavailable`
        if there was no answer: then it may have been sent, and asking the contract's state tells.
        """
        if gas > MAX_TRANSACTION_GAS:
            raise ChainRefused(f"{gas} gas in one transaction, and EIP-7825 allows {MAX_TRANSACTION_GAS}")
        with self._guard:
            nonce = self._next_nonce()
            raw, digest = self._sign(call, gas, nonce)
            transaction_hash = "0x" + digest.hex()
            self._sent[transaction_hash] = _Sent(call, gas, raw)
            try:
                self._send(raw)
            except ChainUnavailable:
                self._nonce = None  # it may have arrived: ask the node which number is next
                raise
            except RpcRefused as error:
                self._nonce = None
                del self._sent[transaction_hash]
                raise reason(error) from None
            self._nonce = nonce + 1
        return transaction_hash

    def wait(self, hashes: Sequence[str], timeout: float = 120.0) -> list[Receipt]:
        """Return the receipts of transactions, in order, once all are mined.

        Raises `Reverted` with the contract's own error for the first that failed, and `ChainUnavailable`
        if after `timeout` seconds some are not mined.
        """
        found: dict[str, dict[str, Any]] = {}
        now = time.monotonic()
        deadline, resend, pause = now + timeout, now + _RESEND_AFTER, _FIRST_PAUSE
        while True:
            missing = [h for h in hashes if h not in found]
            answers = self._node.requests([("eth_getTransactionReceipt", h) for h in missing])
            found.update((h, r) for h, r in zip(missing, answers, strict=True) if r is not None)
            if len(found) == len(set(hashes)):
                return [self._checked(h, found[h]) for h in hashes]
            now = time.monotonic()
            if now > deadline:
                raise ChainUnavailable(f"{len(missing)} transactions are not mined after {timeout:.0f} s")
            if now > resend:
                resend = now + _RESEND_AFTER
                self._send_again(missing)
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def execute(self, call: Call, gas: int, timeout: float = 120.0) -> Receipt:
        """Send a call and wait for its receipt. Errors are those of `submit` and `wait`."""
        return self.wait([self.submit(call, gas)], timeout)[0]

    # ------------------------------------------------------------------ inside

    def _next_nonce(self) -> int:
        if self._nonce is None:
            self._nonce = int(self._node.request("eth_getTransactionCount", self.address, "pending"), 16)
        return self._nonce

    def _sign(self, call: Call, gas: int, nonce: int) -> tuple[str, bytes]:
        if self._chain_id is None:
            self._chain_id = int(self._node.request("eth_chainId"), 16)
        tip, most = self._current_fees()
        transaction = Transaction(self._chain_id, nonce, tip, most, gas, call.to, call.data, call.value)
        raw, digest = self._signer.sign_transaction(self._name, transaction)
        if len(raw) > MAX_TRANSACTION_BYTES:
            raise ChainRefused(f"a transaction of {len(raw)} bytes; nodes take {MAX_TRANSACTION_BYTES}")
        return "0x" + raw.hex(), digest

    def _current_fees(self) -> tuple[int, int]:
        """(tip, most) per gas: the base fee may double before the transaction is mined."""
        if time.monotonic() - self._fees_at > _FEES_FOR:
            block = self._node.request("eth_getBlockByNumber", "latest", False)
            base = int(block.get("baseFeePerGas") or "0x0", 16)
            tip = int(self._node.request("eth_maxPriorityFeePerGas"), 16) if base else 0
            if not base:  # a network without a fee market; its price is usually nothing
                tip = int(self._node.request("eth_gasPrice"), 16)
            self._fees, self._fees_at = (tip, 2 * base + tip), time.monotonic()
        return self._fees

    def _send(self, raw: str) -> None:
        try:
            self._node.request("eth_sendRawTransaction", raw)
        except RpcRefused as error:
            if not any(known in str(error).lower() for known in _KNOWN):
                self._fees_at = float("-inf")  # if it was the price, the next one is current
                raise

    def _send_again(self, hashes: Sequence[str]) -> None:
        for transaction_hash in hashes:
            sent = self._sent.get(transaction_hash)
            if sent is not None:
                try:
                    self._send(sent.raw)
                except RpcRefused:
                    continue  # mined meanwhile, or replaced: the receipt will tell, or the deadline

    def _checked(self, transaction_hash: str, receipt: dict[str, Any]) -> Receipt:
        sent = self._sent.pop(transaction_hash, None)
        number = int(receipt["blockNumber"], 16)
        if receipt["status"] != "0x1":
            raise self._why(sent, number, transaction_hash)
        gas_used = int(receipt["gasUsed"], 16)
        return Receipt(
            transaction_hash, number, receipt["blockHash"], gas_used, receipt.get("contractAddress")
        )

    def _why(self, sent: _Sent | None, number: int, transaction_hash: str) -> ChainRefused:
        """The reason of a failure, by executing the call again where it failed: receipts do not carry it."""
        if sent is not None:
            again = {"from": self.address, "data": "0x" + sent.call.data.hex(), "gas": hex(sent.gas)}
            again["value"] = hex(sent.call.value)
            if sent.call.to:
                again["to"] = sent.call.to
            try:
                self._node.request("eth_call", again, hex(number - 1))
            except RpcRefused as error:
                return reason(error)
        return Reverted(f"transaction {transaction_hash} failed in block {number}", None)
