"""What an installation keeps to be held to, changed or lost: checkpoints, an earlier audit's state, a second node."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, block, deviations, unchecked

from ledger.chain.rpc import HttpNode
from ledger.crypto.checkpoints import parse_checkpoint
from ledger.crypto.hashing import sha256
from ledger.crypto.notes import Note
from ledger.workflows.audit_progress import Progress
from ledger.workflows.checkpoints import operator_key

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office", "audited_ledger"]


# ---------------------------------------------------------------- one's own folder: checkpoints


def checkpoint_file(ledger: Ledger) -> Path:
    (file,) = (ledger.settings.data_dir / "checkpoints").glob("*.checkpoint")
    return file


def test_every_checkpoint_is_gone(ledger: Ledger) -> None:
    checkpoint_file(ledger).unlink()
    lost = ("kept checkpoints", str(ledger.settings.data_dir))
    assert unchecked(ledger) == [lost, ("the log against a checkpoint", "log of 2 leaves")]
    assert "no checkpoint was given or kept" in audited(ledger).to_text()
    assert "and this ledger has signed some" in audited(ledger).to_text()


def test_a_checkpoint_that_binds_nothing_is_as_if_none_were_kept(ledger: Ledger) -> None:
    """The log's own key signs that the log was empty once; then a head of the log, and nothing else."""
    file = checkpoint_file(ledger)
    kept, key = parse_checkpoint(file.read_text().partition("\n\n")[0] + "\n"), operator_key(ledger)
    none = ("the log against a checkpoint", "log of 2 leaves")
    empty = kept._replace(size=0, root=sha256(b""))
    for made, expected in (
        (empty._replace(statement=None), [("kept checkpoint", str(file)), none]),
        (kept._replace(statement=None), [("kept checkpoint", str(file))]),
    ):
        file.write_text(str(Note(made.text(), (key.sign(made.text()),))), encoding="utf-8")
        assert unchecked(ledger) == expected
        assert audited(ledger).checked["checkpoints"] == (made.size > 0)
    file.write_text(str(Note(empty.text(), (key.sign(empty.text()),))), encoding="utf-8")
    report = audited(ledger)
    assert ("checkpoint differs", f"checkpoint of block {block(ledger)}, size") in [
        (each.what, each.where) for each in report.deviations
    ]
    assert none in [(each.what, each.where) for each in report.not_checked]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[:40],
        lambda _: b"\xff\xfe\x00 nonsense \n\n",
        lambda data: data.replace(b"\n\n", b"\n"),
    ],
    ids=["empty", "cut", "binary", "no signature"],
)
def test_a_kept_checkpoint_is_damaged(ledger: Ledger, damage: Any) -> None:
    file = checkpoint_file(ledger)
    file.write_bytes(damage(file.read_bytes()))
    found = unchecked(ledger)
    assert ("kept checkpoint", str(file)) in found


def test_a_kept_checkpoint_is_a_folder_or_cannot_be_read(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    file.unlink()
    file.mkdir()
    assert ("kept checkpoint", str(file)) in unchecked(ledger)


def test_a_checkpoint_without_the_operators_signature_is_left_in_the_folder(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text, _, lines = file.read_text().partition("\n\n")
    name, rest = lines.split(" ", 2)[1:]
    file.write_text(f"{text}\n\n\u2014 {name}x {rest}")
    assert unchecked(ledger) == [("kept checkpoint", str(file))]


def test_a_checkpoint_of_a_second_ledger_under_the_same_key(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text = file.read_text()
    origin = parse_checkpoint(text.partition("\n\n")[0] + "\n").origin
    other = origin[:-1] + ("0" if origin[-1] != "0" else "1")
    file.with_name("other.checkpoint").write_text(text.replace(origin, other))
    ((what, where),) = deviations(ledger)
    assert what == "two ledgers under one key"
    assert where.endswith("other.checkpoint")


LINES = ["block", "heads", "authorities", "objections", "assessments", "size"]


@pytest.mark.parametrize("line", LINES)
def test_the_operator_signed_something_else_than_the_chain_says(ledger: Ledger, line: str) -> None:
    """A checkpoint under the operator's own signature, one line of which is not the ledger's."""
    file = checkpoint_file(ledger)
    text = file.read_text().partition("\n\n")[0] + "\n"
    said = parse_checkpoint(text)
    if line == "size":
        forged = said._replace(size=1).text()
    else:
        (old,) = (each for each in text.split("\n") if each.startswith(line + " "))
        words = old.split(" ")
        words[2 if line == "block" else -1] = "ab" * 32
        forged = text.replace(old, " ".join(words))
    file.write_text(str(Note(forged, (operator_key(ledger).sign(forged),))))
    number = said.statement.block.number if said.statement else 0
    where = "log of size 1" if line == "size" else f"checkpoint of block {number}, {line}"
    assert deviations(ledger) == [("checkpoint differs", where)]


def test_two_checkpoints_of_one_block_say_two_things(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text = file.read_text().partition("\n\n")[0] + "\n"
    said = parse_checkpoint(text)
    assert said.statement
    root = said.statement.assessments._replace(root=bytes(32))
    forged = said._replace(statement=said.statement._replace(assessments=root)).text()
    note = Note(forged, (operator_key(ledger).sign(forged),))
    file.with_name("zz.checkpoint").write_text(str(note))
    assert "checkpoints of two histories" in [what for what, _ in deviations(ledger)]


def test_a_checkpoint_of_a_block_that_the_chain_has_not(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text = file.read_text().partition("\n\n")[0] + "\n"
    said = parse_checkpoint(text)
    assert said.statement
    later = said.statement.block._replace(number=10_000)
    forged = said._replace(statement=said.statement._replace(block=later)).text()
    file.write_text(str(Note(forged, (operator_key(ledger).sign(forged),))))
    assert deviations(ledger) == [("chain shorter than a checkpoint", "checkpoint of block 10000")]


# ---------------------------------------------------------------- one's own folder: the state of an earlier audit


def test_a_state_with_a_right_digest_is_made_up(ledger: Ledger) -> None:
    """Whoever writes the folder may write the state: what it covers is not checked, and is said not to be."""
    folder = ledger.settings.data_dir
    progress = Progress(folder, ledger.deployment)
    audited(ledger, progress=progress)
    file = folder / "audit" / "progress"
    content = json.loads(file.read_bytes().partition(b"\n")[2])
    content["counts"]["documents"] = 10**9
    made = json.dumps(content).encode()
    file.write_bytes(sha256(made).hex().encode() + b"\n" + made)
    last = int(ledger.node.request("eth_blockNumber"), 16)
    where = f"blocks {ledger.deployment.block} to {last}"
    assert unchecked(ledger, progress=progress, resume=True) == [
        ("statements of checkpoints", "1 kept checkpoints"),
        ("an earlier part of the chain", where),
    ]
    assert audited(ledger, progress=progress).verdict == "holds"


@pytest.mark.parametrize(
    "content",
    [b"[1]", b"not json", b"[" * 100_000, b'{"form": 2}'],
    ids=["a list", "no JSON", "too deep", "too little"],
)
def test_a_state_that_makes_no_sense_is_not_taken_up(ledger: Ledger, content: bytes) -> None:
    folder = ledger.settings.data_dir
    progress = Progress(folder, ledger.deployment)
    (folder / "audit").mkdir(exist_ok=True)
    (folder / "audit" / "progress").write_bytes(sha256(content).hex().encode() + b"\n" + content)
    report = audited(ledger, progress=progress, resume=True)
    assert report.verdict == "holds"
    assert "not taken up from an earlier audit" in report.scope


# ---------------------------------------------------------------- a second node


class Fool:
    """Another node, which answers one method with something else, or everything."""

    where = "a node that talks nonsense"

    def __init__(self, node: Any, answer: Any, method: str = "") -> None:
        self._node, self._answer, self._method = node, answer, method

    def request(self, method: str, *params: object) -> Any:
        if self._method in {"", method}:
            return self._answer
        return self._node.request(method, *params)

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(*each) for each in calls]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("method", ["", "eth_chainId", "eth_getBlockByNumber", "eth_getLogs"])
@pytest.mark.parametrize("answer", ["nonsense", [], {}, 7, ["a"], [{"topics": 1}]], ids=repr)
def test_a_second_node_answers_nonsense(ledger: Ledger, answer: Any, method: str) -> None:
    report = audited(ledger, nodes=[Fool(ledger.node, answer, method)])
    assert report.verdict != "holds", report.to_text()
    named = [each.where for each in (*report.not_checked, *report.deviations)]
    assert all(each.startswith("a node that talks nonsense") for each in named)


def test_a_second_node_does_not_answer(ledger: Ledger) -> None:
    found = unchecked(ledger, nodes=[HttpNode("http://127.0.0.1:9")])
    assert {what for what, _ in found} == {"another node"}
