"""Deliberate faults in the contracts, one at a time: each must make a test fail.

    python contracts/mutate.py            every fault, some twenty seconds each; exits 1 if one goes unnoticed
    python contracts/mutate.py --only N   the N-th alone

The sources are copied to a folder of their own, so that the working tree stays as it is.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
COPIED = ("src", "test", "foundry.toml", "solc-shim.js", "package.json")


class Fault(NamedTuple):
    """One change of a source: `good` occurs once in it. `tests` says which tests have to notice."""

    source: str
    good: str
    bad: str
    tests: str


FAULTS = (
    Fault("CreditLedger.sol", "if (firstNumber != written + 1)", "if (firstNumber > written + 1)", "Record*"),
    Fault("CreditLedger.sol", "block.timestamp > deadline", "block.timestamp >= deadline", "Record*"),
    Fault("CreditLedger.sol", "count, epoch, deadline", "count, uint64(0), deadline", "Invalidate*"),
    Fault("CreditLedger.sol", "enterprise <= previous", "enterprise < previous", "Record*"),
    Fault("CreditLedger.sol", "ref < batch.firstId", "ref <= batch.firstId", "Record*"),
    Fault("CreditLedger.sol", "ref != word >> 192", "true", "Record*"),
    Fault("CreditLedger.sol", "severity > maxSeverity &&", "severity >= maxSeverity &&", "SetFourEyes*"),
    Fault("CreditLedger.sol", "chain.end = next;", "chain.end = chain.end;", "{Record,Invariants}*"),
    Fault("CreditLedger.sol", "mandate & ~uint256(1)", "mandate", "Record*"),
    Fault("Authorities.sol", "block.timestamp >= window.until", "block.timestamp > window.until", "SetKey*"),
    Fault("Authorities.sol", "bytes3(key.code) != DELEGATION", "true", "SetFourEyes*"),
    Fault("Authorities.sol", "window.compromisedFrom - 1", "window.compromisedFrom", "DeclareCompromised*"),
    Fault(
        "Authorities.sol",
        "block.timestamp < it.mandateFrom",
        "block.timestamp <= it.mandateFrom",
        "SetMandate*",
    ),
    Fault("Objections.sol", "CivilDay.today() > it.dueOn", "CivilDay.today() >= it.dueOn", "Objections*"),
    Fault("Objections.sol", "delete openObjection", "openObjection", "Objections*"),
    Fault("Objections.sol", "it.enterprise == 0 || it.outcome", "it.outcome", "Objections*"),
    Fault("ScoreBook.sol", "epoch != expected", "epoch < expected", "Publish*"),
)


def noticed(fault: Fault) -> bool:
    """Whether the tests fail with this fault in the sources."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in COPIED:
            place = ROOT / name
            (shutil.copytree if place.is_dir() else shutil.copy2)(place, work / name)
        (work / "node_modules").symlink_to(ROOT / "node_modules")
        source = work / "src" / fault.source
        text = source.read_text(encoding="utf-8")
        if text.count(fault.good) != 1:
            raise SystemExit(f"mutate: {fault.source} has {text.count(fault.good)} times: {fault.good}")
        source.write_text(text.replace(fault.good, fault.bad), encoding="utf-8")
        forge = ROOT / "node_modules" / ".bin" / "forge"
        command = [str(forge), "test", "--root", folder, "--match-path", f"test/{fault.tests}.t.sol"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if "Compiler run failed" in ran.stdout + ran.stderr or "Ran " not in ran.stdout:
            raise SystemExit(f"mutate: not compiled or not run: {fault.bad}\n{ran.stdout}{ran.stderr}")
        return ran.returncode != 0


def main() -> int:
    """Apply the faults; see the module."""
    parser = argparse.ArgumentParser(description="Check that the contracts' tests notice deliberate faults.")
    parser.add_argument("--only", type=int, metavar="N", help="the N-th fault alone, from 1")
    only = parser.parse_args().only
    missed = 0
    for number, fault in enumerate(FAULTS, 1):
        if only not in {None, number}:
            continue
        caught = noticed(fault)
        missed += not caught
        said = "noticed  " if caught else "UNNOTICED"
        sys.stdout.write(f"{number:2}  {said}  {fault.source}: {fault.good}  ->  {fault.bad}\n")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
