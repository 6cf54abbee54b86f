"""Writers at once, workers and databases: what stopped the ledger for good, or let one refuse another."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))
sys.path.insert(0, str(Path(__file__).parent.parent / "store"))

import httpx
import pytest
from house import GACC, House, change, event
from installation import Installation
from nodes import free_port
from postgres import Postgres, server_folder
from sqlalchemy import func, select
from tools import missing

from ledger.chain.contracts import Contracts
from ledger.chain.submitter import Submitter
from ledger.outbox.gas import register_gas
from ledger.store.database import BUSY_SECONDS
from ledger.store.locks import lock_key
from ledger.store.vault import identities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


# ---------------------------------------------------------------------- a serving ledger on a real server

DAY = "2026-09-01"
#: How a request may end that waited for a lock, or for a connection that waits for one.
BUSY_SENTENCES = {
    "the database is busy: somebody else holds a lock in it",
    f"all 3 connections to the database are in use; waited {BUSY_SECONDS} s",
}


class Serving:
    """`start` with its database on a PostgreSQL server, and an authority's key for its API."""

    def __init__(self, server: Postgres, made: Installation) -> None:
        self.server, self.installation = server, made
        self.database = Postgres.name(made.settings["CREDIT_LEDGER_DATABASE_URL"])
        self.url = f"http://127.0.0.1:{made.settings['CREDIT_LEDGER_PORT']}"
        token = made.json("key", "create", "--scope", "authority:GACC")["token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        self._posted = 0

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=self.headers, timeout=60)

    def post(self) -> httpx.Response:
        self._posted += 1
        reference = f"P-{os.getpid()}-{self._posted}"
        row = {
            "party": f"name:CN:Firm {reference} Ltd",
            "type": "CU04",
            "decided_on": DAY,
            "reference": reference,
        }
        return httpx.post(f"{self.url}/v1/records", json={"records": [row]}, headers=self.headers, timeout=60)

    def settle(self, seconds: float = 40) -> None:
        """Wait until everything accepted is on the chain, by nobody's doing but the workers'."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.get("/metrics").text
            if "credit_ledger_outbox_records 0.0" in answer and self.get("/readyz").status_code == 200:
                return
            assert time.monotonic() < deadline, (answer[-1500:], self.get("/readyz").text)
            time.sleep(0.2)

    def on_its_database(self, *statements: str) -> None:
        self.server.run(*statements, database=self.database)

    def end_sessions(self) -> None:
        self.server.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}'"
        )


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    programs = server_folder()
    if programs is None:
        missing("PostgreSQL")
    assert programs is not None
    made = Installation(tmp_path_factory.mktemp("serving") / "data")
    with Postgres(programs) as server:
        made.settings["CREDIT_LEDGER_DATABASE_URL"] = server.new_database()
        process = made.start(free_port())
        try:
            yield Serving(server, made)
        finally:
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert "Traceback" not in output


def refused(answer: httpx.Response) -> str:
    """Why a 503 was given: with its time to come again, and without a word about where the database is."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert not re.search(r"/tmp/|port|5432|socket|Traceback", answer.text), answer.text
    return str(answer.json()["detail"])


@pytest.mark.postgres
def test_a_read_only_database_refuses_and_work_goes_on_when_it_is_given_back(serving: Serving) -> None:
    assert serving.post().status_code == 202
    serving.server.run(f"ALTER DATABASE {serving.database} SET default_transaction_read_only = on")
    serving.end_sessions()
    time.sleep(1)  # long enough for the workers to make connections that are read-only
    assert "read-only" in refused(serving.post())
    ready = serving.get("/readyz")
    assert "vault: the database is read-only" in refused(ready)
    assert "writable" not in ready.text
    serving.server.run(f"ALTER DATABASE {serving.database} RESET default_transaction_read_only")
    answers = []
    while not answers or answers[-1] != 202:
        answers.append(serving.post().status_code)
        assert set(answers) <= {202, 503}, answers
        assert len(answers) < 20, answers
    serving.settle()


@pytest.mark.postgres
def test_a_database_that_is_restarted_loses_nothing_and_stops_nobody(serving: Serving) -> None:
    assert serving.post().status_code == 202
    serving.server.stop()
    refused(serving.post())
    assert serving.get("/healthz").status_code == 200
    assert "vault: " in refused(serving.get("/readyz"))
    serving.server.start()
    while (answer := serving.post()).status_code == 503:
        time.sleep(0.2)
    assert answer.status_code == 202
    serving.settle()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "drop",
    ['DROP SCHEMA "index" CASCADE', 'DROP TABLE "index".runs', 'ALTER TABLE "index".runs DROP COLUMN head'],
)
def test_an_index_dropped_or_cut_while_serving_is_made_anew_from_the_chain(
    serving: Serving, drop: str
) -> None:
    assert serving.post().status_code == 202
    serving.settle()
    leaves = [
        each
        for each in serving.get("/metrics").text.splitlines()
        if each.startswith("credit_ledger_log_leaves")
    ]
    serving.on_its_database(drop)
    assert serving.post().status_code in {202, 503}
    serving.settle()
    after = [
        each
        for each in serving.get("/metrics").text.splitlines()
        if each.startswith("credit_ledger_log_leaves")
    ]
    assert float(after[0].split()[1]) >= float(leaves[0].split()[1])
    assert serving.installation.json("audit")["ok"] is True


@pytest.mark.postgres
@pytest.mark.parametrize(
    "hold",
    [
        "SELECT pg_advisory_xact_lock({key})",
        "LOCK TABLE vault.commands IN ACCESS EXCLUSIVE MODE",
        "LOCK TABLE vault.api_keys, vault.identities, vault.batches IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_a_session_that_holds_a_lock_holds_up_no_health_and_nobody_for_good(
    serving: Serving, hold: str
) -> None:
    with serving.server.connect(serving.database) as holder, holder.transaction():
        holder.execute(hold.format(key=lock_key("write-vault")))
        with ThreadPoolExecutor(24) as pool:
            posts = [pool.submit(serving.post) for _ in range(24)]
            time.sleep(1)
            for path, bound in (("/healthz", 0.5), ("/readyz", 2.0)):
                begun = time.monotonic()
                answer = serving.get(path)
                assert time.monotonic() - begun < bound, path
                assert (path, answer.status_code) in {("/healthz", 200), ("/readyz", 503)}
            assert "vault: no answer" in answer.json()["detail"]
            begun = time.monotonic()
            assert {refused(each.result()) for each in posts} <= BUSY_SENTENCES
            assert time.monotonic() - begun < 4 * BUSY_SECONDS
    serving.settle()
