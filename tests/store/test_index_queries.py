"""Questions to the index, against the chain's own logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import House, change, event, index_rows, link
from simulated import DEPLOYMENT, SimulatedChain, log
from sqlalchemy import select

from ledger.chain.contracts import Contracts
from ledger.crypto.merkle import Log, leaf_hash, root_of
from ledger.domain.parties import named_party
from ledger.domain.records import Posted, Record, record_id, unpack_run
from ledger.domain.standing import link_targets
from ledger.errors import NotFound
from ledger.index import queries
from ledger.index.follower import Follower
from ledger.store.index import runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.store.database import Database


@pytest.fixture
def followed(database: Database) -> Database:
    """Three enterprises, two authorities, seven records in three batches."""
    chain = SimulatedChain()
    chain.mine(log("Authorities", "AuthorityAdded", [1], b"GACC".ljust(32, b"\0")))
    chain.mine(*(log("CreditLedger", "Registered", [n], bytes([n]) * 32) for n in (1, 2, 3)))
    about = [1, 1, 2, 3]
    chain.mine(
        *chain.batch(1, [Record(e, 4, 2, 10, 20 + n, 0, bytes([n]) * 32) for n, e in enumerate(about)])
    )
    chain.mine(*chain.batch(2, [Record(2, 5, 1, 10, 20, 0, b"x" * 32)]))
    chain.mine(
        *chain.batch(1, [Record(1, 6, 1, 10, 30, 0, b"y" * 32), Record(3, 6, 1, 10, 30, 0, b"z" * 32)])
    )
    chain.mine(
        log("ScoreBook", "AssessmentPublished", [1, b"k" * 32], 19_000, b"r" * 32, 3, 1, 2, b"h" * 32),
        log("ScoreBook", "AssessmentPublished", [2, b"k" * 32], 19_001, b"s" * 32, 4, 1, 2, b"h" * 32),
    )
    Follower(database, chain, DEPLOYMENT).catch_up()
    return database


def test_records_of_enterprises_come_in_the_chains_order(followed: Database) -> None:
    with followed.read_index() as connection:
        assert [each.id for each in queries.posted_of(connection, [2])] == [record_id(1, 3), record_id(2, 1)]
        assert [each.id & 0xFF for each in queries.posted_of(connection, {1, 3})] == [1, 2, 4, 5, 6]
        assert queries.posted_of(connection, []) == []
        assert queries.posted_of(connection, [9]) == []
        runs = queries.runs_of(connection, [1])
        assert [(run.leaf_index, len(run.posted), run.block_number) for run in runs] == [(0, 2, 3), (4, 1, 5)]
        streamed = dict(queries.stream_posted(connection))
        assert list(streamed) == [1, 2, 3]
        assert all(found == queries.posted_of(connection, [each]) for each, found in streamed.items())


def test_the_rest_is_found_or_said_to_be_missing(followed: Database) -> None:
    with followed.read_index() as connection:
        assert queries.all_authorities(connection) == [(1, "GACC")]
        assert queries.enterprise_by_index(connection, 2).commitment == b"\2" * 32
        with pytest.raises(NotFound):
            queries.enterprise_by_index(connection, 4)
        assert queries.counts(connection) == queries.Counts(6, 7, 6, 3, 3, 1, 2)


def test_an_empty_index_answers_too(database: Database) -> None:
    with database.read_index() as connection:
        assert queries.counts(connection) == queries.Counts(-1, 0, 0, 0, 0, 0, 0)
        assert list(queries.leaf_hashes(connection)) == list(queries.stream_posted(connection)) == []
        assert queries.connected(connection, 1) == {1}
        assert queries.link_records(connection) == []


def test_the_logs_root_from_the_index_is_the_contracts(house: House) -> None:
    house.accept(*(event(f"A{n}", n % 5) for n in range(23)))
    house.sender(batch_size=4).drain()
    house.follower().catch_up()
    contracts = Contracts(house.node, house.deployment)
    with house.database.read_index() as connection:
        leaves = list(queries.leaf_hashes(connection))
        assert list(queries.leaf_hashes(connection, 7)) == leaves[7:]
    log_ = Log()
    for leaf in leaves:
        log_.append(leaf)
    assert log_.root() == root_of(leaves) == contracts.root()
    assert len(leaves) == contracts.log_size()
    assert leaves[0] != leaf_hash(b"")


# ---------------------------------------------------------------------- links


def every_link_record(connection: Connection) -> list[Posted]:
    """By opening every run: links, and whatever lifecycle record leads to one."""
    known: set[int] = set()
    found = []
    every = select(runs.c.first_id, runs.c.records).order_by(runs.c.leaf_index)
    for first_id, packed in connection.execute(every):
        for each in unpack_run(first_id, packed):
            if each.type >= 248 or (each.type >= 240 and each.ref in known):
                known.add(each.id)
                found.append(each)
    return found


def test_links_and_what_revokes_them_are_found_without_opening_runs(house: House) -> None:
    acme = named_party("US", "Acme")
    house.accept(event("B", 2), event("C", 3), event("A", acme), event("D", 4))
    house.accept(
        link("K1", "Acme", 2), link("K2", "Bolt", 3), change("U1", "K1", acme), change("R", "A", acme)
    )
    house.accept(link("K3", "Acme", 3))
    house.sender().drain()
    house.follower().catch_up()
    with house.database.read_index() as connection:
        assert queries.link_records(connection) == sorted(
            every_link_record(connection), key=lambda each: each.id
        )
        named = {"2": 1, "3": 2, "Acme": 3, "4": 4, "Bolt": 5}
        assert queries.connected(connection, named["Bolt"]) == {
            named["3"],
            named["Bolt"],
            named["Acme"],
            named["2"],
        }
        assert queries.connected(connection, named["4"]) == {named["4"]}
        assert queries.neighbours(connection, named["2"]) == {named["Acme"]}
        targets = link_targets(queries.link_records(connection), 30_000)
        assert targets == {named["Acme"]: named["3"], named["Bolt"]: named["3"]}
        for enterprise in named.values():
            group = queries.connected(connection, enterprise)
            by_group = link_targets(queries.posted_of(connection, group), 30_000)
            assert by_group == {name: code for name, code in targets.items() if name in group}
            own = queries.link_records(connection, enterprise)
            assert {each.id for each in own} <= {each.id for each in queries.link_records(connection)}
            assert link_targets(own, 30_000).get(enterprise) == targets.get(enterprise)


@pytest.mark.parametrize("seed", range(3))
def test_link_rows_of_random_histories_are_those_found_by_opening_every_run(
    database: Database, seed: int
) -> None:
    chain = SimulatedChain(seed)
    follower = Follower(database, chain, DEPLOYMENT)
    for _ in range(60):
        chain.mine_anything()
        if chain.random.random() < 0.3:
            follower.catch_up()
    follower.catch_up()
    with database.read_index() as connection:
        expected = sorted(every_link_record(connection), key=lambda each: each.id)
        assert sorted(queries.link_records(connection), key=lambda each: each.id) == expected
        assert len(expected) > 10
    assert any(row[4] for row in index_rows(database)["links"])
