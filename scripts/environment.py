"""Set up what the other scripts need: `.venv` with pinned, hash-checked packages; Node and slither for tests.

Standard library only, and it must parse on an old Python 3, so that one gets a sentence and no traceback.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
CONTRACTS = ROOT / "contracts"
VENV = ROOT / ".venv"
SLITHER = VENV / "slither"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def fail(message: str) -> None:
    """Say why and stop."""
    sys.stderr.write(message + "\n")
    raise SystemExit(1)


def run(*command: object, cwd: Path = ROOT, quiet: bool = False) -> None:
    """Run a command; if it fails, show what it printed and stop."""
    words = [str(part) for part in command]
    output = subprocess.PIPE if quiet else None
    done = subprocess.run(words, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        if done.stdout:
            sys.stderr.write(done.stdout.decode(errors="replace")[-6000:] + "\n")
        fail("failed: " + " ".join(words))


def ensure(dev: bool = False) -> None:
    """Make `.venv` hold the pinned packages, with the development tools if `dev`; quick when it does."""
    if sys.version_info < (3, 11):
        fail("Python 3.11 or newer is needed; this is %d.%d (%s)" % (*sys.version_info[:2], sys.executable))
    stamp = VENV / "installed"
    installed = stamp.read_text() if stamp.exists() else ""
    good = (
        {_wanted("constraints-dev.txt")}
        if dev
        else {_wanted("constraints-dev.txt"), _wanted("constraints.txt")}
    )
    if PYTHON.exists() and installed in good:
        return
    print("Setting up .venv with pinned packages; the first time takes about a minute ...", flush=True)
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", VENV, quiet=True)
    pins = "constraints-dev.txt" if dev else "constraints.txt"
    _pip("--require-hashes", "--only-binary", ":all:", "--requirement", SCRIPTS / pins)
    _pip("--no-deps", "--no-build-isolation", "--editable", ROOT)
    stamp.write_text(_wanted(pins))


def ensure_node() -> None:
    """Make `node` and `npm` callable, the machine's own or ones in `.venv`; install npm packages."""
    os.environ["PATH"] = str(BIN) + os.pathsep + os.environ["PATH"]
    if not (shutil.which("node") and shutil.which("npm")):
        print("Installing Node for the contract tests ...", flush=True)
        _pip("--require-hashes", "--requirement", SCRIPTS / "constraints-node.txt")
    wanted = _hash((CONTRACTS / "package-lock.json").read_bytes())
    stamp = CONTRACTS / "node_modules" / ".installed"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print("Installing the Solidity tools from npm ...", flush=True)
        run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=CONTRACTS, quiet=True)
        stamp.write_text(wanted)


def ensure_slither() -> None:
    """Make `.venv/slither` hold slither: apart, because it needs an older web3 than the ledger."""
    python = SLITHER / BIN.name / PYTHON.name
    stamp = SLITHER / "installed"
    wanted = _wanted("constraints-slither.txt")
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing slither for the contracts ...", flush=True)
    run(sys.executable, "-m", "venv", "--clear", SLITHER, quiet=True)
    pins = SCRIPTS / "constraints-slither.txt"
    _pip("--require-hashes", "--only-binary", ":all:", "--requirement", pins, python=python)
    stamp.write_text(wanted)


def _pip(*arguments: object, python: Path = PYTHON) -> None:
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments, quiet=True)


def _wanted(pins: str) -> str:
    """Return what the stamp says once these pins are installed for this checkout."""
    return _hash((SCRIPTS / pins).read_bytes() + (ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
