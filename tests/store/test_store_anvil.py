"""On a real node that takes blocks back: the index follows, and the outbox sends again, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import AUTHORITIES, House, event, index_rows
from test_outbox_sending import assert_all_recorded_once

from ledger.chain.clock import NodeElsewhere
from ledger.chain.deployment import deploy
from ledger.outbox.sender import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Deployed
    from nodes import Anvil

    from ledger.store.database import Database

pytestmark = pytest.mark.anvil


@pytest.fixture
def anvil_house(anvil: Anvil, deployed: Deployed, database: Database) -> Iterator[House]:
    """A ledger on anvil."""
    keystore = deployed.keystore
    anvil.fund(*(keystore.address(name) for name in ("deployer", "governor", "operator")))
    node = NodeElsewhere(anvil.url)
    deployment = deploy(node, keystore, tuple(AUTHORITIES.values()), ())
    yield House(database, node, keystore, deployment)
    node.close()


def test_a_reorganisation_undone_and_redone(anvil_house: House, anvil: Anvil) -> None:
    house = anvil_house
    house.accept(*(event(f"A{n}", n % 5) for n in range(20)))
    house.sender(batch_size=7).drain()
    house.follower().catch_up()
    before = index_rows(house.database)
    snapshot = anvil.request("evm_snapshot")
    house.accept(*(event(f"B{n}", 3 + n % 5) for n in range(20)))
    house.accept(event("C", 9, "FR01"), code="US-CPSC")
    house.sender(batch_size=7).drain()
    assert house.follower().catch_up().records == 21
    numbers = [(row.reference, row.number) for row in house.commands()]

    anvil.request("evm_revert", snapshot)
    anvil.request("anvil_mine", "0x3")
    assert house.follower().catch_up().undone > 0
    undone = index_rows(house.database)
    del undone["cursor"], before["cursor"]
    assert undone == before
    assert house.sender().status() == Status(queued=0, sealed=21, recorded=20)

    assert house.sender(batch_size=7).drain() == 21
    assert [(row.reference, row.number) for row in house.commands()] == numbers
    assert_all_recorded_once(house)
    house.follower().catch_up()
    followed = index_rows(house.database)
    house.follower().rebuild()
    assert index_rows(house.database) == followed


def test_batches_of_a_thousand_distinct_enterprises_fit_a_transaction(anvil_house: House) -> None:
    house = anvil_house
    house.accept(*(event(f"A{n}", n) for n in range(1000)))
    assert house.sender(batch_size=1000).drain() == 1000
    house.accept(*(event(f"B{n}", n) for n in range(1000)))
    assert house.sender(batch_size=1000).drain() == 1000
    assert house.follower().catch_up().records == 2000
    assert_all_recorded_once(house)
