"""`scripts/bench gas|import|index|score|http [--json] [--quick]`: measure, and print one document."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from types import ModuleType
from typing import Any

from bench.measure import Figure, machine, now

MODULES = {"gas": "gas", "import": "imports", "index": "index", "score": "scoring", "http": "serving"}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure one part, each figure beside its baseline."
    )
    parser.add_argument("part", choices=MODULES)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--quick", action="store_true", help="small and once: to see that it runs")
    options = parser.parse_args()
    module = importlib.import_module(f"bench.{MODULES[options.part]}")
    document = {"bench": options.part, "date": now(), "quick": options.quick, "machine": machine()}
    figures = []
    for figure in module.measure(quick=options.quick):
        figures.append(figure)
        if not options.json:
            print(line(figure), flush=True)
    if options.json:
        print(json.dumps(whole(document, module, figures), indent=1, ensure_ascii=False))
    else:
        print(
            ", ".join(f"{name} {value}" for name, value in document["machine"].items() if name != "libraries")
        )


def whole(document: dict[str, Any], module: ModuleType, figures: list[Figure]) -> dict[str, Any]:
    return document | {"command": module.COMMAND, "figures": [each.to_dict() for each in figures]}


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
