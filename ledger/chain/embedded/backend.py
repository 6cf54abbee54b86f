"""eth-tester's py-evm backend made durable: every mined block is on the disk before anyone hears of it.

eth-tester keeps its chain in memory and gives money to accounts whose keys everybody knows. Here the chain
lives in a `Store`, opens where it was left, and its genesis gives money only to the addresses named.
"""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

#: What it was, or what the stack surely holds where another module brought py-evm along before this one.
_RECURSION = min(sys.getrecursionlimit(), 12 * 1024)

from eth.chains.base import MiningChain  # noqa: E402  the limit is read before py-evm raises it
from eth.vm.forks.prague import PragueVM  # noqa: E402
from eth_hash.auto import keccak  # noqa: E402
from eth_tester import PyEVMBackend  # noqa: E402

from ledger.chain.embedded.opcodes import LedgerVM  # noqa: E402
from ledger.chain.embedded.rules import BLOCK_GAS, CHAIN_ID, ENDOWMENT  # noqa: E402
from ledger.crypto.hashing import keccak256  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.chain.embedded.clock import ChainClock
    from ledger.chain.embedded.store import Store

# py-evm raises the interpreter's limit a hundredfold, for contracts that call each other a thousand deep.
# With that, deeply nested JSON would overrun the C stack and end the process; our contracts call three deep.
sys.setrecursionlimit(_RECURSION)
# py-evm would take whichever backend eth_hash finds first, which is several times slower.
keccak.hasher = keccak256  # type: ignore[assignment]


class LedgerChain(MiningChain):  # type: ignore[misc]  # py-evm has no types
    """The rules of this chain: Prague from the first block, and a gas limit that stays."""

    chain_id = CHAIN_ID
    vm_configuration = ((0, LedgerVM),)

    def create_header_from_parent(self, parent: Any, **parameters: Any) -> Any:
        return super().create_header_from_parent(parent, **{**parameters, "gas_limit": parent.gas_limit})

    def get_transaction_builder(self) -> Any:
        return self.get_vm().get_transaction_builder()


def transaction_builder() -> Any:
    """Return what decodes and checks signed transactions."""
    return PragueVM.get_transaction_builder()


class DurableBackend(PyEVMBackend):  # type: ignore[misc]  # eth-tester has no types
    """eth-tester's backend on a store. Opens the chain in it, or begins one that `funded` have money on."""

    def __init__(self, store: Store, clock: ChainClock, funded: Iterable[bytes] = ()) -> None:
        self._store = store
        self._funded = tuple(funded)
        self._clock = clock
        super().__init__()

    def reset_to_genesis(self, *_: object) -> None:
        """Set the chain up; eth-tester calls this when the backend is made."""
        self.account_keys = ()
        if self._store.holds_a_chain():
            self.chain = LedgerChain(self._store)
            return
        # Random, for the genesis block's hash is which ledger this is: two begun in one second are two.
        mark = b"credit-ledger " + secrets.token_bytes(16)
        parameters = self.generate_genesis_params(
            {"gas_limit": BLOCK_GAS, "extra_data": mark, "timestamp": self._clock.now()}
        )
        account = {"balance": ENDOWMENT, "nonce": 0, "code": b"", "storage": {}}
        self.chain = LedgerChain.from_genesis(self._store, parameters, dict.fromkeys(self._funded, account))
        self._store.flush()

    def set_time(self) -> None:
        """Give the block to come the clock's time, or the second after its parent's; note the clock's."""
        # From the parent: what stands in the header now may be of a moment when the clock was wrong.
        now = max(self._clock.now(), self.chain.get_canonical_head().timestamp + 1)
        self.chain.header = self.chain.header.copy(timestamp=now, extra_data=self._clock.stamp())

    def check_clock(self) -> None:
        """Raise `WrongClock` if no block may be made by the clock."""
        self._clock.check(self.chain.get_canonical_head())

    def send_and_mine(self, raw: bytes) -> None:
        """Execute a transaction in a block of its own, durable on return; a refused one leaves no trace."""
        before = self.chain.header
        try:
            self.send_raw_transaction(raw)
            self.mine_blocks()
        except BaseException:
            self._store.discard()
            self.chain.header = before
            raise

    def mine_blocks(self, *arguments: Any, **options: Any) -> Any:
        """Mine, then flush: the durability point, before any answer."""
        hashes = super().mine_blocks(*arguments, **options)
        self._store.flush()
        return hashes
