"""Writers at once, workers and databases: what stopped the ledger for good, or let one refuse another."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))
sys.path.insert(0, str(Path(__file__).parent.parent / "store"))

from house import GACC, House, event
from sqlalchemy import func, select

from ledger.chain.contracts import Contracts
from ledger.chain.submitter import Submitter
from ledger.outbox.gas import register_gas
from ledger.store.vault import identities

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.rpc import Node

# The store suite's fixtures, which are this suite's too.
_spec = spec_from_file_location("store_fixtures", Path(__file__).parent.parent / "store" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_fixtures = module_from_spec(_spec)
sys.modules["store_fixtures"] = _fixtures
_spec.loader.exec_module(_fixtures)
postgres_server = _fixtures.postgres_server
migrated = _fixtures.migrated
database_url = _fixtures.database_url
database = _fixtures.database
deployed = _fixtures.deployed
chain_folder = _fixtures.chain_folder
house = _fixtures.house


# ---------------------------------------------------------------------- two writers


class WatchedNode:
    """A node that calls back before each call of one method, with how many there were."""

    def __init__(self, node: Node, method: str, before: Callable[[int], None]) -> None:
        self._node, self._method, self._before = node, method, before
        self.where, self._seen = node.where, 0

    def request(self, method: str, *params: object) -> Any:
        if method == self._method:
            self._seen += 1
            self._before(self._seen)
        return self._node.request(method, *params)

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(method, *params) for method, *params in calls]

    def close(self) -> None:
        pass


def recorded(house: House) -> int:
    return Contracts(house.node, house.deployment).record_count(GACC.number)


def test_firms_accepted_while_others_are_registered_wait_for_the_next_round(house: House) -> None:
    house.accept(*(event(f"A{n}", n) for n in range(1, 6)))
    # Every transaction gives another writer its moment: new firms, and records about old ones behind them.
    node = WatchedNode(
        house.node,
        "eth_sendRawTransaction",
        lambda seen: house.accept(event(f"B{seen}", 100 + seen), event(f"C{seen}", 1)) and None,
    )
    assert house.sender(node).drain() == 5
    assert house.sender().drain() == 4
    assert recorded(house) == 9


def test_a_correction_behind_a_new_firm_waits_with_it(house: House) -> None:
    from house import change

    house.accept(event("A", 1))

    def meanwhile(seen: int) -> None:
        if seen == 1:
            house.accept(event("N", 50), event("B", 1), change("L", "B", 1))

    assert house.sender(WatchedNode(house.node, "eth_sendRawTransaction", meanwhile)).drain() == 1
    assert house.sender().drain() == 3


def registrations(house: House, first: int, last: int) -> None:
    """What another process does that has the registrar's key and the same vault."""
    contracts = Contracts(house.node, house.deployment)
    chosen = select(identities.c.commitment).where(identities.c.enterprise.between(first, last))
    with house.database.read_vault() as vault:
        commitments = list(vault.scalars(chosen.order_by(identities.c.enterprise)))
    other = Submitter(house.node, house.keystore, "operator")
    other.execute(contracts.register(first, commitments), register_gas(last - first + 1))


def test_two_that_register_at_once_are_no_conflict(house: House) -> None:
    house.accept(*(event(f"A{n}", n) for n in range(1, 8)))

    def meanwhile(seen: int) -> None:
        if seen == 1:  # its nonce and its numbers are taken now
            registrations(house, 1, 3)

    assert house.sender(WatchedNode(house.node, "eth_sendRawTransaction", meanwhile)).drain() == 7
    with house.database.read_vault() as vault:
        assert vault.scalar(select(func.count()).where(identities.c.block_number.is_(None))) == 0


def test_a_firm_another_process_accepts_and_registers_is_no_old_copy(house: House) -> None:
    house.accept(event("A", 1))

    def meanwhile(seen: int) -> None:
        if seen == 1:
            house.accept(event("B", 2))
            registrations(house, 1, 2)

    assert house.sender(WatchedNode(house.node, "eth_call", meanwhile)).drain() == 2


def test_a_registration_a_reorganisation_takes_back_is_made_again(house: House) -> None:
    """The chain says how many it has; then, before the batch, a reorganisation takes one of them back."""
    house.accept(event("A", 1), event("B", 2))
    house.sender()._register()
    house.accept(event("C", 3))
    sender = house.sender()
    counts = sender._contracts.enterprise_count
    lies = iter([3])  # what the node said before it lost the block
    sender._contracts.enterprise_count = lambda: next(lies, None) or counts()  # type: ignore[method-assign]
    from ledger.outbox import registering

    compare, registering.compare_identities = registering.compare_identities, lambda *_: None
    try:
        assert sender.drain() == 3
    finally:
        registering.compare_identities = compare
    assert recorded(house) == 3
