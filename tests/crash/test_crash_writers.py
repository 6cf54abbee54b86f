"""Eight writers at once, and a database that is restarted, read-only, held and robbed of its index meanwhile.

No writer is refused for another's sake, nothing that was accepted is lost or stays queued, and the audit holds.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))
sys.path.insert(0, str(Path(__file__).parent.parent / "store"))

import httpx
import pytest
from installation import COMMAND, Installation, write_records
from nodes import ANVIL, Anvil, free_port
from postgres import Postgres, server_folder
from tools import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = "2026-09-01"
ROWS = 40
#: What a verb says where the same again may succeed: nobody's refusal.
AGAIN = "(trying again may help)"


@dataclass
class Storm:
    """The writers' office, what they got accepted, and whatever else they were told."""

    made: Installation
    server: Postgres | None
    accepted: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    later: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.made.settings['CREDIT_LEDGER_PORT']}"

    def verb(self, *arguments: str | Path) -> Any:
        """Run a verb until it is done; it may ask to be run again, and nothing else."""
        while True:
            done = subprocess.run(
                [COMMAND, *map(str, arguments), "--json"],
                env=self.made.environment,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            if done.returncode == 0:
                return json.loads(done.stdout)
            said = f"{arguments[0]}: {done.returncode}: {done.stderr[-600:]}"
            if AGAIN not in done.stderr or "Traceback" in done.stderr:
                self.wrong.append(said)
                return None
            self.later.append(said)
            time.sleep(0.5)

    # ------------------------------------------------------------------ the writers

    def imports(self, name: str, code: str, folder: Path) -> None:
        for turn in itertools.count():
            if self.over.is_set():
                return
            rows = [
                {
                    "party": f"name:CN:{name} firm {turn}-{n} Ltd",
                    "type": kind(code),
                    "decided_on": DAY,
                    "reference": f"{name}-{turn}-{n}",
                }
                for n in range(ROWS)
            ]
            path = write_records(folder / f"{name}-{turn}.csv", rows)
            done = self.verb("import", path, "--format", "records", "--authority", code)
            if done is not None:
                if done["rejected"] or done["recorded"] + done["duplicate"] != ROWS:
                    self.wrong.append(f"import: {done}")
                self.count(name, ROWS)

    def posts(self, name: str, code: str, token: str) -> None:
        for turn in itertools.count():
            if self.over.is_set():
                return
            party = f"name:CN:{name} firm {turn % 50} Ltd"
            row = {"party": party, "type": kind(code), "decided_on": DAY, "reference": f"{name}-{turn}"}
            while True:
                answer = httpx.post(
                    f"{self.url}/v1/records",
                    json={"records": [row]},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=90,
                )
                if answer.status_code != 503:
                    break
                if "retry-after" not in answer.headers:
                    self.wrong.append(answer.text)
                self.later.append(f"post: {answer.json()['detail']}")
                time.sleep(0.2)
            if answer.status_code != 202:
                self.wrong.append(f"post: {answer.status_code} {answer.text}")
            else:
                self.count(name, 1)

    def objects(self, name: str) -> None:
        for number in itertools.count(1):
            if self.over.is_set():
                return
            opened = self.verb("objection", "open", f"GACC-{number}", "--statement", f"not so ({number})")
            if opened is not None:
                one = str(opened["objection"])
                self.verb("objection", "answer", one, "--outcome", "rejected", "--answer", "it is so")
                self.count(name, 0)

    def assesses(self, name: str) -> None:
        while not self.over.is_set():
            if self.verb("assess") is not None:
                self.count(name, 0)

    def count(self, name: str, records: int) -> None:
        self.accepted[name] = self.accepted.get(name, 0) + records
        self.rounds[name] = self.rounds.get(name, 0) + 1

    # ------------------------------------------------------------------ what befalls the database

    def restart(self) -> None:
        if self.server is not None:
            self.server.stop()
            time.sleep(1)
            self.server.start()
        else:
            self.hold(2)

    def read_only(self, seconds: float) -> None:
        if self.server is None:
            self.hold(seconds)
            return
        name = self.server.name(self.made.settings["CREDIT_LEDGER_DATABASE_URL"])
        self.server.run(
            f"ALTER DATABASE {name} SET default_transaction_read_only = on",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        time.sleep(seconds)
        self.server.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    def hold(self, seconds: float) -> None:
        """Nobody writes to a file that somebody else has to himself: the nearest SQLite has to read-only."""
        holder = sqlite3.connect(self.made.folder / "vault.db", timeout=60, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        holder.execute("ROLLBACK")
        holder.close()

    def drop_index(self) -> None:
        if self.server is not None:
            name = self.server.name(self.made.settings["CREDIT_LEDGER_DATABASE_URL"])
            self.server.run('DROP SCHEMA "index" CASCADE', database=name)
            return
        for each in self.made.folder.glob("index.db*"):
            each.unlink(missing_ok=True)


def kind(code: str) -> str:
    return {"GACC": "CU04", "STA": "TX04", "SAMR": "MR04"}[code]


@pytest.fixture(
    params=[
        "embedded+sqlite",
        pytest.param("anvil+postgresql", marks=[pytest.mark.anvil, pytest.mark.postgres]),
    ]
)
def storm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storm]:
    made = Installation(tmp_path / "data")
    if request.param == "embedded+sqlite":
        yield from served(Storm(made, None))
        return
    programs = server_folder()
    if programs is None:
        missing("PostgreSQL")
    if not ANVIL.exists():
        missing("anvil (npm ci in contracts/)")
    assert programs is not None
    with Anvil() as node, Postgres(programs) as server:
        made.on_anvil(node)
        made.settings["CREDIT_LEDGER_DATABASE_URL"] = server.new_database()
        yield from served(Storm(made, server))


def served(storm: Storm) -> Iterator[Storm]:
    log = (storm.made.folder.parent / "start.log").open("w")
    storm.made.settings["CREDIT_LEDGER_PORT"] = str(free_port())
    process = subprocess.Popen(
        [COMMAND, "start"], env=storm.made.environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        until(lambda: ready(storm), 90)
        yield storm
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def ready(storm: Storm) -> bool:
    try:
        return httpx.get(f"{storm.url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def until(question: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, question
        time.sleep(0.2)


def run(storm: Storm, seconds: float, folder: Path) -> dict[str, Any]:
    tokens = {
        code: storm.made.json("key", "create", "--scope", f"authority:{code}")["token"]
        for code in ("GACC", "STA", "SAMR")
    }
    # Something to object to.
    first = write_records(
        folder / "first.csv",
        [
            {"party": f"name:CN:First {n} Ltd", "type": "CU04", "decided_on": DAY, "reference": f"F-{n}"}
            for n in range(200)
        ],
    )
    assert storm.made.json("import", first, "--format", "records", "--authority", "GACC")["recorded"] == 200
    writers = [
        threading.Thread(target=storm.imports, args=("A", "GACC", folder)),
        threading.Thread(target=storm.imports, args=("B", "STA", folder)),
        threading.Thread(target=storm.imports, args=("C", "GACC", folder)),
        threading.Thread(target=storm.posts, args=("D", "GACC", tokens["GACC"])),
        threading.Thread(target=storm.posts, args=("E", "STA", tokens["STA"])),
        threading.Thread(target=storm.posts, args=("F", "SAMR", tokens["SAMR"])),
        threading.Thread(target=storm.objects, args=("G",)),
        threading.Thread(target=storm.assesses, args=("H",)),
    ]
    for each in writers:
        each.start()
    for what in (storm.restart, lambda: storm.read_only(3), storm.drop_index):
        time.sleep(seconds / 4)
        what()
    time.sleep(seconds / 4)
    storm.over.set()
    for each in writers:
        each.join(240)
        assert not each.is_alive(), each
    assert storm.wrong == []
    until(
        lambda: "credit_ledger_outbox_records 0.0" in httpx.get(f"{storm.url}/metrics").text and ready(storm),
        90,
    )
    report = storm.made.json("audit", code=None)
    assert report["deviations"] == []
    # That no checkpoint was kept is all that it may not have checked.
    assert {each["what"] for each in report["not_checked"]} <= {"the log against a checkpoint"}
    expected = 200 + sum(storm.accepted.values())
    assert report["checked"]["records"] == expected
    assert storm.made.json("status")["outbox"] == {
        "queued": 0,
        "sealed": 0,
        "recorded": expected,
        "oldest_seconds": 0,
    }
    assert set(storm.rounds) == set("ABCDEFGH"), storm.rounds
    return {
        "seconds": seconds,
        "records": expected,
        "rounds": storm.rounds,
        "told to come again": len(storm.later),
    }


def test_eight_writers_at_once(storm: Storm, tmp_path: Path) -> None:
    print(run(storm, 20, tmp_path))


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_eight_writers_for_two_minutes(storm: Storm, tmp_path: Path) -> None:
    print(run(storm, 120, tmp_path))
