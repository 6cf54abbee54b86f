"""What a stranger, a copy or a second process does to a witness's folder: each attempt, and what is seen."""

from __future__ import annotations

import multiprocessing
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from ledger.crypto.checkpoints import Checkpoint
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.crypto.notes import COSIGNATURE, ED25519, MAX_BYTES, Line, Note, SigningKey
from ledger.errors import BadValue, Misconfigured
from ledger.workflows.witness import Answer, Witness, open_witness
from ledger.workflows.witness_memory import MANY, log_id
from ledger.workflows.witness_request import request_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = SigningKey("log.example/1", ED25519, b"l" * 32)
TREE = Tree([leaf_hash(bytes([n])) for n in range(60)])
LIE = Tree([leaf_hash(bytes([n + 100])) for n in range(60)])
NAME = "witness.example/1"


def note(size: int, tree: Tree = TREE, *strange: Line) -> Note:
    text = Checkpoint(LOG.name, size, tree.root(size)).text()
    return Note(text, (LOG.sign(text), *strange))


def ask(
    witness: Witness, old: int, asked: Note, tree: Tree = TREE, proof: list[bytes] | None = None
) -> Answer:
    size = int(asked.text.split("\n")[1])
    found = tree.consistency_proof(old, size) if proof is None else proof
    return witness.add_checkpoint(request_body(old, found, asked), 1_800_000_000)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def opened(tmp_path: Path, said: list[str]) -> Callable[..., Witness]:
    """Open a witness's folder, as often as asked."""
    return lambda folder="w", more=(): open_witness(
        tmp_path / folder, NAME, [LOG.verifier], said.append, more
    )


def padded(size: int) -> Note:
    """The log's honest note, as long as a note may be."""
    room = MAX_BYTES - len(str(note(size)).encode()) - len("\u2014 x \n".encode())
    found = note(size, TREE, Line("x", b"abcd", b"z" * (room // 4 * 3 - 4)))
    assert MAX_BYTES - 4 < len(str(found).encode()) <= MAX_BYTES
    return found


@pytest.mark.parametrize("what", ["63 lines", "64 KiB"])
def test_lines_of_strangers_do_not_grow_what_a_witness_keeps(
    opened: Callable[..., Witness], said: list[str], tmp_path: Path, what: str
) -> None:
    witness = opened()
    strange = note(5, TREE, *(Line(f"x{n}", b"abcd", b"z") for n in range(63)))
    assert ask(witness, 0, strange if what == "63 lines" else padded(5)).status == 200
    kept = (tmp_path / "w" / f"{log_id(LOG.name)}.checkpoint").read_bytes()
    assert len(kept) < 1000
    for each, old, size in ((witness, 5, 8), (opened(), 8, 9)):
        assert ask(each, old, note(size)).status == 200
    assert not said


def test_the_note_of_a_lie_stays_whatever_is_sent_after_it(
    opened: Callable[..., Witness], said: list[str], tmp_path: Path
) -> None:
    witness = opened()
    assert ask(witness, 0, note(3)).status == 200
    assert ask(witness, 3, note(8, LIE), LIE).status == 422
    (kept,) = (tmp_path / "w").glob("*.suspicion.*")
    before = kept.read_text()
    assert note(8, LIE).text in before
    for size in range(4, 60):
        assert ask(witness, 3, note(size), proof=[b"z" * 32]).status == 422
        assert ask(witness, 3, note(size), proof=[b"y" * 32]).status == 422
    assert kept.read_text() == before
    assert len(list((tmp_path / "w").glob("*.suspicion.*"))) == MANY
    # Those that found no room stand in the alarm, and no wrong proof of what is cosigned is suspected.
    assert note(59).text in said[-1]
    told = len(said)
    assert ask(witness, 3, note(3), proof=[b"z" * 32]).status == 422
    assert len(said) == told


def test_what_is_proven_later_is_suspected_no_longer(opened: Callable[..., Witness], tmp_path: Path) -> None:
    witness = opened()
    assert ask(witness, 0, note(3)).status == 200
    assert ask(witness, 3, note(8), proof=[b"z" * 32]).status == 422
    assert ask(witness, 3, note(8)).status == 200
    assert not list((tmp_path / "w").glob("*.suspicion.*"))


@pytest.mark.parametrize("what", ["gone", "gone before anything was signed", "made anew", "an older memory"])
def test_a_running_witness_notices_that_its_folder_was_taken(
    opened: Callable[..., Witness], said: list[str], tmp_path: Path, what: str
) -> None:
    witness, old = opened(), 3
    folder, copy = tmp_path / "w", tmp_path / "copy"
    if "before" not in what:
        assert ask(witness, 0, note(3)).status == 200
        shutil.copytree(folder, copy)
        assert ask(witness, 3, note(8)).status == 200
    shutil.rmtree(folder)
    if what == "made anew":
        opened()
    if what == "an older memory":
        shutil.copytree(copy, folder)
    for size, tree, since in ((8, LIE, 0), (9, TREE, old)):
        answer = ask(witness, since, note(size, tree), tree)
        assert (answer.status, b"a person must look at it" in answer.body) == (500, True), answer
    assert all("MEMORY" in each for each in said)
    if what.startswith("gone"):
        assert not folder.exists()


def test_keys_without_their_memory_do_not_go_on(opened: Callable[..., Witness], tmp_path: Path) -> None:
    opened()
    assert ask(opened(), 0, note(8)).status == 200, "begun again before anything was signed"
    for each in [*(tmp_path / "w").glob("*.checkpoint"), *(tmp_path / "w").glob("*.known")]:
        each.unlink()
    with pytest.raises(Misconfigured, match="in an empty folder and under another name"):
        opened()


def test_a_name_that_says_recomputed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="signs what was recomputed"):
        open_witness(tmp_path / "w", f"{NAME}/recomputed", [LOG.verifier], lambda _: None)
    assert not (tmp_path / "w").exists()


def test_a_plain_witness_is_given_a_node_later(opened: Callable[..., Witness], tmp_path: Path) -> None:
    """Though another witness's line, in the note it cosigned, says that that one recomputed."""

    class Node:
        origin = LOG.name

    other = SigningKey("witness.example/2/recomputed", COSIGNATURE, b"2" * 32)
    assert ask(opened(), 0, note(3, TREE, other.sign(note(3).text, 5))).status == 200
    assert opened("w", [Node()]).second.name == f"{NAME}/recomputed"


def _begin(folder: Path, barrier: Any, found: Any) -> None:
    barrier.wait()
    witness = open_witness(folder, NAME, [LOG.verifier], print)
    found.put(str(witness.key.verifier))


def test_two_processes_that_begin_one_folder_have_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for n in range(20):
        barrier, found = context.Barrier(2), context.Queue()
        both = [context.Process(target=_begin, args=(tmp_path / str(n), barrier, found)) for _ in range(2)]
        for each in both:
            each.start()
        keys = {found.get(timeout=20) for _ in both}
        for each in both:
            each.join()
        assert len(keys) == 1
