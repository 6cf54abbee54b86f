"""Our checkpoints, cosignatures and proofs before implementations that are not ours, and theirs before ours.

The others: golang.org/x/mod/sumdb (note, tlog), github.com/transparency-dev/formats (log, note) and
github.com/transparency-dev/merkle (proof, rfc6962), at the versions of c2sp/go.mod.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from c2sp_vectors import check_bundle

from ledger.crypto.checkpoints import Checkpoint, origin_of
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey

PROGRAM = Path(__file__).parent / "c2sp"


@pytest.fixture(scope="session")
def c2sp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the Go program. Without Go or its modules the tests are skipped, or fail under CI=true."""
    made = tmp_path_factory.mktemp("go") / "c2sp"
    go = shutil.which("go")
    build = [str(go), "build", "-o", str(made), "."]
    built = go and subprocess.run(build, check=False, cwd=PROGRAM, capture_output=True, text=True)
    if not built or built.returncode:
        why = built.stderr.strip() if built else "go is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"under CI=true this is a failure: {why}")
        pytest.skip(why)
    return made


def run(program: Path, verb: str, given: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    body = json.dumps(given)
    return subprocess.run([program, verb], check=False, input=body, capture_output=True, text=True)


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def ours(size: int = 1000) -> dict[str, Any]:
    """A checkpoint of a log of ours with two witnesses, and proofs of every kind."""
    chance = random.Random(size)
    leaves = [leaf_data(chance.randrange(1, 50), chance.randbytes(32)) for _ in range(size)]
    tree = Tree(leaf_hash(each) for each in leaves)
    origin = origin_of(20260401, chance.randbytes(20))
    log = SigningKey(origin, ED25519, chance.randbytes(32))
    witnesses = [SigningKey(f"witness.example/w{n}", COSIGNATURE, chance.randbytes(32)) for n in (1, 2)]
    body = Checkpoint(origin, size, tree.root(), (12, chance.randbytes(32))).text()
    note = Note(body, (log.sign(body), *(each.sign(body, 1_790_000_000) for each in witnesses)))
    sizes = [*range(1, 71), 127, 128, 129, size]
    return {
        "note": str(note),
        "origin": origin,
        "key": str(log.verifier),
        "witnesses": [str(each.verifier) for each in witnesses],
        "size": size,
        "root": text(tree.root()),
        "inclusion": [
            {
                "index": index,
                "size": n,
                "leaf": text(leaves[index]),
                "root": text(tree.root(n)),
                "proof": [text(each) for each in tree.inclusion_proof(index, n)],
            }
            for n in sizes
            for index in {0, n // 2, n - 1}
        ],
        "consistency": [
            {
                "first": first,
                "second": n,
                "first_root": text(tree.root(first)),
                "second_root": text(tree.root(n)),
                "proof": [text(each) for each in tree.consistency_proof(first, n)],
            }
            for n in sizes
            for first in {1, (n + 1) // 2, n}
        ],
    }


def test_ours_hold_before_theirs(c2sp: Path) -> None:
    answer = run(c2sp, "check", ours())
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("ok: 3 signatures, 219 inclusion proofs")


@pytest.mark.parametrize("change", ["note", "key", "root", "inclusion", "consistency"])
def test_what_is_changed_does_not_hold_before_theirs(c2sp: Path, change: str) -> None:
    given = ours(200)
    other = ours(201)
    if change in ("inclusion", "consistency"):
        given[change][5]["proof"] = [*other[change][5]["proof"][::-1], text(bytes(32))]
    else:
        given[change] = other[change]
    assert run(c2sp, "check", given).returncode == 1


def test_theirs_hold_before_ours(c2sp: Path) -> None:
    answer = run(c2sp, "make")
    assert answer.returncode == 0, answer.stderr
    check_bundle(json.loads(answer.stdout))


def test_the_vectors_are_what_they_make(c2sp: Path) -> None:
    """But for the note, whose cosignature has the time in it."""
    made = json.loads(run(c2sp, "make").stdout)
    kept = json.loads((Path(__file__).parent.parent / "vectors" / "c2sp.json").read_text())
    assert {**made, "note": ""} == {**kept, "note": ""}
