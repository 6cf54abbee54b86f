"""Single calls to the chain, outside the outbox: an objection, an answer, an act of the governor.

Every key of this installation acts through its operator, who pays: a key that is short of money for gas gets
it from the operator first. Where gas costs nothing, nothing is given.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ledger.chain.connect import check_clock
from ledger.chain.contracts import Call
from ledger.chain.submitter import Submitter

if TYPE_CHECKING:
    from ledger.chain.submitter import Signer
    from ledger.workflows.office import Office

#: Gas that each of these calls is sure to stay below, and what a transfer of money takes.
CALL_GAS: Final = 300_000
_TRANSFER_GAS: Final = 21_000
#: What is given, in multiples of the price now, which may rise before it is spent.
_ROOM: Final = 4


def present(office: Office) -> int:
    """Return the chain's time, which may run ahead of the clock, or the clock's: the later (Unix seconds)."""
    latest = office.node.request("eth_getBlockByNumber", "latest", False)
    return max(int(latest["timestamp"], 16), int(time.time()))


def send(
    office: Office, call: Call, name: str = "operator", signer: Signer | None = None, *, gas: int = CALL_GAS
) -> None:
    """Send a call from the key `name` of the keystore, or of `signer`; see it on the chain and in the index.

    Raises `Busy`, `ChainUnavailable`, `WrongClock`, and `ChainRefused` with the contract's own error.
    """
    check_clock(office.node)
    keys = signer or office.keystore
    # The outbox sends with the operator's key too: who holds its lock knows the next nonce.
    with office.db.lock("sender", timeout=60.0):
        if name != "operator":
            _endow(office, keys.address(name))
        Submitter(office.node, keys, name).execute(call, gas)
    office.follower.catch_up()


def _endow(office: Office, address: str) -> None:
    price, balance = (
        int(answer, 16)
        for answer in office.node.requests([("eth_gasPrice",), ("eth_getBalance", address, "latest")])
    )
    wanted = _ROOM * price * CALL_GAS
    if balance < wanted:
        operator = Submitter(office.node, office.keystore, "operator")
        operator.execute(Call(address, b"", wanted - balance), _TRANSFER_GAS)
