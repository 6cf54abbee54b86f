"""`pages`: one enterprise of 100,000 records behind the API, page by page, and others beside it.

The server is `credit-ledger start` in a process of its own, the records are imported with their documents.
Memory is the highest that the process had during a request, above what it had before it.
"""

from __future__ import annotations

import gc
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.imports import rows_file
from bench.installation import AUTHORITY, codes, on_embedded
from bench.measure import Figure, Target, percentile
from bench.serving import _server
from ledger.audit.verifier import verify_evidence
from ledger.cli import COLLECTOR
from ledger.domain.parties import parse_party
from ledger.index.pages import Place
from ledger.index.queries import posted_of
from ledger.outbox.identities import identity_of
from ledger.store.access import create_key, parse_scope
from ledger.workflows.importing import import_file

COMMAND = "scripts/bench pages"
LARGE, OTHER = codes(2)
PARALLEL = 16
#: With them it is refused: a record of this length has more than evidence takes (`EVIDENCE_BYTES`).
EVIDENCE = "evidence?documents=false"
PAGE, SCORE = Target(50, at_most=True), Target(100, at_most=True)


class Filled(NamedTuple):
    """What was made: a key of the large enterprise, one of another's, and cursors by name of the page."""

    large: str
    other: str
    cursors: dict[str, str]


def measure(*, quick: bool) -> Iterator[Figure]:
    size, runs = (5_000, 3) if quick else (100_000, 20)
    gc.set_threshold(*COLLECTOR)  # as the command line does
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        made = filled(Path(folder), size)
        with _server(Path(folder)) as (port, pid):
            yield from served(port, pid, made, size, runs)


def filled(folder: Path, size: int) -> Filled:
    """Import `size` records of one enterprise and ten of another, and look up where pages begin."""
    with on_embedded(folder) as ledger:
        for party, many in ((LARGE, size), (OTHER, 10)):
            with rows_file([party], many, party, ledger.today()) as path:
                assert import_file(ledger, path, "records", ledger.authorities[AUTHORITY]).recorded == many
        ledger.follower.catch_up()
        keys = [
            create_key(
                ledger.db, parse_scope(f"enterprise:{each}", ledger.authorities), "bench", int(time.time())
            )[1]
            for each in (LARGE, OTHER)
        ]
        with ledger.db.read_index() as index, ledger.db.read_vault() as vault:
            enterprise = identity_of(vault, parse_party(LARGE).key).enterprise
            places = sorted(Place(each.decided_on, each.id) for each in posted_of(index, [enterprise]))
    before = {"middle": places[size // 2 - 1], "last": places[size - 101]}
    cursors = {name: f"?cursor={place.decided_on}.{place.id}" for name, place in before.items()}
    return Filled(*keys, {"first": "", **cursors})


class Client:
    """One connection with one key."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> tuple[float, int, bytes]:
        """Milliseconds, status and body of an answer."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        return (time.perf_counter() - began) * 1000, answer.status, body


def served(port: int, pid: int, made: Filled, size: int, runs: int) -> Iterator[Figure]:
    """The figures of a server that runs."""
    what, other = f"one enterprise of {size:,} records", Client(port, made.other)
    for _ in range(5):
        other.get(_of(OTHER, "record"))
    alone = [other.get(_of(OTHER, "score"))[0] for _ in range(runs * 5)]
    yield from _pages(port, pid, made, what, runs)
    yield Figure("another's score, nothing beside it, p50", percentile(alone, 0.5), "ms")
    yield Figure("another's score, nothing beside it, p99", percentile(alone, 0.99), "ms")
    for name in ("record" + made.cursors["middle"], "score", EVIDENCE):
        yield from _beside(port, pid, made, name, runs)
    yield from _whole(port, pid, made, what)


def _of(party: str, what: str) -> str:
    return f"/v1/enterprises/{party}/{what}"


def _pages(port: int, pid: int, made: Filled, what: str, runs: int) -> Iterator[Figure]:
    large = Client(port, made.large)
    for name, cursor in made.cursors.items():
        before = _restart_peak(pid)
        very_first, status, body = large.get(_of(LARGE, "record") + cursor)
        grown = _memory(pid, "VmHWM") - before
        page = json.loads(body)
        assert (status, len(page["records"]), page["next"] is None) == (200, 100, name == "last")
        taken = [large.get(_of(LARGE, "record") + cursor)[0] for _ in range(runs)]
        note = f"the very first {very_first:.1f}, best {min(taken):.1f}"
        yield Figure(f"{what}, {name} page", statistics.median(taken), "ms", taken, target=PAGE, note=note)
        yield Figure(f"{what}, {name} page, memory", grown, "MiB more", target=Target(20, at_most=True))


def _whole(port: int, pid: int, made: Filled, what: str) -> Iterator[Figure]:
    """What needs all of the record."""
    large = Client(port, made.large)
    for name in ("score", EVIDENCE):
        before = _restart_peak(pid)
        taken, status, body = large.get(_of(LARGE, name))
        assert status == 200, body[:300]
        note = f"{len(body) / 1e6:.1f} MB; memory {_memory(pid, 'VmHWM') - before:.0f} MiB more"
        yield Figure(f"{what}, {name.partition('?')[0]}", taken, "ms", note=note)
    began = time.perf_counter()
    verify_evidence(body)
    yield Figure(f"{what}, its evidence verified", (time.perf_counter() - began) * 1000, "ms")


def _beside(port: int, pid: int, made: Filled, asked: str, runs: int) -> Iterator[Figure]:
    """Another's score while many connections of one key ask for the same, each again when it is answered."""
    stop, statuses, before = threading.Event(), Counter[int](), _restart_peak(pid)

    def ask() -> None:
        client = Client(port, made.large)
        while not stop.is_set():
            status = client.get(_of(LARGE, asked))[1]
            statuses[status] += 1
            if status == 503:
                time.sleep(0.05)  # a hundredth of what the answer says

    threads = [threading.Thread(target=ask) for _ in range(PARALLEL)]
    for each in threads:
        each.start()
    other, taken, until = Client(port, made.other), list[float](), time.monotonic() + 1 + runs / 4
    while time.monotonic() < until:
        taken.append(other.get(_of(OTHER, "score"))[0])
        time.sleep(0.01)
    stop.set()
    for each in threads:
        each.join()
    assert set(statuses) <= {200, 503}
    counted = ", ".join(f"{many} answered {status}" for status, many in sorted(statuses.items()))
    note = f"{counted}; memory {_memory(pid, 'VmHWM') - before:.0f} MiB more"
    name = f"another's score beside {PARALLEL} connections for its {asked.partition('?')[0]}"
    yield Figure(f"{name}, p50", percentile(taken, 0.5), "ms", target=SCORE, note=note)
    target = SCORE if asked.startswith("record") else None
    yield Figure(f"{name}, p99", percentile(taken, 0.99), "ms", target=target)


def _restart_peak(pid: int) -> float:
    """Have the process's peak memory begin anew; return what it has now, in MiB."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _memory(pid, "VmRSS")


def _memory(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name}")
