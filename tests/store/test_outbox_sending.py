"""Sending: sealing, registering, exactly once, whatever fails on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faults import Crash, FaultyNode
from house import AUTHORITIES, DAY, GACC, House, change, event, link, statuses
from sqlalchemy import delete, func, select, update

from ledger.chain.contracts import Contracts
from ledger.chain.embedded import open_embedded
from ledger.chain.logs import read_facts
from ledger.chain.submitter import Submitter
from ledger.domain.facts import BatchRecorded, Fact, Registered, Run
from ledger.domain.parties import named_party
from ledger.domain.records import Posted, record_id, unpack_run
from ledger.errors import Busy, ChainRefused, ChainUnavailable, Conflict, Forbidden, Misconfigured
from ledger.outbox import sealing
from ledger.outbox.gas import batch_gas, register_gas
from ledger.outbox.sender import Status
from ledger.store import vault

if TYPE_CHECKING:
    from conftest import Deployed

SEND = "eth_sendRawTransaction"


def facts(house: House) -> list[Fact]:
    last = int(house.node.request("eth_blockNumber"), 16)
    return list(read_facts(house.node, house.deployment.addresses, 0, last))


def posted(house: House) -> list[Posted]:
    return [
        each for fact in facts(house) if type(fact) is Run for each in unpack_run(fact.first_id, fact.records)
    ]


def batches(house: House) -> list[tuple[int, int, int]]:
    return [(f.authority, f.first_number, f.count) for f in facts(house) if type(f) is BatchRecorded]


def expected(house: House) -> list[Posted]:
    """What the chain must hold, by the vault: every command once, under its number."""
    rows = [row for row in house.commands() if row.number is not None]
    by_seq = {row.seq: row for row in rows}

    def ref(row: Any) -> int:
        return (
            record_id(row.authority, by_seq[row.ref_command].number)
            if row.ref_command
            else row.ref_enterprise or 0
        )

    return sorted(
        Posted(
            record_id(r.authority, r.number),
            r.enterprise,
            r.type,
            r.severity,
            r.conduct_on,
            r.decided_on,
            ref(r),
            r.commitment,
        )
        for r in rows
    )


def assert_all_recorded_once(house: House) -> None:
    assert all(row.number is not None for row in house.commands())
    assert sorted(posted(house)) == expected(house)
    with house.database.read_vault() as connection:
        unseen = select(func.count()).select_from(vault.batches).where(vault.batches.c.block_number.is_(None))
        assert connection.scalar(unseen) == 0
        unseen = (
            select(func.count())
            .select_from(vault.identities)
            .where(vault.identities.c.block_number.is_(None))
        )
        assert connection.scalar(unseen) == 0
        commitments = list(
            connection.scalars(select(vault.identities.c.commitment).order_by(vault.identities.c.enterprise))
        )
    assert [fact.commitment for fact in facts(house) if type(fact) is Registered] == commitments


# ---------------------------------------------------------------------- the normal way


def test_what_was_accepted_stands_on_the_chain_in_numbered_batches_sorted_by_enterprise(house: House) -> None:
    house.accept(*(event(f"A{n}", 1 + n % 3) for n in range(7)))
    house.accept(event("B", 2, "FR01"), code="US-CPSC")
    told: list[int] = []
    assert house.sender().status() == Status(queued=8, sealed=0, recorded=0)
    assert house.sender(batch_size=4).drain(told.append) == 8
    assert told[-1] == 8
    assert batches(house) == [(1, 1, 4), (1, 5, 3), (7, 1, 1)]
    assert_all_recorded_once(house)
    assert [each.enterprise for each in posted(house)] == [1, 1, 2, 3, 1, 2, 3, 2]
    assert house.sender().status() == Status(queued=0, sealed=0, recorded=8)
    assert house.sender().drain() == 0
    assert len(batches(house)) == 3


def test_draining_one_authority_leaves_the_others(house: House) -> None:
    house.accept(event("A"))
    house.accept(event("B", 2, "FR01"), code="US-CPSC")
    assert house.sender().drain(authority=AUTHORITIES["US-CPSC"].number) == 1
    assert batches(house) == [(7, 1, 1)]


def test_a_record_that_changes_one_of_its_batch_goes_into_the_next(house: House) -> None:
    house.accept(event("A"), change("R", "A"), event("B"), change("R2", "B"), event("C"))
    house.sender().drain()
    assert batches(house) == [(1, 1, 1), (1, 2, 2), (1, 4, 2)]
    assert_all_recorded_once(house)


def test_a_link_and_its_mirror_share_a_batch_even_at_its_edge(house: House) -> None:
    house.accept(event("A"), event("B"), link("K", "Acme", 1), event("C"))
    house.accept(change("U", "K", named_party("US", "Acme")))
    house.sender(batch_size=3).drain()
    assert batches(house) == [(1, 1, 2), (1, 3, 3), (1, 6, 2)]
    assert_all_recorded_once(house)


def test_two_thousand_records_drain_in_windows(house: House) -> None:
    house.accept(*(event(f"A{n}", n % 450) for n in range(900)))
    assert house.sender(batch_size=100, in_flight=3).drain() == 900
    assert_all_recorded_once(house)


def test_records_of_all_sizes_of_batch_cost_less_gas_than_the_bound(house: House) -> None:
    house.accept(*(event(f"A{n}", n) for n in range(300)))
    house.sender(batch_size=300).drain()
    house.accept(*(event(f"B{n}", n) for n in range(300)))
    house.sender(batch_size=300).drain()
    house.accept(*(event(f"C{n}", n % 3) for n in range(300)), event("D"))
    house.sender(batch_size=300).drain()
    leaves = 0
    for each in range(int(house.node.request("eth_blockNumber"), 16) + 1):
        block = house.node.request("eth_getBlockByNumber", hex(each), False)
        told = list(read_facts(house.node, (house.deployment.credit_ledger,), each, each))
        runs = [fact for fact in told if type(fact) is Run]
        registered = sum(type(fact) is Registered for fact in told)
        leaves += len(runs)
        used = int(block["gasUsed"], 16)
        if runs:
            bound = batch_gas(sum(len(run.records) // 64 for run in runs), len(runs), leaves)
            assert used < bound < used * 2 + 400_000
        if registered:
            assert used < register_gas(registered) < used * 2


@pytest.mark.parametrize(("records", "runs", "size"), [(0, 0, 1), (1001, 1, 1), (1, 2, 1)])
def test_batches_no_transaction_may_carry_are_refused(records: int, runs: int, size: int) -> None:
    with pytest.raises(Exception, match="batch"):
        batch_gas(records, runs, size)
    assert batch_gas(1000, 1000, 1 << 40) <= 16_777_216


# ---------------------------------------------------------------------- failures


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("error", [ChainUnavailable, Crash])
def test_each_transaction_lost_on_the_way_or_on_the_way_back_is_recorded_once(
    house: House, arrives: bool, error: type[BaseException]
) -> None:
    for attempt in range(1, 6):
        house.accept(*(event(f"A{attempt}-{n}", 5 * attempt + n % 5) for n in range(6)))
        house.accept(event(f"B{attempt}", attempt, "FR01"), code="US-CPSC")
        node = FaultyNode(
            house.node, SEND, lambda count, at=attempt: count == at, arrives=arrives, error=error
        )
        sender = house.sender(node, batch_size=2, in_flight=2)
        with pytest.raises(error):
            sender.drain()
        assert house.sender(batch_size=2).drain() >= 0
        assert_all_recorded_once(house)


def test_a_receipt_that_never_comes_is_found_on_the_chain_later(house: House) -> None:
    house.accept(*(event(f"A{n}", n) for n in range(4)))
    node = FaultyNode(house.node, "eth_getTransactionReceipt", lambda _: True, arrives=True, error=Crash)
    for _ in ("enterprises", "batches"):
        with pytest.raises(Crash):
            house.sender(node, batch_size=2).drain()
    assert house.sender(batch_size=2).drain() >= 0
    assert_all_recorded_once(house)


def test_a_crash_between_sealing_and_sending_sends_the_same_batch(house: House) -> None:
    house.accept(event("A"), event("B", 2))
    house.sender()._register()
    with house.database.write_vault() as connection:
        (sealed,) = sealing.seal(connection, GACC.number, 10, 1, now=int(time.time()), block=0, upto=99)
    house.accept(event("C"))
    house.sender().drain()
    assert batches(house) == [(1, 1, 2), (1, 3, 1)]
    assert_all_recorded_once(house)
    assert b"".join(fact.records for fact in facts(house) if type(fact) is Run)[:128] == sealed.records


KILLED = """
import os, pathlib, sys
sys.path.insert(0, {tests!r})
from house import *
from ledger.chain.contracts import Deployment
from ledger.chain.embedded import open_embedded
from ledger.chain.keystore import Keystore
from ledger.store.database import open_database
folder = pathlib.Path({folder!r})
keystore = Keystore.open_or_create(folder / "keystore.json", "test")
database = open_database({url!r}, pathlib.Path({data!r}))
ledger = House(database, open_embedded(folder, []), keystore, Deployment(**{deployment!r}))
ledger.accept(*(event(f"A{{n}}", n % 7) for n in range(60)))
print("accepted", flush=True)
ledger.sender(batch_size=3, in_flight=2).drain()
print("drained", flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.15, 0.4])
def test_kill_9_while_draining_loses_and_repeats_nothing(
    deployed: Deployed,
    database: Any,
    database_url: str | None,
    chain_folder: Path,
    tmp_path: Path,
    after: float,
) -> None:
    script = KILLED.format(
        tests=str(Path(__file__).parent),
        folder=str(chain_folder),
        url=database_url,
        data=str(tmp_path),
        deployment=deployed.deployment.to_json(),
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"accepted\n"
    threading.Event().wait(after)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    node = open_embedded(chain_folder, [])
    house = House(database, node, deployed.keystore, deployed.deployment)
    assert statuses(house.accept(*(event(f"A{n}", n % 7) for n in range(60)))) == ["duplicate"] * 60
    house.sender(batch_size=3).drain()
    assert_all_recorded_once(house)
    assert len(posted(house)) == 60
    node.close()


def test_two_that_drain_at_once_take_turns_or_are_told_to_wait(house: House) -> None:
    house.accept(event("A"))
    with house.database.lock("sender"), pytest.raises(Busy):
        house.sender().drain(wait=0)
    house.accept(*(event(f"B{n}", n) for n in range(20)))
    done: list[int] = []
    drains = [
        threading.Thread(target=lambda: done.append(house.sender(batch_size=2).drain())) for _ in range(3)
    ]
    for each in drains:
        each.start()
    for each in drains:
        each.join()
    assert sum(done) == 21
    assert_all_recorded_once(house)


def test_senders_of_two_processes_take_turns_with_one_key(house: House) -> None:
    one, other = house.sender(), house.sender()
    for turn, sender in enumerate((one, other, one, other, one)):
        house.accept(event(f"A{turn}", turn))
        assert sender.drain() == 1
    assert_all_recorded_once(house)


# ---------------------------------------------------------------------- one authority's trouble


def govern(house: House, call: Any) -> None:
    Submitter(house.node, house.keystore, "governor").execute(call, 500_000)


def test_a_suspended_authority_waits_and_the_others_go_on(house: House) -> None:
    contracts = Contracts(house.node, house.deployment)
    govern(house, contracts.set_suspended(GACC.number, True))
    house.accept(event("A"))
    house.accept(event("B", 2, "FR01"), code="US-CPSC")
    sender = house.sender()
    with pytest.raises(Forbidden, match="GACC is suspended"):
        sender.drain()
    assert list(sender.problems) == [GACC.number]
    assert batches(house) == [(7, 1, 1)]
    assert sender.status() == Status(queued=0, sealed=1, recorded=1)
    govern(house, contracts.set_suspended(GACC.number, False))
    assert house.sender().drain() == 1
    assert_all_recorded_once(house)


def test_a_key_that_is_not_valid_stops_its_authority_alone(house: House) -> None:
    contracts = Contracts(house.node, house.deployment)
    key = house.keystore.address("authority:GACC")
    start, _ = contracts.key_window(GACC.number, key)
    govern(house, contracts.set_key(GACC.number, key, start, start))
    house.accept(event("A"))
    house.accept(event("B", 2, "FR01"), code="US-CPSC")
    with pytest.raises(Forbidden, match=r"key 0x\w+ of GACC is not valid now"):
        house.sender().drain()
    assert batches(house) == [(7, 1, 1)]


def test_an_authority_without_a_key_here_stops_alone(house: House, tmp_path: Path) -> None:
    class Lacking:
        def __getattr__(self, name: str) -> Any:
            return getattr(house.keystore, name)

        def address(self, name: str) -> str:
            if name == "authority:GACC":
                raise Misconfigured("the keystore has no key named 'authority:GACC'")
            return house.keystore.address(name)

    house.accept(event("A"))
    house.accept(event("B", 2, "FR01"), code="US-CPSC")
    lacking = House(house.database, house.node, Lacking(), house.deployment)  # type: ignore[arg-type]
    with pytest.raises(Misconfigured, match="authority:GACC"):
        lacking.sender().drain()
    assert batches(house) == [(7, 1, 1)]


def test_a_record_the_contract_refuses_is_named_with_its_reason(house: House) -> None:
    house.accept(event("A", decided_on=DAY * 3, conduct_on=DAY))
    # By its clock the day has come; the chain's time says otherwise.
    with pytest.raises(ChainRefused, match=r"GACC were refused.*DecidedInFuture"):
        house.sender(clock=lambda: (DAY * 3 + 1) * 86_400.0).drain()


# ---------------------------------------------------------------------- a vault that is not the only one


def test_batches_of_another_office_under_the_same_numbers_are_a_conflict(house: House) -> None:
    house.accept(event("A"))
    house.sender().drain()
    house.accept(event("B"))
    with house.database.write_vault() as connection:
        (sealed,) = sealing.seal(connection, GACC.number, 10, 1, now=int(time.time()), block=0, upto=99)
        stolen = sealed.records[:32] + b"x" * 32
        connection.execute(
            update(vault.batches).where(vault.batches.c.first_number == 2).values(records=stolen)
        )
    house.sender().drain()  # stands for the other office
    with house.database.write_vault() as connection:
        connection.execute(
            update(vault.batches)
            .where(vault.batches.c.first_number == 2)
            .values(records=sealed.records, block_number=None, block_hash=None)
        )
    with pytest.raises(Conflict, match="holds others than this vault sealed"):
        house.sender().drain()


def test_an_old_copy_of_the_vault_is_noticed_before_anything_is_sent(house: House) -> None:
    house.accept(event("A"), event("B", 2))
    house.sender().drain()
    with house.database.write_vault() as connection:
        connection.execute(delete(vault.batches))
        connection.execute(update(vault.commands).values(number=None))
    with pytest.raises(Conflict, match="2 records of GACC"):
        house.sender().drain()
    with house.database.write_vault() as connection:
        connection.execute(delete(vault.identities).where(vault.identities.c.enterprise == 2))
    with pytest.raises(Conflict, match="2 enterprises and this vault knows 1"):
        house.sender().drain()
    assert len(batches(house)) == 1


def test_an_identity_registered_otherwise_is_a_conflict(house: House) -> None:
    house.accept(event("A"))
    house.sender().drain()
    with house.database.write_vault() as connection:
        connection.execute(
            update(vault.identities).values(commitment=b"x" * 32, block_number=None, block_hash=None)
        )
    with pytest.raises(Conflict, match="enterprise 1 is registered under another identity"):
        house.sender().drain()


def test_hints_of_a_block_that_left_the_chain_are_dropped_and_compared_again(house: House) -> None:
    house.accept(event("A"), event("B", 2))
    house.sender(batch_size=1).drain()
    with house.database.write_vault() as connection:
        connection.execute(update(vault.batches).values(block_hash=b"z" * 32))
        connection.execute(update(vault.identities).values(block_hash=b"z" * 32, block_number=10_000))
    assert house.sender().drain() == 2
    assert_all_recorded_once(house)
