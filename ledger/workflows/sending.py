"""Single calls to the chain, outside the outbox: an objection, an answer, an act of the governor.

Every key of this installation acts through its operator, who pays: a key that is short of money for gas gets
it from the operator first. Where gas costs nothing, nothing is given.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from ledger.chain.contracts import Call
from ledger.chain.submitter import Submitter

if TYPE_CHECKING:
    from ledger.chain.contracts import Contracts
    from ledger.chain.keystore import Keystore
    from ledger.chain.rpc import Node
    from ledger.chain.submitter import Signer
    from ledger.store.database import Database
    from ledger.workflows.office import Follows

#: Gas that each of these calls is sure to stay below, and what a transfer of money takes.
_GAS: Final = 300_000
_TRANSFER_GAS: Final = 21_000
#: What is given, in multiples of the price now, which may rise before it is spent.
_ROOM: Final = 4


class Desk(Protocol):
    """The parts of an installation that this takes."""

    @property
    def db(self) -> Database:
        """Vault and index."""

    @property
    def node(self) -> Node:
        """The chain."""

    @property
    def keystore(self) -> Keystore:
        """The keys of operator, governor and authorities."""

    @property
    def contracts(self) -> Contracts:
        """The calls."""

    @property
    def follower(self) -> Follows:
        """The way from the chain to the index."""

    def today(self) -> int:
        """The day it is."""


def present(desk: Desk) -> int:
    """Return the chain's time, which may run ahead of the clock, or the clock's: the later (Unix seconds)."""
    latest = desk.node.request("eth_getBlockByNumber", "latest", False)
    return max(int(latest["timestamp"], 16), int(time.time()))


def send(desk: Desk, call: Call, name: str = "operator", signer: Signer | None = None) -> None:
    """Send a call from the key `name` of the keystore, or of `signer`; see it on the chain and in the index.

    Raises `Busy`, `ChainUnavailable`, and `ChainRefused` with the contract's own error.
    """
    keys = signer or desk.keystore
    # The outbox sends with the operator's key too: who holds its lock knows the next nonce.
    with desk.db.lock("sender", timeout=60.0):
        if name != "operator":
            _endow(desk, keys.address(name))
        Submitter(desk.node, keys, name).execute(call, _GAS)
    desk.follower.catch_up()


def _endow(desk: Desk, address: str) -> None:
    price, balance = (
        int(answer, 16)
        for answer in desk.node.requests([("eth_gasPrice",), ("eth_getBalance", address, "latest")])
    )
    wanted = _ROOM * price * _GAS
    if balance < wanted:
        operator = Submitter(desk.node, desk.keystore, "operator")
        operator.execute(Call(address, b"", wanted - balance), _TRANSFER_GAS)
