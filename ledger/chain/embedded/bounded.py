"""Executing for who has no token: for a stated time, and without what costs far more time than its gas says.

Gas is what a call costs on a chain of machines that run compiled code. Here it is Python, in the process that
writes. A precompile is one step that nothing ends: 2,000,000 gas of a pairing took 45 s. So those that are no
hash or signature are refused, by name, and everything else is asked at each charge of gas whether its time is
over; code that charges none by py-evm only moves values on its stack, and is as long as its text.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from ledger.chain.embedded.opcodes import LedgerComputation
from ledger.chain.rpc import RpcRefused

if TYPE_CHECKING:
    from collections.abc import Callable

_REFUSED = -32000
#: ecrecover, SHA-256, RIPEMD-160, identity: in C, and cheaper than their gas. The ledger's views need 0x02.
_QUICK = frozenset(range(1, 5))


def _refuse(computation: Any) -> None:
    number = computation.msg.code_address[-1]
    raise RpcRefused(f"precompile 0x{number:02x} is executed for who has the token only", _REFUSED)


class BoundedComputation(LedgerComputation):
    """Prague's computation, until its state's `deadline` (of `time.monotonic`).

    What ends it is `RpcRefused`, which no contract catches.
    """

    _precompiles: ClassVar[dict[bytes, Callable[[Any], Any]]] = {
        address: execute if int.from_bytes(address, "big") in _QUICK else _refuse
        for address, execute in LedgerComputation.get_precompiles().items()
    }

    def consume_gas(self, amount: int, reason: str) -> None:
        if time.monotonic() > self.state.deadline:
            raise RpcRefused("execution takes longer than who has no token is given", _REFUSED)
        super().consume_gas(amount, reason)
