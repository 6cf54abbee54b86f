"""Set up what the other scripts need: a virtual environment with pinned, hash-checked packages, and Node for the tests.

Standard library only, and it must parse on any Python 3, so that an old one gets a sentence and not a traceback.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def fail(message):
    """Say why and stop."""
    sys.stderr.write(message + "\n")
    raise SystemExit(1)


def run(*command, cwd=ROOT, quiet=False):
    """Run a command; on failure show what it printed and stop with its code."""
    output = subprocess.PIPE if quiet else None
    done = subprocess.run([str(part) for part in command], cwd=cwd, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        if quiet:
            sys.stderr.write(done.stdout.decode(errors="replace")[-4000:] + "\n")
        fail("failed: " + " ".join(str(part) for part in command))


def ensure(dev=False):
    """Make `.venv` hold the pinned packages (with the development tools if `dev`); quick when it already does."""
    if sys.version_info < (3, 11):
        fail("Python 3.11 or newer is needed; this is %d.%d (%s)" % (*sys.version_info[:2], sys.executable))
    pins = ROOT / "scripts" / ("constraints-dev.txt" if dev else "constraints.txt")
    wanted = hashlib.sha256(pins.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    stamps = [VENV / "installed-dev"] if dev else [VENV / "installed-dev", VENV / "installed"]
    dev_pins = ROOT / "scripts" / "constraints-dev.txt"
    accepted = {wanted, hashlib.sha256(dev_pins.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()}
    if PYTHON.exists() and any(stamp.exists() and stamp.read_text() in accepted for stamp in stamps):
        return
    print("Setting up .venv with pinned packages (the first time takes about a minute) ...", flush=True)
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", VENV, quiet=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "--only-binary", ":all:", "-r", pins, quiet=True)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT, quiet=True)
    (VENV / ("installed-dev" if dev else "installed")).write_text(wanted)


def ensure_node():
    """Make `node` and `npm` callable (the machine's own, else pinned ones from Python's index) and install contracts/package-lock.json."""
    os.environ["PATH"] = str(BIN) + os.pathsep + os.environ["PATH"]
    if not (shutil.which("node") and shutil.which("npm")):
        print("Installing Node for the contract tests ...", flush=True)
        pins = ROOT / "scripts" / "constraints-node.txt"
        run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", pins, quiet=True)
    lock = ROOT / "contracts" / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = ROOT / "contracts" / "node_modules" / ".installed"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print("Installing the Solidity tools (npm, pinned) ...", flush=True)
        run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=ROOT / "contracts", quiet=True)
        stamp.write_text(wanted)
