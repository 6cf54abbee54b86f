"""What was known on a day: records and links by the block that holds them, not by the day they were decided."""

from __future__ import annotations

from typing import Any

import pytest
from house import CATALOGUE, DAY, House, event, link, party
from sqlalchemy import select, update

from ledger.domain.calendar import day_of, start_of
from ledger.domain.parties import named_party
from ledger.errors import NotFound
from ledger.index.queries import runs_of
from ledger.scoring.cards import load_cards
from ledger.store.index import blocks
from ledger.workflows.reading import score_of

ONE = "uscc:9144030071526726XG"
NAME = "Odd Firm"


def settle(house: House) -> set[int]:
    """Bring what waits onto the chain; return its blocks."""
    numbers = select(blocks.c.number)
    with house.database.read_index() as index:
        known = set(index.scalars(numbers))
    house.sender().drain()
    house.follower().catch_up()
    with house.database.read_index() as index:
        return set(index.scalars(numbers)) - known


@pytest.fixture
def told_late(house: House) -> House:
    """A record told at once; one of the same day told ten days later; a name linked twenty days later."""
    one = party(1)._replace(key=ONE, text=ONE[5:])
    house.accept(event("at once", one), event("of the name", named_party("US", NAME)))
    told = {DAY: settle(house)}
    house.accept(event("late", one))
    told[DAY + 10] = settle(house)
    house.accept(link("link", NAME, 1)._replace(refers_to=ONE), code="SAMR")
    told[DAY + 20] = settle(house)
    # The chain has its own clock: let the index say that it was so on these days.
    with house.database.write_index() as index:
        for day, numbers in told.items():
            chosen = blocks.c.number.in_(numbers)
            index.execute(update(blocks).where(chosen).values(timestamp=start_of(day + 1) - 1))
    return house


def points(house: House, known_on: int | None) -> tuple[list[str], list[str]]:
    found: Any = score_of(house.database, CATALOGUE, load_cards(), ONE, DAY, known_on=known_on)
    return [each["record"] for each in found["reasons"]], found["linked"]


def test_the_score_of_a_day_grows_with_what_is_known(told_late: House) -> None:
    name = named_party("US", NAME).key
    assert points(told_late, DAY) == (["GACC-1"], [])
    assert points(told_late, DAY + 9) == (["GACC-1"], [])
    assert points(told_late, DAY + 10) == (["GACC-1", "GACC-3"], [])
    assert points(told_late, DAY + 20) == (["GACC-1", "GACC-2", "GACC-3"], [name])
    assert points(told_late, None) == points(told_late, DAY + 20)


def test_before_it_was_registered_an_enterprise_was_not_known(told_late: House) -> None:
    with pytest.raises(NotFound, match="was not in the ledger on 2024-10-03"):
        points(told_late, DAY - 1)


def test_a_day_ends_at_midnight_in_shanghai(told_late: House) -> None:
    with told_late.database.read_index() as index:
        block = runs_of(index, [1])[1].block_number
    for timestamp, known in [(start_of(DAY + 1) - 1, True), (start_of(DAY + 1), False)]:
        with told_late.database.write_index() as index:
            index.execute(update(blocks).where(blocks.c.number == block).values(timestamp=timestamp))
        assert (day_of(timestamp) == DAY) == known
        assert ("GACC-3" in points(told_late, DAY)[0]) == known
