"""Executing: py-evm on the durable store. Imported only when something is sent, called or asked of the state.

One block per transaction, sealed and flushed before the answer. What an ordinary node's pool refuses is
refused here and leaves no trace; what fails while executing is mined with status 0, as on any other chain.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from eth.exceptions import Revert, VMError
from eth.vm.message import Message
from eth_utils.exceptions import ValidationError

from ledger.chain.accounts import MAX_TRANSACTION_BYTES, MAX_TRANSACTION_GAS
from ledger.chain.embedded.backend import DurableBackend, transaction_builder
from ledger.chain.embedded.bounded import BoundedComputation
from ledger.chain.embedded.rules import CHAIN_ID
from ledger.chain.rpc import RpcRefused
from ledger.crypto.hashing import keccak256
from ledger.errors import ChainDamaged, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.embedded.blocks import Header
    from ledger.chain.embedded.clock import ChainClock
    from ledger.chain.embedded.store import Store

_REFUSED, _REVERTED = -32000, 3
_BLOB = 3


class CallRequest(NamedTuple):
    """What to execute without sending: addresses 20 bytes, `to` empty for a creation, `value` in wei.

    With a `deadline` (of `time.monotonic`) it is executed within `bounded`.
    """

    sender: bytes
    to: bytes
    data: bytes
    value: int
    gas: int
    deadline: float | None = None


class Evm:
    """Execution on one store. Not thread safe. Refusals are `RpcRefused` with the codes of ordinary nodes."""

    def __init__(self, store: Store, clock: ChainClock) -> None:
        self._backend = DurableBackend(store, clock)

    # ------------------------------------------------------------------ sending

    def send(self, raw: bytes) -> bytes:
        """Execute a signed transaction in a block of its own; return its hash once that block is durable.

        Raises `WrongClock` where no block may be made.
        """
        transaction = self._decode(raw)
        with _translated():
            self._backend.check_clock()
            self._backend.set_time()
            chain = self._backend.chain
            self._admit(transaction, chain.get_vm().state, chain.header)
            self._backend.send_and_mine(raw)
        return bytes(transaction.hash)

    def _decode(self, raw: bytes) -> Any:
        if len(raw) > MAX_TRANSACTION_BYTES:
            raise RpcRefused(f"oversized data: {len(raw)} bytes, limit {MAX_TRANSACTION_BYTES}", _REFUSED)
        if raw[:1] == bytes((_BLOB,)):
            raise RpcRefused("transaction type not supported", _REFUSED)
        try:
            transaction = transaction_builder().decode(raw)
            transaction.check_signature_validity()
        except Exception as error:  # noqa: BLE001  py-evm's decoders raise of everything
            raise RpcRefused(f"invalid transaction: {error}", _REFUSED) from None
        return transaction

    @staticmethod
    def _admit(transaction: Any, state: Any, header: Any) -> None:
        """Refuse what a node's pool refuses, in its words, so that clients recognise them."""
        sender, nonce = transaction.sender, state.get_nonce(transaction.sender)
        cap = min(MAX_TRANSACTION_GAS, header.gas_limit)
        if transaction.chain_id != CHAIN_ID:
            why = f"invalid chain id for signer: have {transaction.chain_id} want {CHAIN_ID}"
        elif transaction.nonce < nonce:
            why = f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}"
        elif transaction.nonce > nonce:
            why = f"nonce too high: next nonce {nonce}, tx nonce {transaction.nonce}"
        elif transaction.gas > cap:
            why = f"transaction gas limit too high (cap: {cap}, tx: {transaction.gas})"
        elif transaction.gas < max(_intrinsic(transaction.to, transaction.data), _floor(transaction.data)):
            why = f"intrinsic gas too low: gas {transaction.gas}"
        elif transaction.max_fee_per_gas < header.base_fee_per_gas:
            why = f"max fee per gas less than block base fee: {header.base_fee_per_gas}"
        elif state.get_balance(sender) < transaction.gas * transaction.max_fee_per_gas + transaction.value:
            why = f"insufficient funds for gas * price + value: address 0x{sender.hex()}"
        else:
            return
        raise RpcRefused(why, _REFUSED)

    # ------------------------------------------------------------------ asking

    def call(self, request: CallRequest, at: Header | None) -> bytes:
        """Execute without sending, at a block or in the one to come; return the output or raise."""
        computation = self._execute(request, at)
        if computation.is_error:
            raise _refusal(computation)
        return bytes(computation.output)

    def estimate(self, request: CallRequest, at: Header | None) -> int:
        """Return gas with which the call succeeds, at most 1.5 % above what it needs (geth's tolerance)."""
        fixed = _intrinsic(request.to, request.data)
        high = min(request.gas, MAX_TRANSACTION_GAS)
        computation = self._execute(request._replace(gas=max(high - fixed, 0)), at)
        if computation.is_error:
            raise _refusal(computation)
        used = int(computation.get_gas_used())
        if not self._execute(request._replace(gas=used), at).is_error:
            return max(fixed + used, _floor(request.data))
        low = fixed + used  # a call keeps back a 64th of the gas, so more may be needed than is used
        while low + 1 < high and (high - low) / high > 0.015:
            middle = min((low + high) // 2, low + low // 32 + 1)
            failed = self._execute(request._replace(gas=middle - fixed), at).is_error
            low, high = (middle, high) if failed else (low, middle)
        return max(high, _floor(request.data))

    def nonce(self, address: bytes, at: Header | None) -> int:
        """The number of the address's next transaction."""
        with _translated():
            return int(self._state(at).get_nonce(address))

    def balance(self, address: bytes, at: Header | None) -> int:
        """What the address has, in wei."""
        with _translated():
            return int(self._state(at).get_balance(address))

    def code(self, address: bytes, at: Header | None) -> bytes:
        """The contract's code; empty for other addresses."""
        with _translated():
            return bytes(self._state(at).get_code(address))

    def storage(self, address: bytes, slot: int, at: Header | None) -> int:
        """The value of a storage slot."""
        with _translated():
            return int(self._state(at).get_storage(address, slot))

    def _state(self, at: Header | None) -> Any:
        """The state after block `at`, in that block's context; without one, that of the block to come."""
        chain = self._backend.chain
        if at is None:
            self._backend.set_time()
            header = chain.header
        else:
            header = chain.get_block_header_by_hash(at.hash)
        # No base fee, so that nobody needs money to ask.
        return chain.get_vm(header.copy(base_fee_per_gas=0)).state

    def _execute(self, request: CallRequest, at: Header | None) -> Any:
        creates = not request.to
        with _translated():
            state = self._state(at)
            message = Message(
                gas=request.gas,
                to=request.to,
                sender=request.sender,
                value=request.value,
                data=b"" if creates else request.data,
                code=request.data if creates else state.get_code(request.to),
                create_address=keccak256(request.sender)[12:] if creates else None,
            )
            context = state.get_transaction_context_class()(gas_price=0, origin=request.sender)
            for warm in (request.sender, message.storage_address, state.coinbase):
                state.mark_address_warm(warm)
            kind = state.computation_class
            if request.deadline is not None:
                kind, state.deadline = BoundedComputation, request.deadline
            apply = kind.apply_create_message if creates else kind.apply_message
            return apply(state, message, context)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn py-evm's errors into the ledger's: refused by the rules, or a state that cannot be read."""
    try:
        yield
    except LedgerError:
        raise
    except (ValidationError, VMError) as error:
        raise RpcRefused(str(error), _REFUSED) from None
    except Exception as error:
        raise ChainDamaged(f"the embedded chain's state cannot be read: {error!r}") from error


def _tokens(data: bytes) -> int:
    return 4 * len(data) - 3 * data.count(0)


def _intrinsic(to: bytes, data: bytes) -> int:
    """Gas a transaction costs before it does anything (Yellow Paper 6.2, EIP-3860)."""
    creation = 0 if to else 32_000 + 2 * ((len(data) + 31) // 32)
    return 21_000 + 4 * _tokens(data) + creation


def _floor(data: bytes) -> int:
    """Gas a transaction costs at least for its data (EIP-7623)."""
    return 21_000 + 10 * _tokens(data)


def _refusal(computation: Any) -> RpcRefused:
    error = computation.error
    if isinstance(error, Revert):
        return RpcRefused("execution reverted", _REVERTED, bytes(computation.output))
    return RpcRefused(f"execution failed: {type(error).__name__}: {error}", _REFUSED)
