"""Run slither over the sources of the deployed contracts; exits 1 on a finding that no comment explains.

    python contracts/analyze.py [option of slither ...]

Left to itself slither has forge compile into `out/`, though it reads nothing but syntax trees: that takes
long, and what it leaves there makes the tests' artifact names ambiguous. So it is handed the syntax trees
alone, in the form of forge's build information, in a folder that goes when it is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import solcx
from build import ROOT, SETTINGS, VERSION, BuildError, collect, compiler

ENVIRONMENT = Path(sys.executable).parent
SLITHER = ENVIRONMENT.parent / "slither" / ENVIRONMENT.name / "slither"


def build_information() -> dict[str, object]:
    """What the compiler was given and answered, its answer being syntax trees and nothing else."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in collect().items()},
        "settings": {**SETTINGS, "outputSelection": {"*": {"": ["ast"]}}},
    }
    try:
        answer = solcx.compile_standard(request, solc_binary=compiler())
    except solcx.exceptions.SolcError as error:
        raise BuildError(str(error)) from error
    return {"solcVersion": VERSION, "input": request, "output": {"sources": answer["sources"]}}


def main() -> int:
    """Compile and run slither; see the module."""
    try:
        information = build_information()
    except BuildError as error:
        print(f"analyze: {error}", file=sys.stderr)
        return 1
    # Slither asks forge for the project's settings.
    path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "contracts.json").write_text(json.dumps(information), encoding="utf-8")
        command = [SLITHER, ".", "--ignore-compile", "--foundry-build-info-directory", folder, *sys.argv[1:]]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False)
    return 0 if done.returncode == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
