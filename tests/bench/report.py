"""`docs/benchmarks.md` from measured documents: the tables, each with its command, machine and date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nodes import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
_INTRODUCTION = """# Benchmarks

Every table is one run of the command above it, put here by its option `--docs`. A figure is the median
of its runs. Its baseline was measured in the same run on the same machine; "times better" is more of a rate,
or less of a cost. "By CPU time" is the same rate reckoned by the CPU seconds of the measured process alone:
other work on the machine stretches the clock and not (much) that. What each part measures, and what its
baseline leaves out, stands at the top of its file in `tests/bench/`.
"""
#: What keeps each part from being better, found by profiling it. The order of the page.
_BOUNDS = {
    "gas": "About 10 enterprises: calldata at its floor price (EIP-7623: 40 gas a byte that is not zero, 10 a zero"
    " one). All distinct: for each run a head is rewritten, a log emitted and a leaf hashed into the tree. A batch of"
    " one pays alone for the transaction (21,000), for everything it touches first, and for the tree's peaks."
    " EAS keeps the data readable by other contracts, which this ledger does not. A signature's check and calldata"
    " are paid once a batch. Five contracts cost more to deploy than EAS's two.",
    "import": "On anvil this process's own Python: some 60 % of it is accepting (digest, canonical document, sealing,"
    " rows), 25 % sealing and sending batches, 15 % reading and checking rows; the node needs less than a tenth of the"
    " time. On the embedded chain py-evm executing the contract: 98 % with all distinct.",
    "index": "With runs of 100 records, half is the start of the process and its imports. With one-record runs:"
    " decoding the node's JSON and logs, and inserting rows into a table of four indexes; the node's next answer is"
    " awaited meanwhile.",
    "score": "The pure scorer: making the reasons. One score: SQLAlchemy's cost of four statements in two"
    " transactions; unpacking and scoring ten records is a tenth of it. The baseline reads in two statements.",
    "http": "Python in one process, on one core. Of a request's CPU the framework and the HTTP parser take what"
    " /healthz shows, the score 1.1 ms, the entry in the access log 0.8 ms when written alone, the identity 0.3 ms and"
    " the key 0.1 ms; the rest is threads handing over. Sampled stacks show half of the threads waiting for the"
    " flush of the access log that they share.",
    "pages": "A page: opening a hundred documents, and the runs of its days. Beside pages: of one key four requests are"
    " worked on at a time, so another's score waits for a fifth of one core. Beside scores and evidence: one is made and"
    " the others hear 503; what is left of the wait is steps in C that hold the interpreter, such as the check of a file's"
    " brackets. The large score: reading and giving 100,000 reasons. Evidence: its proofs and their"
    " JSON; it is asked for without documents, as with them it is more than the API gives.",
    "audit": "On a node over HTTP half of everything is opening documents and comparing them, a sixth the replay, a"
    " sixth reading and decoding logs, a tenth the index. On the embedded chain a third of all is the chain itself,"
    " which this process then is: its receipts' RLP, and py-evm for the contracts' state. Memory: 9 bytes a record,"
    " whom it is about and its type; the rest is caches filling up.",
    "state": "SHA-256, two calls an enterprise, and Python calling it. The tree keeps 64 bytes an enterprise, 32 of them"
    " its leaf; who wants the root alone keeps none.",
}


def write(documents: Sequence[dict[str, Any]]) -> None:
    """Put the measured parts into the page; what it says of the others stays."""
    parts = dict.fromkeys(_BOUNDS, "")
    if PAGE.exists():
        for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
            parts[section.partition("\n")[0]] = f"## {section.rstrip()}\n"
    parts.update((each["bench"], _section(each)) for each in documents)
    PAGE.write_text("\n".join([_INTRODUCTION, *(each for each in parts.values() if each)]), encoding="utf-8")


def _section(document: dict[str, Any]) -> str:
    figures, machine = document["figures"], document["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    facts = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in machine.items() if name != "libraries"
    )
    baselines = sorted({each["baseline"]["is"] for each in figures if "baseline" in each})
    lines = [
        f"## {document['bench']}\n",
        f"    {document['command']}{''.join(f' --{each}' for each in ('quick', 'full') if document.get(each))}\n",
        f"{document['date']}; {facts}; {libraries}.\n",
        "| figure | median | by CPU time | target | baseline | times better | note |",
        "|---|---|---|---|---|---|---|",
        *(_row(each) for each in figures),
        "",
        *(f"- Baseline: {each}." for each in baselines),
        *(f"- What bounds it: {each}" for each in [_BOUNDS[document["bench"]]] if each),
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
