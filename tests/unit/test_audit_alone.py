"""The verifier where there is nothing else: its own four rooms, two packages, no site-packages, no network."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from evidence_sample import LOG_KEY, RECOMPUTED, full_sample, resealed

ROOT = Path(__file__).resolve().parents[2]
#: All of this project that a verifier needs.
ROOMS = ("__init__.py", "errors.py", "audit", "crypto", "domain", "scoring")
#: All that it needs of others: Keccak (safe-pysha3), and Ed25519 (cryptography, which brings cffi).
MODULES = ("sha3", "_pysha3", "cryptography", "_cffi_backend")

COMPLETE = [f"--key={LOG_KEY.verifier}", *(f"--witness={each.verifier}" for each in RECOMPUTED)]

ALONE = """
import runpy, sys
def refuse(event, args):
    if event.startswith(("socket.", "sqlite3.", "subprocess.", "os.system")):
        raise SystemExit(f"the verifier did {event}")
sys.addaudithook(refuse)
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("ledger.audit", run_name="__main__")
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rooms and the modules, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "ledger").mkdir()
    for each in ROOMS:
        (folder / "ledger" / each).symlink_to(ROOT / "ledger" / each)
    for each in MODULES:
        found = importlib.util.find_spec(each)
        assert found, each
        assert found.origin
        origin = Path(found.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def verify(alone: Path, data: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    file = alone / "evidence.json"
    file.write_bytes(data)
    command = [sys.executable, "-I", "-S", "-B", "-c", ALONE, str(alone), str(file), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_the_verifier_works_alone(alone: Path) -> None:
    found = verify(alone, full_sample(), *COMPLETE, "--quorum=2", "--json")
    assert found.returncode == 0, found.stderr
    claims = json.loads(found.stdout)
    assert claims["ok"]
    assert claims["complete"]
    assert [each["name"] for each in claims["checkpoint"]["signed"]] == [
        LOG_KEY.name,
        *(each.name for each in RECOMPUTED),
    ]
    assert claims["assessment"]["epoch"] == claims["assessment"]["published"] == 2


def test_what_it_says_to_a_person(alone: Path) -> None:
    found = verify(alone, full_sample(), *COMPLETE)
    assert found.returncode == 0, found.stderr
    assert "证据文件核验通过" in found.stdout
    assert "complete record" in found.stdout


def test_it_refuses_with_the_rule_and_without_a_traceback(alone: Path) -> None:
    content = json.loads(full_sample())
    content["subjects"][0]["runs"].pop()
    found = verify(alone, resealed(content))
    assert (found.returncode, found.stdout) == (1, "")
    assert "head-differs" in found.stderr
    assert "Traceback" not in found.stderr
    assert json.loads(verify(alone, b"{}", "--json").stdout)["rule"] == "malformed"
    assert verify(alone, full_sample(), "--key=nonsense").returncode == 1


def test_exit_codes_of_the_verdicts(alone: Path) -> None:
    key = f"--key={LOG_KEY.verifier}"
    assert verify(alone, full_sample()).returncode == 1, "nothing is signed"
    assert verify(alone, full_sample(), key).returncode == 1, "only the operator vouches"
    assert verify(alone, full_sample(), key, "--allow-incomplete").returncode == 0
    swapped = verify(alone, full_sample(), f"--key={RECOMPUTED[0].verifier}")
    assert (swapped.returncode, "a witness's key: give it as --witness" in swapped.stderr) == (2, True)
    swapped = verify(alone, full_sample(), f"--witness={LOG_KEY.verifier}")
    assert (swapped.returncode, "a log's key: give it as --key" in swapped.stderr) == (2, True)
    assert verify(alone, full_sample(), *COMPLETE, "--not-older-than=1d").returncode == 1
    assert "neither a card's hash" in verify(alone, full_sample(), "--card=nothing").stderr
