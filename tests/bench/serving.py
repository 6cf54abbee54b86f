"""`http`: scores a second from one server process, at 32 keep-alive connections.

The server is `credit-ledger start` on the embedded chain, in a process of its own; the load comes from
another, over loopback. The baseline is `/healthz` under the same load: the server's own cost of a request.
Every score is read by a valid key and written to the access log, flushed, before it is answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodes import free_port

from bench.imports import rows_file
from bench.installation import AUTHORITY, PASSPHRASE, codes, on_embedded
from bench.measure import Figure
from ledger.store.access import create_key, parse_scope
from ledger.workflows.importing import import_file

COMMAND = "scripts/bench http"
COMMAND_LINE = Path(sys.executable).with_name("credit-ledger")
CONNECTIONS = 32
_TICK = os.sysconf("SC_CLK_TCK")


def measure(*, quick: bool) -> Iterator[Figure]:
    runs, seconds = (1, 2.0) if quick else (3, 8.0)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        parties = codes(50)
        token = _filled(Path(folder), parties)
        scores, health = Path(folder) / "scores", Path(folder) / "health"
        scores.write_text("\n".join(f"/v1/enterprises/uscc:{each}/score" for each in parties))
        health.write_text("/healthz")
        with _server(Path(folder)) as (port, pid):
            _load(port, scores, token, 1.0, pid)
            asked = [_load(port, scores, token, seconds, pid) for _ in range(runs)]
            plain = [_load(port, health, token, seconds, pid) for _ in range(runs)]
    note = "CPU of the server a request: {:.2f} ms; it was busy {:.0%} of a core"
    for name, found, baseline in (("score", asked, plain), ("healthz", plain, None)):
        per_second = [each["requests"] / each["seconds"] for each in found]
        cpu = statistics.median(each["cpu"] / each["requests"] for each in found)
        busy = statistics.median(each["cpu"] / each["seconds"] for each in found)
        more: dict[str, Any] = {}
        if baseline:
            more["baseline"] = statistics.median(each["requests"] / each["seconds"] for each in baseline)
            more["baseline_is"] = "GET /healthz, same load"
        where = f"GET {name}, {CONNECTIONS} connections"
        middle = statistics.median(per_second)
        yield Figure(
            where, middle, "requests/s", per_second, note=note.format(cpu * 1000, busy), cpu=1 / cpu, **more
        )
        for share in ("p50", "p99"):
            runs_of = [each[share] for each in found]
            if baseline:
                more["baseline"] = statistics.median(each[share] for each in baseline)
            yield Figure(f"{where}, {share}", statistics.median(runs_of), "ms", runs_of, **more)


def _filled(folder: Path, parties: list[str]) -> str:
    """Import 500 records of 50 enterprises; return an auditor's key."""
    with on_embedded(folder) as ledger:
        with rows_file(parties, 500, "http", ledger.today()) as path:
            import_file(ledger, path, "records", ledger.authorities[AUTHORITY])
        ledger.follower.catch_up()
        return create_key(ledger.db, parse_scope("audit", ledger.authorities), "bench", int(time.time()))[1]


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[tuple[int, int]]:
    """`credit-ledger start`: its port and process."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CREDIT_LEDGER_")},
        "CREDIT_LEDGER_DATA_DIR": str(folder),
        "CREDIT_LEDGER_PASSPHRASE": PASSPHRASE,
        "CREDIT_LEDGER_PORT": str(port),
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([COMMAND_LINE, "start"], env=environment, stdout=log, stderr=log)
    try:
        _await_health(port, server, folder / "server.log")
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _await_health(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError(log.read_text(errors="replace")) from None
            time.sleep(0.1)
        else:
            return


def _load(port: int, paths: Path, token: str, seconds: float, pid: int) -> dict[str, Any]:
    """One run of the client; `cpu` is what the server took meanwhile. Every answer must be 200."""
    before = _cpu_seconds(pid)
    command = [sys.executable, "-m", "bench.load", str(port), paths, token, str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=seconds + 120)
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found["statuses"]) == {"200"}, found["statuses"]
    return {**found, "cpu": _cpu_seconds(pid) - before}


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
