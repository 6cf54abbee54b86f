"""`scripts/bench gas|import|index|score|http|pages|audit|state|all [--json] [--quick|--full] [--docs]`: measure, print one document."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from typing import Any

from bench import report
from bench.measure import Figure, machine, now

MODULES = {
    "gas": "gas",
    "import": "imports",
    "index": "index",
    "score": "scoring",
    "http": "serving",
    "pages": "pages",
    "audit": "audit",
    "state": "state",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure one part or all, each figure beside its baseline."
    )
    parser.add_argument("part", choices=[*MODULES, "all"])
    parser.add_argument("--json", action="store_true", help="one JSON document; of all parts, a list")
    parser.add_argument("--quick", action="store_true", help="small and once: to see that it runs")
    parser.add_argument(
        "--full", action="store_true", help="audit: a chain of 1,000,000 records too (20 min)"
    )
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    if options.full and (options.part != "audit" or options.quick):
        parser.error("--full is for the part audit, and not with --quick")
    parts = list(MODULES) if options.part == "all" else [options.part]
    size = {"quick": options.quick} | ({"full": True} if options.full else {})
    documents = [measured(part, size, silent=options.json) for part in parts]
    if options.json:
        print(json.dumps(documents if options.part == "all" else documents[0], indent=1, ensure_ascii=False))
    if options.docs:
        report.write(documents)


def measured(part: str, size: dict[str, bool], *, silent: bool) -> dict[str, Any]:
    """Measure one part, telling each figure as it comes unless `silent`. `size`: `quick`, and for audit `full`."""
    module = importlib.import_module(f"bench.{MODULES[part]}")
    document: dict[str, Any] = {"bench": part, "command": module.COMMAND, "date": now(), **size}
    document["machine"] = machine()
    figures = []
    for figure in module.measure(**size):
        figures.append(figure.to_dict())
        if not silent:
            print(line(figure), flush=True)
    if not silent:
        print(
            ", ".join(f"{name} {value}" for name, value in document["machine"].items() if name != "libraries")
        )
    return document | {"figures": figures}


def line(figure: Figure) -> str:
    parts = [f"{figure.name:<58} {shown(figure.value):>12} {figure.unit}"]
    if figure.target:
        parts.append(f"(target {figure.target}: {'met' if figure.met else 'MISSED'})")
    if figure.baseline is not None:
        parts.append(f"baseline {shown(figure.baseline)}, {figure.ratio or 0:.3g} times better")
    if figure.cpu is not None:
        parts.append(f"by CPU time {shown(figure.cpu)}")
    if figure.note:
        parts.append(figure.note)
    return "  ".join(parts)


def shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main())
