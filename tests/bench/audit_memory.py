"""The whole audit of a node over HTTP as the chain grows: rate and memory, of a process of its own each time.

The chain is anvil's, in batches of 1,000, the records in turn about 1,000 enterprises, each with a document in
the vault: every run has one record, which is the most a replay, an index and a node have to do for it.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nodes import Anvil

from bench.imports import _import, rows_file
from bench.installation import codes, on_anvil, register, settings
from bench.measure import Figure, Target, Timing, rate, timed
from ledger.bootstrap import Ledger
from ledger.cli import COLLECTOR
from ledger.workflows.auditing import audit

ENTERPRISES = 1000
BATCH = 1000
#: Records imported from one file.
_AT_ONCE = 100_000
_TARGET_FROM = 100_000
#: What may grow: 9 bytes a record (whom it is about, its type), and what the heap's ups and downs leave between.
_MORE_MIB = 32


class Audited(NamedTuple):
    """One audit in a process of its own: how long it took, and its peak memory in KiB."""

    seconds: float
    cpu: float
    peak_kib: int


def measure_memory(sizes: Sequence[int]) -> Iterator[Figure]:
    """Audit a chain at each of these sizes, ascending, in records."""
    found: dict[int, Audited] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Anvil("--prune-history") as anvil,
        on_anvil(anvil, Path(folder), batch=BATCH) as ledger,
    ):
        parties = codes(ENTERPRISES)
        register(ledger, parties)
        done = 0
        for size in sizes:
            while done < size:
                done += _fill(ledger, parties, done, min(_AT_ONCE, size - done))
            found[size] = _in_a_child(Path(folder), anvil.url, size)
    for size, each in found.items():
        timing = Timing(each.seconds, each.cpu)
        target = Target(5_000) if size >= _TARGET_FROM else None  # below, starting is most of it
        yield rate(f"everything, {size:,} records on anvil", size, [timing], target=target)
    small, *_, large = (each.peak_kib / 1024 for each in found.values())
    yield Figure(
        f"everything, peak memory from {sizes[0]:,} to {sizes[-1]:,}", large - small, "MiB more",
        target=Target(_MORE_MIB, at_most=True),
        note=", ".join(f"{size:,}: {each.peak_kib / 1024:.0f} MiB" for size, each in found.items()),
    )  # fmt: skip


def _fill(ledger: Ledger, parties: Sequence[str], done: int, many: int) -> int:
    with rows_file(parties, many, f"audit/{done}", ledger.today()) as path:
        _import(ledger, path, many)
    return many


def _in_a_child(folder: Path, url: str, size: int) -> Audited:
    code = "import sys; from bench.audit_memory import child; child(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(folder), url, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Audited(*json.loads(done.stdout))


def child(folder: str, url: str, size: str) -> None:
    """Audit as the command does, and print an `Audited`."""

    def audited() -> None:
        report = audit(ledger)
        assert not report.deviations, report.to_text()
        assert report.checked["records"] == report.checked["documents"] == int(size)

    gc.set_threshold(*COLLECTOR)
    with Ledger.open(settings(Path(folder), rpc_url=url, batch=BATCH)) as ledger:
        timing = timed(audited)
    print(json.dumps([*timing, peak_memory()]))


def peak_memory() -> int:
    """This process's peak memory in KiB. Not `ru_maxrss`: Linux hands the parent's down."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])
