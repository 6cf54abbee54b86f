"""Figures, each with its baseline, and the machine they were measured on: the bench's one JSON document."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from nodes import ANVIL, ROOT
from postgres import server_folder

LIBRARIES = (
    "web3",
    "eth-tester",
    "py-evm",
    "SQLAlchemy",
    "psycopg",
    "fastapi",
    "uvicorn",
    "cryptography",
    "coincurve",
)


class Timing(NamedTuple):
    """Seconds on the clock, and of this process's CPU time: what other work on the machine does not lengthen."""

    seconds: float
    cpu: float


def timed(work: Callable[[], object]) -> Timing:
    """Run once and time it."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - began, time.process_time() - cpu)


@dataclass(frozen=True)
class Target:
    """What issue-level requirement a figure has to meet."""

    bound: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.bound:,g}"


@dataclass
class Figure:
    """A median of `runs`, in `unit`; `baseline` in the same unit, measured in the same run, and what it is.

    `cpu` is the same quantity reckoned by CPU seconds of the measuring process, where it is a rate.
    """

    name: str
    value: float
    unit: str
    runs: Sequence[float] = ()
    target: Target | None = None
    baseline: float | None = None
    baseline_is: str = ""
    cpu: float | None = None
    note: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return self.target.met(self.value) if self.target else None

    @property
    def ratio(self) -> float | None:
        """How many times better than the baseline: more of a rate, less of a cost."""
        if not self.baseline or not self.value:
            return None
        return self.value / self.baseline if self.unit.endswith("/s") else self.baseline / self.value

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "value": rounded(self.value), "unit": self.unit}
        if self.runs:
            found["runs"] = [rounded(each) for each in self.runs]
        if self.cpu is not None:
            found["by_cpu_time"] = rounded(self.cpu)
        if self.target:
            found |= {"target": str(self.target), "met": self.met}
        if self.baseline is not None:
            found["baseline"] = {"is": self.baseline_is, "value": rounded(self.baseline)}
            found["times_better"] = rounded(self.ratio or 0)
        if self.note:
            found["note"] = self.note
        return found | self.more


def rate(name: str, items: int, timings: Sequence[Timing], **more: Any) -> Figure:
    """A figure in `items` a second: the median of the runs."""
    unit = more.pop("unit", "records/s")
    runs = [items / each.seconds for each in timings]
    cpu = statistics.median(items / max(each.cpu, 1e-9) for each in timings)
    return Figure(name, statistics.median(runs), unit, runs, cpu=cpu, **more)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rounded(value: float) -> float:
    """Four digits that mean something, more where they are whole."""
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(memory, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "anvil": _first_line(str(ANVIL), "--version"),
        "postgresql": _first_line(str(folder / "postgres"), "--version")
        if (folder := server_folder())
        else None,
        "commit": _first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _first_line(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().splitlines()[0]
