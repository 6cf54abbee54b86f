"""`docs/benchmarks.md` from measured documents: the tables, each with its command, machine and date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nodes import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
_INTRODUCTION = """# Benchmarks

Written by `scripts/bench all --docs`; every table is one run of the command above it. A figure is the median
of its runs. Its baseline was measured in the same run on the same machine; "times better" is more of a rate,
or less of a cost. "By CPU time" is the same rate reckoned by the CPU seconds of the measured process alone:
other work on the machine stretches the clock and not (much) that. What each part measures, and what its
baseline leaves out, stands at the top of its file in `tests/bench/`.
"""
#: What keeps each part from being better, found by profiling it.
_BOUNDS = {
    "gas": "About 10 enterprises: calldata at its floor price (EIP-7623: 40 gas a byte, 2,560 a record of 64 bytes less"
    " its zeros). All distinct: the head's slot, 5,000 gas a run, its log and its leaf. A batch of one pays the"
    " transaction itself (21,000), cold slots and the tree's peaks alone. EAS stores seven slots an attestation, and"
    " keeps the data readable by other contracts, which this ledger does not. Signing adds the signature's check and"
    " its calldata once a batch.",
    "import": "On anvil: this process's own Python, two thirds of it accepting (sealing the document, its digest, its"
    " rows), a quarter sealing and sending batches; the node needs a tenth of the time. On the embedded chain: executing"
    " the contract in Python, per run more than per record.",
    "index": "The start of the process and its imports, then decoding JSON and rows; with one-record runs the rows"
    " themselves. The node's answers are awaited while the last one is decoded.",
    "score": "The pure scorer: making the reasons. One score: SQLAlchemy's cost of four statements in two"
    " transactions; the reading and scoring of ten records is a small part.",
    "http": "Python in one process: two thirds of a request are its key, its entry in the access log (flushed; those"
    " who wait share one flush) and the framework, one third the score. More requests need more processes, which need"
    " PostgreSQL and a node of their own or one that is served.",
}


def write(documents: Sequence[dict[str, Any]]) -> None:
    """Write the page."""
    parts = [_INTRODUCTION, *(_section(each) for each in documents)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _section(document: dict[str, Any]) -> str:
    figures, machine = document["figures"], document["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    facts = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in machine.items() if name != "libraries"
    )
    baselines = sorted({each["baseline"]["is"] for each in figures if "baseline" in each})
    lines = [
        f"## {document['bench']}\n",
        f"    {document['command']}{' --quick' if document['quick'] else ''}\n",
        f"{document['date']}; {facts}; {libraries}.\n",
        "| figure | median | by CPU time | target | baseline | times better | note |",
        "|---|---|---|---|---|---|---|",
        *(_row(each) for each in figures),
        "",
        *(f"- Baseline: {each}." for each in baselines),
        f"- What bounds it: {_BOUNDS[document['bench']]}",
        "",
    ]
    return "\n".join(lines)


def _row(figure: dict[str, Any]) -> str:
    target = f"{figure['target']} ({'met' if figure['met'] else '**missed**'})" if "target" in figure else ""
    cells = [
        figure["name"],
        f"{_shown(figure['value'])} {figure['unit']}",
        _shown(figure.get("by_cpu_time")),
        target,
        _shown(figure["baseline"]["value"] if "baseline" in figure else None),
        _shown(figure.get("times_better")),
        figure.get("note", ""),
    ]
    return "| " + " | ".join(cells) + " |"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,}"
