"""Writers at once, workers and databases: what stopped the ledger for good, or let one refuse another."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
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
from installation import Installation, write_records
from nodes import Anvil, free_port
from postgres import Postgres, server_folder
from sqlalchemy import func, select
from tools import missing

from api import cursors
from ledger.chain.contracts import Contracts
from ledger.chain.submitter import Submitter
from ledger.errors import BadValue, Busy
from ledger.outbox.gas import register_gas
from ledger.store.database import StoreUnavailable, open_database
from ledger.store.locks import lock_key
from ledger.store.vault import identities
from ledger.workflows.workers import STALE_SECONDS, Worker

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
#: Seconds that the serving ledger of these tests waits for a lock or a connection, instead of `BUSY_SECONDS`.
PATIENCE = 2
#: How a request may end that waited for a lock, or for a connection that waits for one.
BUSY_SENTENCES = {
    "the database is busy: somebody else holds a lock in it",
    f"all 3 connections to the database are in use; waited {PATIENCE} s",
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

    def settle(self, seconds: float = 90) -> None:
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
        impatient = {"PYTHONPATH": str(Path(__file__).parent / "impatient"), "BUSY_SECONDS": str(PATIENCE)}
        made.settings |= impatient
        process = made.start(free_port())
        for name in impatient:
            del made.settings[name]
        try:
            yield Serving(server, made)
        finally:
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert "Traceback" not in output


def nothing_deviates(made: Installation) -> None:
    """The audit finds nothing; that no checkpoint was kept is all it may not have checked."""
    report = made.json("audit", code=None)
    assert report["deviations"] == []
    assert {each["what"] for each in report["not_checked"]} <= {"the log against a checkpoint"}


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
    nothing_deviates(serving.installation)


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
            # Which part it is, depends on whose table is held.
            assert re.search(r"(vault|outbox): no answer", answer.json()["detail"])
            begun = time.monotonic()
            assert {refused(each.result()) for each in posts} <= BUSY_SENTENCES
            assert time.monotonic() - begun < 12 * PATIENCE
    serving.settle()


# ---------------------------------------------------------------------- another version


@pytest.fixture(scope="module")
def three_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three records, to be copied."""
    made = Installation(tmp_path_factory.mktemp("three") / "data")
    made.json("import", write_rows(made.folder.parent, 3), *RECORDS)
    return made.folder


def test_a_folder_with_other_contracts_is_refused_before_anything_is_accepted(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    made.run("start", "--once")
    with sqlite3.connect(made.folder / "vault.db") as vault:
        (content,) = vault.execute("SELECT content FROM deployment").fetchone()
        kept = json.loads(content)
        for other in (
            {**kept, "version": "0123456789abcdef"},
            {k: v for k, v in kept.items() if k != "version"},
        ):
            vault.execute("UPDATE deployment SET content = ?", [json.dumps(other)])
            vault.commit()
            for verb in (
                ("status",),
                ("import", write_rows(tmp_path, 3), *RECORDS),
                ("rebuild",),
                ("start", "--once"),
            ):
                said = made.run(*verb, code=1).stderr
                assert "contracts of another version" in said
                assert "go on with the software that deployed them" in said
        assert vault.execute("SELECT count(*) FROM commands").fetchone() == (0,)
        assert vault.execute("SELECT count(*) FROM identities").fetchone() == (0,)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (
            "vault.db",
            "UPDATE alembic_version SET version_num = 'vault_9999'",
            "the vault was made by another version",
        ),
        ("vault.db", "ALTER TABLE commands DROP COLUMN conduct_on", "the table commands has other columns"),
        ("vault.db", "DROP TABLE alembic_version", "the vault has tables, and nothing says of which version"),
        (
            "index.db",
            "UPDATE alembic_version SET version_num = 'index_9999'",
            "credit-ledger rebuild makes the index",
        ),
        ("index.db", "ALTER TABLE runs DROP COLUMN head", "credit-ledger rebuild makes the index anew"),
        ("index.db", "DROP TABLE alembic_version", "credit-ledger rebuild makes the index anew"),
    ],
)
def test_tables_of_another_version_are_named_with_what_to_do(
    three_records: Path, tmp_path: Path, file: str, change: str, said: str
) -> None:
    made = Installation(tmp_path / "data")
    shutil.copytree(three_records, made.folder)
    with sqlite3.connect(made.folder / file) as tables:
        tables.execute(change)
    tables.close()
    assert said in made.run("status", code=1).stderr
    if file == "index.db":
        assert made.json("rebuild")["records"] == 3
        nothing_deviates(made)
    else:
        assert said in made.run("rebuild", code=1).stderr


RECORDS = ("--format", "records", "--authority", "GACC")


def write_rows(folder: Path, many: int, name: str = "R") -> Path:
    rows = [
        {"party": f"name:CN:{name} {n} Ltd", "type": "CU04", "decided_on": DAY, "reference": f"{name}-{n}"}
        for n in range(many)
    ]
    return write_records(folder / f"{name}.csv", rows)


# ---------------------------------------------------------------------- what a server is, and what it allows


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    programs = server_folder()
    if programs is None:
        missing("PostgreSQL")
    assert programs is not None
    with Postgres(programs) as made:
        yield made


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "EUC_CN", "LATIN1"])
def test_a_server_of_another_encoding_is_refused_by_name(
    server: Postgres, tmp_path: Path, encoding: str
) -> None:
    made = Installation(tmp_path / "data")
    url = server.new_database("template0", f"ENCODING '{encoding}' LOCALE 'C'")
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = url
    said = made.run("start", "--once", code=1).stderr
    assert f"the database's encoding is {encoding}" in said
    assert "UTF8" in said
    with server.connect(server.name(url)) as session:
        assert session.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'vault'").fetchone() == (0,)


@pytest.mark.postgres
def test_a_client_encoding_of_the_environment_garbles_no_name(server: Postgres, tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    made.settings |= {"CREDIT_LEDGER_DATABASE_URL": server.new_database(), "PGCLIENTENCODING": "LATIN1"}
    row = {
        "party": "name:CN:深圳市跨境电商有限公司",
        "type": "CU04",
        "decided_on": DAY,
        "reference": "罚字1号",
    }
    made.json("import", write_records(tmp_path / "r.csv", [row]), *RECORDS)
    found = made.json("record", "name:CN:深圳市跨境电商有限公司")
    assert found["records"][0]["reference"] == "罚字1号"


def with_role(server: Postgres, url: str, *statements: str) -> str:
    """The address of the same database for a new role, after these statements as its superuser."""
    name = server.name(url)
    server.run("DROP ROLE IF EXISTS office", "CREATE ROLE office LOGIN")
    server.run(*statements, database=name)
    return url.replace("//ledger@", "//office@")


@pytest.mark.postgres
def test_a_role_without_rights_hears_so_in_a_sentence(server: Postgres, tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    own = server.new_database()
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = with_role(server, own)
    assert "the database's role lacks rights" in made.run("start", "--once", code=1).stderr
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = own
    made.run("start", "--once")
    reading = 'GRANT USAGE ON SCHEMA vault, "index" TO office; GRANT SELECT ON ALL TABLES IN SCHEMA vault, "index" TO office'
    server.run(reading, database=server.name(own))
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = own.replace("//ledger@", "//office@")
    said = made.run("import", write_rows(tmp_path, 2), *RECORDS, code=1).stderr
    assert "the database's role lacks rights" in said
    server.run("ALTER ROLE office SET default_transaction_read_only = on")
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = own.replace("//ledger@", "//office@")
    said = made.run("import", write_rows(tmp_path, 2), *RECORDS, code=1).stderr
    assert "read-only" in said or "lacks rights" in said
    server.run("DROP OWNED BY office", database=server.name(own))
    server.run("DROP ROLE office")


@pytest.mark.postgres
def test_tables_without_a_version_are_not_taken_for_ours(server: Postgres, tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = server.new_database()
    made.run("start", "--once")
    server.run(
        "DROP TABLE vault.alembic_version", database=server.name(made.settings["CREDIT_LEDGER_DATABASE_URL"])
    )
    assert "nothing says of which version" in made.run("status", code=1).stderr


@pytest.mark.postgres
def test_six_connections_are_enough_for_a_serving_ledger_and_the_command_line(
    server: Postgres, tmp_path: Path
) -> None:
    made = Installation(tmp_path / "data")
    own = server.new_database()
    name = server.name(own)
    made.settings["CREDIT_LEDGER_DATABASE_URL"] = with_role(
        server, own, f"GRANT CREATE ON DATABASE {name} TO office", "ALTER ROLE office CONNECTION LIMIT 6"
    )
    process = made.start(free_port())
    try:
        serving = Serving(server, made)
        path = "/v1/enterprises/name%3ACN%3AR%200%20Ltd/score"
        made.json("import", write_rows(tmp_path, 30), *RECORDS)
        with ThreadPoolExecutor(32) as pool:
            reads = [pool.submit(serving.get, path) for _ in range(200)]
            for verb in (("status",), ("score", "name:CN:R 1 Ltd"), ("assess",)):
                made.json(*verb)
            made.json("import", write_rows(tmp_path, 30, "S"), *RECORDS)
            assert {each.result().status_code for each in reads} == {200}
        nothing_deviates(made)
        with server.connect() as session:
            many = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'office'"
            assert session.execute(many).fetchone()[0] <= 4  # type: ignore[index]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_waiting_for_a_connection_ends(postgres_server: Postgres, migrated: str, tmp_path: Path) -> None:
    """All connections in other hands: the next hears so, and whoever has one still gets its second."""
    with open_database(postgres_server.new_database(migrated), tmp_path, 4) as opened:
        opened.connections._patience = 0.3  # type: ignore[union-attr]
        with opened.read_vault(), opened.read_index():
            heard = []

            def another() -> None:
                begun = time.monotonic()
                with pytest.raises(Busy, match="all 3 connections"), opened.read_vault():
                    pass
                heard.append(time.monotonic() - begun)

            thread = threading.Thread(target=another)
            thread.start()
            thread.join(10)
            assert heard
            assert heard[0] < 2
            with opened.read_vault():
                pass


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, to whom the folder is closed")
def test_a_folder_that_cannot_be_read_is_named_without_a_traceback(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    made.run("start", "--once")
    made.folder.chmod(0o700)
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    seen = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], env=made.environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in seen.stderr
    assert seen.returncode == 1, seen.stderr
    assert seen.stderr.startswith("error: ")


#: The verb as a user to whom the folder is closed; the interpreter's own files were read before.
AS_NOBODY = """
import os, sys
import importlib.readers, importlib.resources.readers, ledger.cli.app, ledger.bootstrap
sys.argv = ["credit-ledger", "status"]
os.setgid(65534); os.setuid(65534)
from ledger.cli import main
main()
"""


# ---------------------------------------------------------------------- workers


def test_a_worker_goes_on_whatever_it_meets_and_says_it_once() -> None:
    met: list[str] = []
    said: list[str] = []
    rounds = iter([RuntimeError("secret"), KeyError("x"), KeyError("x"), StoreUnavailable("away"), None])
    done = threading.Event()

    def work(_: Worker) -> str:
        error = next(rounds, None)
        if error is not None:
            raise error
        done.set()
        return ""

    worker = Worker("sender", work, 0.01, said.append, lambda name, error: met.append(f"{name} {error!r}"))
    worker.start()
    assert done.wait(20)
    worker.stop()
    worker.join()
    assert worker.failures == 4
    assert len(met) == 3
    assert said == [
        "sender: an error of its own (RuntimeError); it tries again",
        "sender: an error of its own (KeyError); it tries again",
        "waiting: away",
    ]
    assert "secret" not in "".join(said)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_is_dead_or_stands_still_is_named_by_readiness() -> None:
    hanging = threading.Event()

    def dies(_: Worker) -> str:
        raise SystemExit  # what no round survives

    def hangs(_: Worker) -> str:
        hanging.wait(60)
        return ""

    workers = tuple(
        Worker(name, work, 0.01, lambda _: None, lambda *_: None)
        for name, work in (("sender", dies), ("follower", hangs))
    )
    for each in workers:
        each.start()
    time.sleep(0.5)
    assert "is dead" in str(workers[0].fault())
    assert workers[1].fault() is None
    workers[1]._last -= STALE_SECONDS
    assert "has ended no round for 12" in str(workers[1].fault())
    hanging.set()


# ---------------------------------------------------------------------- what is said at once


@pytest.mark.anvil
def test_an_account_that_delegates_is_no_wallet_and_is_refused_where_it_is_set(
    anvil: Anvil, tmp_path: Path
) -> None:
    made = Installation(tmp_path / "data")
    made.on_anvil(anvil)
    made.run("start", "--once")
    delegated, other = "0x" + "7d" * 20, "0x" + "7e" * 20
    for each in (delegated, other):
        anvil.request("anvil_setCode", each, "0xef0100" + "ab" * 20)
    made.run("authority", "four-eyes", "GACC", "on")
    said = made.run("authority", "key", "GACC", delegated, code=1).stderr
    assert "EIP-7702" in said
    assert "one key speaks for it" in said
    made.run("authority", "key", "STA", other)  # without four eyes it is a key like any other


@pytest.mark.parametrize("cursor", ["0", "1", "17.4", "999999999999999999", "9999999999999999999.1"])
@pytest.mark.parametrize("many", [1, 2])
def test_every_cursor_the_schema_allows_is_taken(cursor: str, many: int) -> None:
    assert re.fullmatch(cursors.PATTERN, cursor)
    found = cursors.unpack(cursor, many)
    assert len(found) == many
    assert max(found) < 1 << 63


@pytest.mark.parametrize("cursor", ["", "01", "1.2.3", "-1", "1.", "1\n", "٣", "1" * 20, "MQ"])
def test_every_other_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadValue, match="cursor"):
        cursors.unpack(cursor, 1)
