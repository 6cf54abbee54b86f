"""Governance with a delay: OpenZeppelin's AccessManager, which has an act announced before it is done.

What is announced is on the chain with its whole call, so that any later process, or another governor's tool,
can do it once it is due, or take it back. It lapses when it is not done within the manager's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.abi import CONTRACTS, decode_call, decode_event, event_topics
from ledger.chain.contracts import Call
from ledger.chain.rpc import get_logs
from ledger.errors import ChainDamaged, Forbidden

if TYPE_CHECKING:
    from ledger.chain.abi import Value
    from ledger.chain.contracts import Contracts


class Operation(NamedTuple):
    """An announced act: its 32-byte id, its call, and when it may be done: in [`due`, `until`), Unix seconds.

    `what` is the call for people: `setFourEyes(authority=1, required=True)`.
    """

    id: bytes
    call: Call
    due: int
    until: int
    what: str


class Announcement(NamedTuple):
    """An operation that was announced, or its cancelling, and where the chain says so."""

    id: str
    cancelled: bool
    caller: str
    call: Call | None
    block: int
    log: int

    @property
    def what(self) -> str:
        """The call for people; nothing for a cancelling, which names the operation alone."""
        return "" if self.call is None else described(self.call)


def announcements(contracts: Contracts, first: int, last: int) -> list[Announcement]:
    """Return what was announced and cancelled in the blocks `first`..`last`. Raises as `get_logs`."""
    topics = event_topics("AccessManager")
    scheduled, cancelled = (f"0x{topics[name].hex()}" for name in ("OperationScheduled", "OperationCanceled"))
    found = []
    for log in get_logs(contracts.node, [contracts.deployment.access_manager], first, last):
        if log["topics"][0] not in {scheduled, cancelled}:
            continue
        call, caller = None, ""
        if log["topics"][0] == scheduled:
            fields = decode_event("AccessManager", "OperationScheduled", bytes.fromhex(log["data"][2:]))
            call, caller = Call(str(fields["target"]), _bytes(fields["data"])), str(fields["caller"])
        place = int(log["blockNumber"], 16), int(log["logIndex"], 16)
        found.append(Announcement(log["topics"][1], call is None, caller, call, *place))
    return found


def described(call: Call) -> str:
    """Return a call for people: `setFourEyes(authority=1, required=True)`."""
    shown = (decode_call(name, call.data) for name in CONTRACTS)
    return next((each for each in shown if each), f"0x{call.data[:4].hex()} of {call.to}")


class Governance:
    """What the account `governor` may do, must announce, and has announced. Views raise as `Contracts` do."""

    def __init__(self, contracts: Contracts, governor: str) -> None:
        self._contracts = contracts
        self._governor = governor

    def delay(self, call: Call) -> int:
        """Return for how many seconds a call must be announced; 0: it may be done at once.

        Raises `Forbidden` if the governor may not do it at all.
        """
        at_once, delay = self._view("canCall", self._governor, call.to, call.data[:4])
        if not at_once and not delay:
            raise Forbidden(f"the governor's key {self._governor} may not do this: it has not the role")
        return 0 if at_once else _int(delay)

    def announced(self, call: Call) -> Operation | None:
        """Return the operation if the call is announced and has not lapsed."""
        (found,) = self._view("hashOperation", self._governor, call.to, call.data)
        due = _int(self._view("getSchedule", found)[0])
        if not due:
            return None
        until = due + _int(self._view("expiration")[0])
        return Operation(_bytes(found), call, due, until, described(call))

    def pending(self) -> list[Operation]:
        """Return everything the governor has announced that is neither done, taken back nor lapsed."""
        last = int(self._contracts.node.request("eth_blockNumber"), 16)
        found: dict[bytes, Operation] = {}
        for each in announcements(self._contracts, self._contracts.deployment.block, last):
            if each.call is not None and each.caller.lower() == self._governor.lower():
                operation = self.announced(each.call)
                if operation is not None:
                    found[operation.id] = operation
        return list(found.values())

    def announce(self, call: Call) -> Call:
        """Return the call that announces another, to be done as soon as the delay allows."""
        return self._contracts.call("AccessManager", "schedule", call.to, call.data, 0)

    def take_back(self, call: Call) -> Call:
        """Return the call that takes an announcement back: the governor's, or its guardian's."""
        return self._contracts.call("AccessManager", "cancel", self._governor, call.to, call.data)

    def _view(self, function: str, *arguments: Value) -> list[Value]:
        return self._contracts.view("AccessManager", function, *arguments)


def _int(value: Value) -> int:
    if not isinstance(value, int):
        raise ChainDamaged(f"{value!r} is no number")
    return value


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ChainDamaged(f"{value!r} is no byte string")
    return value
