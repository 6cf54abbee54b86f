"""Our checkpoints, cosignatures and proofs before implementations that are not ours, and theirs before ours.

The others: golang.org/x/mod/sumdb (note, tlog) and github.com/transparency-dev/{formats,merkle,witness}, at
the versions of c2sp/go.mod.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from c2sp_vectors import check_bundle

from ledger.crypto.checkpoints import Authorities, BlockLine, Checkpoint, Counted, Statement, origin_of
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey, VerifierKey, verify_note
from ledger.workflows.kept_checkpoints import Kept
from ledger.workflows.witnessing import WitnessAt, WitnessRefused, cosign

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = SigningKey("ledger.example/log", ED25519, b"i" * 32)
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


def statement(chance: random.Random) -> Statement:
    block = BlockLine(12, chance.randbytes(32), 1_790_000_000)
    counted = [Counted(n, chance.randbytes(32)) for n in (9, 2, 1)]
    return Statement(block, 1_790_000_005, counted[0], Authorities(7, 21, bytes(32)), counted[1], counted[2])


def ours(size: int = 1000) -> dict[str, Any]:
    """A checkpoint of a log of ours with two witnesses, and proofs of every kind."""
    chance = random.Random(size)
    leaves = [leaf_data(chance.randrange(1, 50), chance.randbytes(32)) for _ in range(size)]
    tree = Tree(leaf_hash(each) for each in leaves)
    origin = origin_of(20260401, chance.randbytes(32), chance.randbytes(20))
    log = SigningKey(origin, ED25519, chance.randbytes(32))
    witnesses = [SigningKey(f"witness.example/w{n}", COSIGNATURE, chance.randbytes(32)) for n in (1, 2)]
    body = Checkpoint(origin, size, tree.root(), statement(chance)).text()
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


@pytest.fixture
def independent(c2sp: Path) -> Iterator[WitnessAt]:
    """The witness of github.com/transparency-dev/witness, for the log of `LOG`."""
    command = [str(c2sp), "witness", str(LOG.verifier)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        key, url = process.stdout.readline().strip(), process.stdout.readline().strip()
        yield WitnessAt(VerifierKey.parse(key), url)
        process.kill()


class GrowingLog:
    """A log that grows under checkpoints of ours, with its proofs at hand."""

    def __init__(self, seed: int = 1) -> None:
        self.tree = Tree(leaf_hash(b"%d %d" % (n, seed if n > 10 else 1)) for n in range(100))

    def proof(self, first: int, second: int) -> list[bytes]:
        return self.tree.consistency_proof(first, second)

    def kept(self, folder: Path, size: int) -> Kept:
        made = Checkpoint(LOG.name, size, self.tree.root(size))
        return Kept(folder / f"{size}.checkpoint", made, Note(made.text(), (LOG.sign(made.text()),)))


def test_their_witness_cosigns_our_log_as_it_grows(independent: WitnessAt, tmp_path: Path) -> None:
    log = GrowingLog()
    for size in (7, 40, 40, 100):
        kept = cosign(log.proof, log.kept(tmp_path, size), [independent])
        (signed,) = verify_note(kept.note, [independent.key])
        assert signed.time


def test_their_witness_refuses_a_fork_of_ours(independent: WitnessAt, tmp_path: Path) -> None:
    log, forked = GrowingLog(), GrowingLog(2)
    cosign(log.proof, log.kept(tmp_path, 40), [independent])
    with pytest.raises(WitnessRefused, match="422"):
        cosign(forked.proof, forked.kept(tmp_path, 60), [independent])
    with pytest.raises(WitnessRefused, match=r"409|422"):
        cosign(forked.proof, forked.kept(tmp_path, 40), [independent])
