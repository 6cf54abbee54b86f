"""Compile the contracts into `artifacts/`, or check that what is committed there is what they compile to.

    python contracts/build.py            writes artifacts/*.json
    python contracts/build.py --check    exits 1 and names every artifact that differs

The standard-JSON input holds every source under a name relative to this folder or to the npm package, so
that the output depends neither on the machine nor on where the repository lies. Any solc of the pinned
version gives the same bytes: a native one that py-solc-x has is used first, then npm's through
`solc-shim.js`; with neither, py-solc-x installs a native one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import solcx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent
ARTIFACTS = ROOT / "artifacts"
SHIM = ROOT / "solc-shim.js"
VERSION = "0.8.37"

SETTINGS: dict[str, object] = {
    "evmVersion": "prague",
    "metadata": {"appendCBOR": True, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 10000},
    "remappings": [],
    "viaIR": True,
}

IMPORT = re.compile(r'^\s*import\s[^;"]*"([^"]+)"\s*;', re.MULTILINE)


class Target(NamedTuple):
    """A contract that is deployed, and the source that has it."""

    name: str
    source: str


TARGETS = (
    Target("AccessManager", "@openzeppelin/contracts/access/manager/AccessManager.sol"),
    Target("Authorities", "src/Authorities.sol"),
    Target("CreditLedger", "src/CreditLedger.sol"),
    Target("Keeper", "src/Keeper.sol"),
    Target("Objections", "src/Objections.sol"),
    Target("ScoreBook", "src/ScoreBook.sol"),
)


class BuildError(Exception):
    """The contracts cannot be compiled; says why."""


def locate(name: str) -> Path:
    """Where the source with this name in the compiler's input lies."""
    return ROOT / "node_modules" / name if name.startswith("@") else ROOT / name


def resolve(importer: str, imported: str) -> str:
    """Name in the compiler's input of what `importer` imports."""
    if not imported.startswith("."):
        return imported
    parts = importer.split("/")[:-1]
    for part in imported.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def collect() -> dict[str, str]:
    """The sources of the targets and everything they import: name -> text, sorted by name."""
    sources: dict[str, str] = {}
    waiting = [target.source for target in TARGETS]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        try:
            sources[name] = locate(name).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise BuildError(f"{name} is missing: run `npm ci` in contracts/") from error
        waiting += [resolve(name, imported) for imported in IMPORT.findall(sources[name])]
    return dict(sorted(sources.items()))


def compiler() -> Path:
    """A solc of the pinned version: a native one at hand, else npm's, else one that py-solc-x installs."""
    at_hand = {str(version): version for version in solcx.get_installed_solc_versions()}
    if VERSION not in at_hand and (ROOT / "node_modules" / "solc").is_dir():
        return SHIM
    if VERSION not in at_hand:
        solcx.install_solc(VERSION)
    return Path(solcx.install.get_executable(VERSION))


def compile_all() -> dict[str, str]:
    """Compile the targets: artifact's file name -> its text."""
    bytecode = ("bytecode.object", "deployedBytecode.object", "deployedBytecode.immutableReferences")
    outputs = ["abi", *(f"evm.{part}" for part in bytecode)]
    wanted = {target.source: {target.name: outputs} for target in TARGETS} | {"*": {"": ["ast"]}}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in collect().items()},
        "settings": {**SETTINGS, "outputSelection": wanted},
    }
    try:
        answer = solcx.compile_standard(request, solc_binary=compiler())
    except solcx.exceptions.SolcError as error:
        raise BuildError(str(error)) from error
    contracts = cast("dict[str, dict[str, dict[str, object]]]", answer["contracts"])
    names = dict(variables(answer["sources"]))
    return {f"{it.name}.json": render(it.name, contracts[it.source][it.name], names) for it in TARGETS}


def variables(tree: object) -> Iterator[tuple[str, str]]:
    """The compiler's number and the name of every variable in a syntax tree."""
    if isinstance(tree, dict):
        if tree.get("nodeType") == "VariableDeclaration":
            yield str(tree["id"]), tree["name"]
        tree = list(tree.values())
    for each in tree if isinstance(tree, list) else ():
        yield from variables(each)


def render(name: str, output: dict[str, object], names: Mapping[str, str]) -> str:
    """One artifact as text: sorted keys, 0x-hex, a line end at the end."""
    evm = cast("dict[str, dict[str, object]]", output["evm"])
    # Where deployed code differs from the artifact's: the constructor writes its immutable values there.
    immutables = cast("dict[str, list[dict[str, int]]]", evm["deployedBytecode"]["immutableReferences"])
    artifact = {
        "contractName": name,
        "abi": output["abi"],
        "bytecode": f"0x{evm['bytecode']['object']}",
        "deployedBytecode": f"0x{evm['deployedBytecode']['object']}",
        "immutableReferences": {
            names[number]: sorted(places, key=lambda place: place["start"])
            for number, places in immutables.items()
        },
        "compiler": {"name": "solc", "version": VERSION},
        "settings": SETTINGS,
    }
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def differences(built: dict[str, str]) -> list[str]:
    """One line for each artifact that is not what the sources compile to."""
    found = []
    committed = {path.name: path.read_text(encoding="utf-8") for path in ARTIFACTS.glob("*.json")}
    for name in sorted(built.keys() | committed.keys()):
        if name not in committed:
            found.append(f"{name}: missing")
        elif name not in built:
            found.append(f"{name}: no such contract")
        elif committed[name] != built[name]:
            found.append(f"{name}: differs in {', '.join(differing_keys(committed[name], built[name]))}")
    return found


def differing_keys(committed: str, built: str) -> list[str]:
    """Which parts of an artifact differ."""
    try:
        old = json.loads(committed)
    except ValueError:
        return ["all (not JSON)"]
    new = json.loads(built)
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return keys or ["formatting"]


def main() -> int:
    """Build or check; see the module."""
    parser = argparse.ArgumentParser(description="Compile the contracts into contracts/artifacts/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when an artifact differs")
    check = parser.parse_args().check
    try:
        built = compile_all()
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    if check:
        found = differences(built)
        for line in found:
            print(f"build: {line}", file=sys.stderr)
        return 1 if found else 0
    ARTIFACTS.mkdir(exist_ok=True)
    for stale in ARTIFACTS.glob("*.json"):
        if stale.name not in built:
            stale.unlink()
    for name, text in built.items():
        (ARTIFACTS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
