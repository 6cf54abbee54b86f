"""How much of the contracts the tests reach: lines and branches of each source under `src`.

    python contracts/coverage.py         some two minutes; exits 1 under 99 % of lines or branches in all

forge measures with the compiler's intermediate representation and with hardly any optimisation, as the ledger
has too many variables for the other way. The sources and the tests that add to the figures are copied to a
folder of their own, with a few runs of each fuzz test and always the same ones.

Inline assembly has one place in that representation, so that forge sees neither its lines nor its branches.
A line of it counts here as often as the function was called that holds it, which is right as none of our
blocks can be passed over. A branch in it counts when the test passes that is named for it below; what is
counted so is printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
COPIED = ("src", "foundry.toml", "solc-shim.js", "package.json")
# They look at gas, at other people's contracts, or at long sequences of what the others do one by one.
LEFT_OUT = {"Gas.t.sol", "Invariants.t.sol", "LargestBatch.t.sol", "Safe.t.sol", "Vectors.t.sol"}
LEAST = 0.99

#: The tests of the branches that are in assembly, by source: there the precompile for SHA-256 fails.
ASSEMBLY_TESTS = {"src/libraries/MerkleLog.sol": "test_a_precompile_that_fails_is_noticed"}

IMPORT = re.compile(r'^import\s[^;"]*"(\.[^"]+)";', re.MULTILINE)
ASSEMBLY = re.compile(r"^\s*assembly\b")


class Count(NamedTuple):
    """Of lines and branches: how many were reached, and how many there are. `unseen` were in assembly."""

    lines: int
    all_lines: int
    branches: int
    all_branches: int
    unseen: int


def measure(folder: Path) -> tuple[str, str]:
    """Copy the contracts and run forge; return its report and what it printed."""
    for name in COPIED:
        place = ROOT / name
        (shutil.copytree if place.is_dir() else shutil.copy2)(place, folder / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    for source in needed([each for each in (ROOT / "test").rglob("*.t.sol") if each.name not in LEFT_OUT]):
        copy = folder / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
    report = folder / "lcov.info"
    command = [
        str(ROOT / "node_modules" / ".bin" / "forge"),
        "coverage",
        "--root",
        str(folder),
        "--ir-minimum",
    ]
    command += ["--no-match-coverage", "^(test|node_modules)/", "--fuzz-seed", "1", "--fuzz-runs", "8"]
    command += ["--report", "lcov", "--report-file", str(report)]
    # One way to compile everything: forge mixes up the sources of two.
    one = {"FOUNDRY_COMPILATION_RESTRICTIONS": "[]", "FOUNDRY_ADDITIONAL_COMPILER_PROFILES": "[]"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | one)
    if ran.returncode != 0:
        raise SystemExit(f"coverage: forge failed\n{ran.stdout}{ran.stderr}")
    return report.read_text(encoding="utf-8"), ran.stdout


def needed(tests: list[Path]) -> set[Path]:
    """The tests, the contracts that they deploy by name, and what they import of the tests' folder."""
    found: set[Path] = set()
    waiting = [*tests, *(ROOT / "test" / "harness").glob("*.sol")]
    while waiting:
        source = waiting.pop()
        if source in found or ROOT / "src" in source.parents:
            continue
        found.add(source)
        waiting += [
            (source.parent / name).resolve() for name in IMPORT.findall(source.read_text(encoding="utf-8"))
        ]
    return found


def assembly_lines(text: str) -> dict[int, int]:
    """Number of each line in an assembly block -> number of the line on which its function begins."""
    found = {}
    function = depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*function\b", line):
            function = number
        if depth or ASSEMBLY.match(line):
            depth += line.count("{") - line.count("}")
            found[number] = function
    return found


def count(source: str, lines: list[str], passed: set[str]) -> Count:
    """Count one source's part of the report."""
    assembly = assembly_lines((ROOT / source).read_text(encoding="utf-8"))
    begins = {}
    calls: Counter[int] = Counter()
    hits: dict[int, int] = {}
    branches = []
    for line in lines:
        kind, _, rest = line.partition(":")
        values = rest.split(",")
        if kind == "FN":
            begins[values[-1]] = int(values[0])
        elif kind == "FNDA":
            calls[begins[values[1]]] += int(values[0])
        elif kind == "DA":
            hits[int(values[0])] = int(values[1])
        elif kind == "BRDA":
            branches.append((int(values[0]), values[3] not in {"0", "-"}))
    seen = [calls[assembly[number]] if number in assembly else many for number, many in hits.items()]
    tested = ASSEMBLY_TESTS.get(source) in passed
    taken = [tested if number in assembly else reached for number, reached in branches]
    unseen = sum(number in assembly for number in [*hits, *(number for number, _ in branches)])
    return Count(sum(many > 0 for many in seen), len(seen), sum(taken), len(taken), unseen)


def show(name: str, it: Count) -> None:
    """Print one line of the table."""
    note = f"   {it.unseen} in assembly" if it.unseen else ""
    lines, branches = f"{it.lines}/{it.all_lines}", f"{it.branches}/{it.all_branches}"
    sys.stdout.write(f"{name:<28} lines {lines:>9}   branches {branches:>7}{note}\n")


def main() -> int:
    """Measure and print; see the module."""
    with tempfile.TemporaryDirectory() as folder:
        report, printed = measure(Path(folder))
    passed = set(re.findall(r"\[PASS\] (\w+)\(", printed))
    counts = []
    for part in report.split("end_of_record"):
        name = re.search(r"^SF:(.*)$", part, re.MULTILINE)
        if name:
            counts.append(count(name[1], part.splitlines(), passed))
            show(name[1], counts[-1])
    sources = {each.relative_to(ROOT).as_posix() for each in (ROOT / "src").rglob("*.sol")}
    silent = [each for each in sorted(sources) if f"SF:{each}" not in report and "/interfaces/" not in each]
    if silent != ["src/AccessManager.sol"]:  # which has nothing but an import
        raise SystemExit(f"coverage: not measured: {silent}")
    total = Count(*(sum(column) for column in zip(*counts, strict=True)))
    show("all", total)
    enough = total.lines >= LEAST * total.all_lines and total.branches >= LEAST * total.all_branches
    return 0 if enough else 1


if __name__ == "__main__":
    raise SystemExit(main())
