"""Following: every fact as a row, reorganisations undone, failures survived, a rebuild the same row for row."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from house import event, index_rows
from simulated import DEPLOYMENT, SimulatedChain, log
from sqlalchemy import update

from ledger.domain.records import Record, record_id
from ledger.errors import Busy, ChainDamaged, ChainUnavailable
from ledger.index import follower as following
from ledger.index.follower import Block, Follower
from ledger.store import index

if TYPE_CHECKING:
    from house import House

    from ledger.store.database import Database


def follow(database: Database, chain: SimulatedChain) -> Follower:
    return Follower(database, chain, DEPLOYMENT)


def random_chain(seed: int, blocks: int) -> SimulatedChain:
    chain = SimulatedChain(seed)
    for _ in range(blocks):
        chain.mine_anything()
    return chain


def assert_as_rebuilt(database: Database, chain: SimulatedChain) -> dict[str, list[tuple[Any, ...]]]:
    followed = index_rows(database)
    follow(database, chain).rebuild()
    assert index_rows(database) == followed
    return followed


def test_every_kind_of_fact_becomes_a_row_with_its_place(database: Database) -> None:
    chain = SimulatedChain()
    chain.mine(
        log("Authorities", "AuthorityAdded", [1], b"GACC".ljust(32, b"\0")),
        log("Authorities", "MandateSet", [1], (1 << 256) - 1, 2, 5),
        log("Authorities", "KeySet", [1, b"\x11" * 20], 5, (1 << 64) - 1),
        log("Authorities", "SuspensionSet", [1], 1),
        log("Authorities", "KeyCompromised", [1, b"\x11" * 20], 3),
        log("Authorities", "FourEyesSet", [1], 1),
        log("CreditLedger", "SignaturesInvalidated", [1], 2),
    )
    chain.mine()
    chain.mine(*(log("CreditLedger", "Registered", [n], bytes([n]) * 32) for n in (1, 2)))
    chain.mine(
        *chain.batch(1, [Record(1, 4, 2, 10, 20, 0, b"c" * 32), Record(2, 248, 0, 10, 20, 1, b"d" * 32)])
    )
    chain.mine(
        log("CreditLedger", "TreeHead", [], 2, b"r" * 32),
        log("ScoreBook", "CardRegistered", [b"k" * 32], 19_000),
        log("ScoreBook", "AssessmentPublished", [1, b"k" * 32], 19_001, b"s" * 32, 7, 3, 9, b"h" * 32),
        log("Objections", "AnswerPeriodSet", [], 20, 19_000),
        log("Objections", "EnterpriseKeySet", [1], b"\x33" * 20),
        log("Objections", "ObjectionOpened", [1, 1, record_id(1, 1)], b"\x33" * 20, 5, 25, b"g" * 32),
        log("Objections", "ObjectionAnswered", [1], b"\x11" * 20, 3, b"a" * 32),
    )
    followed = follow(database, chain).catch_up()
    assert (followed.at, followed.records, followed.undone) == (Block(5, chain.blocks[5][0]), 2, 0)
    hashes = [block[0] for block in chain.blocks]
    rows = index_rows(database)
    assert rows["blocks"] == [(n, hashes[n], 1000 + 12 * n) for n in (1, 3, 4, 5)]
    assert rows["cursor"] == [(1, 5, hashes[5])]
    assert rows["authorities"] == [(1, "GACC", 1, hashes[1], 0)]
    assert rows["mandates"] == [(1, (1 << 256) - 1, 2, 5, 1, hashes[1], 1)]
    assert rows["keys"] == [(1, "0x" + "11" * 20, 5, (1 << 64) - 1, 1, hashes[1], 2)]
    assert rows["suspensions"] == [(1, True, 1, hashes[1], 3)]
    assert rows["compromises"] == [(1, "0x" + "11" * 20, 3, 1, hashes[1], 4)]
    assert rows["four_eyes"] == [(1, True, 1, hashes[1], 5)]
    assert rows["signature_epochs"] == [(1, 2, 1, hashes[1], 6)]
    assert rows["enterprises"] == [(n, bytes([n]) * 32, 3, hashes[3], n - 1) for n in (1, 2)]
    assert rows["batches"] == [(1, 1, 2, "0x" + "11" * 20, 4, hashes[4], 0)]
    one, two = rows["runs"]
    assert one[:5] == (0, 1, 1, record_id(1, 1), 1)
    assert two[:5] == (1, 2, 1, record_id(1, 2), 1)
    assert two[-3:] == (4, hashes[4], 2)
    assert rows["links"] == [(record_id(1, 2), 2, 248, 1, None, two[6], 4, hashes[4], 2)]
    assert rows["tree_heads"] == [(2, b"r" * 32, 5, hashes[5], 0)]
    assert rows["cards"] == [(b"k" * 32, 19_000, 5, hashes[5], 1)]
    assert rows["assessments"] == [(1, b"k" * 32, 19_001, b"s" * 32, 7, 3, 9, b"h" * 32, 5, hashes[5], 2)]
    assert rows["answer_periods"] == [(20, 19_000, 5, hashes[5], 3)]
    assert rows["enterprise_keys"] == [(1, "0x" + "33" * 20, 5, hashes[5], 4)]
    opened = (1, 1, record_id(1, 1), "0x" + "33" * 20, 5, 25, b"g" * 32)
    assert rows["objections"] == [(*opened, 5, hashes[5], 5)]
    assert rows["answers"] == [(1, "0x" + "11" * 20, 3, b"a" * 32, 5, hashes[5], 6)]
    assert_as_rebuilt(database, chain)


def test_following_in_steps_gives_what_following_at_once_gives(database: Database) -> None:
    chain = SimulatedChain(1)
    follower = follow(database, chain)
    assert follower.catch_up().at is None
    for _ in range(40):
        chain.mine_anything()
        if chain.random.random() < 0.5:
            follower.catch_up()
    follower.catch_up()
    rows = assert_as_rebuilt(database, chain)
    assert len(rows["runs"]) == chain.state()[1] > 20
    assert any(row[4] is not None for row in rows["links"]), "some lifecycle record about a link"


def test_spans_of_blocks_that_do_not_fit_one_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FIRST_SPAN", 3)
    monkeypatch.setattr(following, "_FEW_FACTS", 4)
    monkeypatch.setattr(following, "_MANY_FACTS", 20)
    chain = random_chain(2, 50)
    told: list[tuple[int, int]] = []
    follow(database, chain).catch_up(lambda *reached: told.append(reached))
    assert told[-1] == (50, 50)
    assert len(told) > 5
    in_steps = index_rows(database)
    monkeypatch.undo()
    follow(database, chain).rebuild()
    assert index_rows(database) == in_steps


@pytest.mark.parametrize("depth", [1, 2, 7, 40])
def test_a_reorganisation_is_undone_to_the_common_ancestor(database: Database, depth: int) -> None:
    chain = random_chain(3, 30)
    follower = follow(database, chain)
    follower.catch_up()
    before = index_rows(database)
    kept = chain.blocks[:]
    chain.fork(depth)
    while len(chain.blocks) < 33:
        chain.mine_anything()
    assert follower.catch_up().undone > 0
    assert index_rows(database) != before
    assert_as_rebuilt(database, chain)
    chain.blocks = kept  # undone and redone: the first branch won after all
    follower.catch_up()
    assert index_rows(database) == before


def test_a_chain_that_became_shorter_undoes_what_it_lost(database: Database) -> None:
    chain = random_chain(4, 30)
    follower = follow(database, chain)
    follower.catch_up()
    chain.fork(12)
    follower.catch_up()
    rows = assert_as_rebuilt(database, chain)
    assert max(row[0] for row in rows["blocks"]) <= 18


def test_a_reorganisation_of_empty_blocks_is_followed(database: Database) -> None:
    chain = random_chain(5, 10)
    for _ in range(5):
        chain.mine()
    follower = follow(database, chain)
    follower.catch_up()
    chain.fork(3)
    for _ in range(4):
        chain.mine_anything()
    follower.catch_up()
    assert_as_rebuilt(database, chain)


def test_a_reorganisation_in_the_middle_of_the_reading_never_mixes_two_chains(database: Database) -> None:
    quiet = random_chain(6, 25)
    follow(database, quiet).catch_up()
    calls = quiet.calls
    for moment in range(1, calls + 1):
        chain = random_chain(6, 25)

        def before(count: int, _: str, at: int = moment, chain: SimulatedChain = chain) -> None:
            if count == at:
                chain.fork(9)
                for _ in range(11):
                    chain.mine_anything()

        chain.before = before
        follower = follow(database, chain)
        follower.rebuild()
        chain.before = lambda _count, _method: None
        follower.catch_up()
        assert_as_rebuilt(database, chain)


def test_a_chain_that_never_stands_still_is_given_up_and_worth_a_retry(database: Database) -> None:
    chain = random_chain(7, 10)

    def before(_: int, method: str) -> None:
        if method == "eth_getLogs":
            chain.fork(2)
            chain.mine_anything()
            chain.mine_anything()

    chain.before = before
    with pytest.raises(ChainUnavailable, match="does not stand still"):
        follow(database, chain).catch_up()


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_of_mining_forks_failures_and_following(database: Database, seed: int) -> None:
    pick = random.Random(seed)
    chain = SimulatedChain(seed)

    def unreliable(_: int, __: str) -> None:
        if pick.random() < 0.08:
            raise ChainUnavailable("no answer")

    chain.before = unreliable
    follower = follow(database, chain)
    for _ in range(120):
        what = pick.random()
        if what < 0.6:
            chain.mine_anything()
        elif what < 0.7:
            chain.fork(pick.randrange(1, 6))
        else:
            try:
                follower.catch_up()
            except ChainUnavailable:
                continue
    chain.before = lambda _count, _method: None
    follower.catch_up()
    rows = assert_as_rebuilt(database, chain)
    assert len(rows["runs"]) == chain.state()[1]


def test_a_transaction_that_fails_leaves_the_index_where_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = random_chain(8, 20)
    follower = follow(database, chain)
    follower.catch_up()
    before = index_rows(database)
    for _ in range(5):
        chain.mine_anything()

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(following, "_move_cursor", fail)
    with pytest.raises(KeyboardInterrupt):
        follower.catch_up()
    monkeypatch.undo()
    assert index_rows(database) == before
    follower.catch_up()
    assert_as_rebuilt(database, chain)


def test_one_process_follows_at_a_time(database: Database) -> None:
    chain = random_chain(9, 5)
    with database.lock("follower"), pytest.raises(Busy):
        follow(database, chain).catch_up(wait=0)


@pytest.mark.parametrize("answer", [None, {}, {"hash": None}, {"hash": "0x12"}, {"hash": "zz"}])
def test_a_node_that_answers_nonsense_is_named(database: Database, answer: Any) -> None:
    chain = random_chain(10, 5)
    follow(database, chain).catch_up()
    chain.mine_anything()

    class Broken(SimulatedChain):
        def request(self, method: str, *params: Any) -> Any:
            return answer if method == "eth_getBlockByNumber" else chain.request(method, *params)

    broken = Broken()
    expected: tuple[type[Exception], ...] = (ChainUnavailable,) if answer is None else (ChainDamaged,)
    with pytest.raises(expected):
        follow(database, broken).catch_up()


def test_a_row_changed_by_hand_is_set_right_by_a_rebuild(database: Database) -> None:
    chain = random_chain(11, 20)
    follow(database, chain).catch_up()
    before = index_rows(database)
    with database.write_index() as connection:
        connection.execute(update(index.runs).values(head=b"z" * 32))
    assert index_rows(database) != before
    follow(database, chain).rebuild()
    assert index_rows(database) == before


def test_the_real_chain_is_followed(house: House) -> None:
    house.accept(*(event(f"A{n}", n % 4) for n in range(20)))
    house.sender(batch_size=6).drain()
    assert house.follower().catch_up().records == 20
    rows = house.index_rows()
    assert [row[1] for row in rows["authorities"]] == [
        "GACC",
        "STA",
        "SAFE",
        "SAMR",
        "COURT",
        "PLATFORM",
        "US-CPSC",
    ]
    assert sum(row[4] for row in rows["runs"]) == 20
    house.follower().rebuild()
    assert house.index_rows() == rows
