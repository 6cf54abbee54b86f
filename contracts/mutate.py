"""Deliberate faults in the contracts, one at a time: each must make a test fail.

    python contracts/mutate.py            every fault, some ten seconds each; exits 1 if one goes unnoticed
    python contracts/mutate.py --only N   the N-th alone; --from N: it and those after it

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
VECTORS = Path("tests", "vectors")


class Fault(NamedTuple):
    """One change of a source: `good` occurs once in it. `tests` says which tests have to notice."""

    source: str
    good: str
    bad: str
    tests: str


FAULTS = (
    Fault("CreditLedger.sol", "firstNumber != expected", "firstNumber > expected", "Record*"),
    Fault("CreditLedger.sol", "count > MAX_RECORDS ||", "count > MAX_RECORDS + 1 ||", "Record*"),
    Fault("CreditLedger.sol", "block.timestamp > deadline", "block.timestamp >= deadline", "Record*"),
    Fault("CreditLedger.sol", "NowCalldata(key, digest", "NowCalldata(msg.sender, digest", "Record*"),
    Fault("CreditLedger.sol", "code.hashOf(),", "code,", "Record*"),
    Fault("CreditLedger.sol", "_hashTypes(types),", "_hashTypes(1),", "Record*"),
    Fault("CreditLedger.sol", "types & (~types + 1)", "types", "Record*"),
    Fault("CreditLedger.sol", "_written[authority_].signatureEpoch,", "uint64(0),", "Invalidate*"),
    Fault(
        "CreditLedger.sol",
        "authorities.authorize(authority_, msg.sender);\n        epoch",
        "epoch",
        "Invalidate*",
    ),
    Fault("CreditLedger.sol", "TreeHead(logSize, root_)", "TreeHead(logSize + 1, root_)", "Checkpoint*"),
    Fault(
        "CreditLedger.sol", "enterprise > batch.enterprises", "enterprise > batch.enterprises + 1", "Record*"
    ),
    Fault("CreditLedger.sol", "enterprise <= previous", "false", "Record*"),
    Fault("CreditLedger.sol", "decidedOn > batch.today", "decidedOn >= batch.today", "Record*"),
    Fault("CreditLedger.sol", "ref < batch.firstId", "ref <= batch.firstId", "Record*"),
    Fault("CreditLedger.sol", "ref != word >> 192", "true", "Record*"),
    Fault("CreditLedger.sol", "(needsWallet >> kind) & 1 == 1", "needsWallet >> kind == 1", "SetFourEyes*"),
    Fault("CreditLedger.sol", "revert NeedsWallet(index)", "revert NeedsWallet(0)", "SetFourEyes*"),
    Fault("CreditLedger.sol", "chain.end = next;", "chain.end = chain.end;", "{Record,Invariants}*"),
    Fault("CreditLedger.sol", "mandate & ~uint256(1)", "mandate", "Record*"),
    Fault("Enterprises.sol", "firstEnterprise != count + 1", "firstEnterprise > count + 1", "Register"),
    Fault(
        "Enterprises.sol",
        "abi.encode(count, identityCommitments[i])",
        "abi.encode(identityCommitments[i])",
        "Register",
    ),
    Fault("Authorities.sol", "block.timestamp >= window.until", "block.timestamp > window.until", "SetKey*"),
    Fault("Authorities.sol", "block.timestamp < window.from", "block.timestamp <= window.from", "SetKey*"),
    Fault("Authorities.sol", "until < from", "until <= from", "SetKey*"),
    Fault("Authorities.sol", "bytes3(key.code) != DELEGATION", "true", "SetFourEyes*"),
    Fault("Authorities.sol", "window.compromisedFrom - 1", "window.compromisedFrom", "DeclareCompromised*"),
    Fault(
        "Authorities.sol",
        "block.timestamp < it.mandateFrom ? it.mandateBefore",
        "block.timestamp <= it.mandateFrom ? it.mandateBefore",
        "SetMandate*",
    ),
    Fault(
        "Authorities.sol",
        "block.timestamp < it.mandateFrom ? it.weightyBefore",
        "block.timestamp <= it.mandateFrom ? it.weightyBefore",
        "{SetMandate,SetFourEyes}*",
    ),
    Fault("Authorities.sol", "_isWallet(key) ? _weighty(it)", "_isWallet(key) ? it.mandate", "SetFourEyes*"),
    Fault("Authorities.sol", "from > it.mandateFrom", "from >= it.mandateFrom", "SetMandate*"),
    Fault("Authorities.sol", "length == 0 || code <<", "code <<", "AddAuthority*"),
    Fault("Objections.sol", "CivilDay.today() > it.dueOn", "CivilDay.today() >= it.dueOn", "Answer*"),
    Fault("Objections.sol", "delete openObjection", "openObjection", "{Open,Answer}*"),
    Fault("Objections.sol", "it.enterprise == 0 || it.outcome", "it.outcome", "Answer*"),
    Fault("Objections.sol", "uint16(it.recordId >> 48), key", "1, key", "{Answer,Invariants}*"),
    Fault(
        "Objections.sol",
        "it.enterprise,\n                    code.hashOf(),",
        "uint64(0),\n                    code.hashOf(),",
        "Answer*",
    ),
    Fault("Objections.sol", "number > ledger", "number >= ledger", "Open*"),
    Fault(
        "Objections.sol",
        "if (key != address(0)) revert HasKey",
        "if (key == msg.sender) revert HasKey",
        "OpenFor*",
    ),
    Fault(
        "Objections.sol",
        "CivilDay.today() < _periodFrom",
        "CivilDay.today() <= _periodFrom",
        "SetAnswerPeriod*",
    ),
    Fault("ScoreBook.sol", "epoch != epochCount + 1", "epoch < epochCount + 1", "Publish*"),
    Fault("ScoreBook.sol", "asOf < it.effectiveOn", "asOf <= it.effectiveOn", "Publish*"),
    Fault("ScoreBook.sol", "asOf >= it.supersededOn", "asOf > it.supersededOn", "Publish*"),
    Fault(
        "ScoreBook.sol",
        "effectiveOn <= before.effectiveOn",
        "false",
        "RegisterCard*",
    ),
    Fault("ScoreBook.sol", "atBlock > block.number", "atBlock >= block.number", "Publish*"),
    Fault("ScoreBook.sol", "asOf < previous", "asOf <= previous", "Publish*"),
    Fault("ScoreBook.sol", "effectiveOn <= assessed", "effectiveOn < assessed", "RegisterCard*"),
    Fault("ScoreBook.sol", "milliScore, grade))", "milliScore, uint8(1)))", "VerifyScore*"),
    Fault("libraries/MerkleLog.sol", "0x02, 0x17, 0x29", "0x02, 0x18, 0x28", "MerkleLog*"),
    Fault("libraries/MerkleLog.sol", "mstore(0x40, free)", "", "MerkleLog*"),
    Fault(
        "libraries/MerkleLog.sol",
        "eq(returndatasize(), 0x20), staticcall(gas(), 0x02, 0x1f",
        "1, staticcall(gas(), 0x02, 0x1f",
        "MerkleLog*",
    ),
    Fault("libraries/MerkleLog.sol", "peak == 0 ? peaks[level] : peak", "peaks[level]", "MerkleLog*"),
    Fault("libraries/MerkleLog.sol", "index == last) {", "index > last) {", "MerkleLog*"),
    Fault(
        "libraries/MerkleLog.sol",
        "last == 0 && leaf == expected",
        "leaf == expected",
        "{MerkleLog,VerifyScore}*",
    ),
    Fault("Objections.sol", "if (needsWallet != 0) revert", "if (needsWallet == 1) revert", "Answer*"),
    Fault("Objections.sol", "period > MAX_PERIOD", "period > MAX_PERIOD + 1", "SetAnswerPeriod*"),
    Fault("Keeper.sol", "role == GOVERNOR ? governanceDelay : 0", "0", "Keeper*"),
    Fault("Keeper.sol", "role == GOVERNOR ? governanceDelay : 0", "governanceDelay", "Keeper*"),
    Fault("Keeper.sol", "role < GOVERNOR ||", "", "Keeper*"),
    Fault("Keeper.sol", "|| role > GUARDIAN", "", "Keeper*"),
    Fault("libraries/CivilDay.sol", "block.timestamp + OFFSET", "block.timestamp", "Record*"),
)


def prepare(work: Path) -> None:
    """Copy what is compiled and run: one folder for all faults, so that little is compiled again."""
    work.mkdir()
    shutil.copytree(ROOT.parent / VECTORS, work.parent / VECTORS)
    for name in COPIED:
        place = ROOT / name
        (shutil.copytree if place.is_dir() else shutil.copy2)(place, work / name)
    (work / "node_modules").symlink_to(ROOT / "node_modules")
    # The tests deploy by the names of artifacts, which all have to be there before a part of them is run; and
    # a fault proves something only where the tests pass without it.
    ran = forge(work)
    if ran.returncode != 0:
        raise SystemExit(f"mutate: the tests fail without any fault\n{ran.stdout}{ran.stderr}")


def forge(work: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Compile and run tests in the folder."""
    command = [str(ROOT / "node_modules" / ".bin" / "forge"), "test", *options]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)


def noticed(work: Path, fault: Fault) -> bool:
    """Whether the tests fail with this fault in the sources, which are as before afterwards."""
    source = work / "src" / fault.source
    text = source.read_text(encoding="utf-8")
    if text.count(fault.good) != 1:
        raise SystemExit(f"mutate: {fault.source} has {text.count(fault.good)} times: {fault.good}")
    source.write_text(text.replace(fault.good, fault.bad), encoding="utf-8")
    # A library's harness is compiled anew only where all is: it is deployed by name and nothing imports it.
    some = [] if fault.source.startswith("libraries/") else ["--match-path", f"test/{fault.tests}.t.sol"]
    ran = forge(work, *some)
    source.write_text(text, encoding="utf-8")
    if "Compiler run failed" in ran.stdout + ran.stderr or "no matching artifact" in ran.stdout:
        raise SystemExit(f"mutate: not compiled: {fault.bad}\n{ran.stdout}{ran.stderr}")
    if "Ran " not in ran.stdout:
        raise SystemExit(f"mutate: not run: {fault.bad}\n{ran.stdout}{ran.stderr}")
    return ran.returncode != 0


def main() -> int:
    """Apply the faults; see the module."""
    parser = argparse.ArgumentParser(description="Check that the contracts' tests notice deliberate faults.")
    parser.add_argument("--only", type=int, metavar="N", help="the N-th fault alone, from 1")
    parser.add_argument(
        "--from", type=int, metavar="N", dest="first", default=1, help="from the N-th fault on"
    )
    options = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "contracts")
        prepare(work)
        for number, fault in enumerate(FAULTS, 1):
            if number < options.first or options.only not in {None, number}:
                continue
            caught = noticed(work, fault)
            missed += not caught
            said = "noticed  " if caught else "UNNOTICED"
            sys.stdout.write(f"{number:2}  {said}  {fault.source}: {fault.good!r}  ->  {fault.bad!r}\n")
            sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
