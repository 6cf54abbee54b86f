"""What an operator might sign that is not so, what a witness might forget: each attempt, and the sentence that meets it.

The ledger, its node and the witnesses are real; the operator here has the log's key and lies with it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from workflows_rows import record_line, records_file

from ledger.crypto.checkpoints import (
    EARLY,
    LATEST,
    BlockLine,
    Checkpoint,
    Counted,
    Forked,
    check_successor,
    parse_checkpoint,
)
from ledger.crypto.merkle import Tree
from ledger.crypto.notes import Note, parse_lines, verify_note
from ledger.errors import Misconfigured
from ledger.index.queries import leaf_hashes
from ledger.workflows.assessing import assess
from ledger.workflows.checkpoints import make_checkpoint, operator_key
from ledger.workflows.governing import set_suspended
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import answer_objection, open_objection
from ledger.workflows.recomputing import Recomputer
from ledger.workflows.witness import Answer, Witness, open_witness
from ledger.workflows.witness_memory import log_id
from ledger.workflows.witness_request import request_body

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def ledger(office: Ledger, tmp_path: Path) -> Ledger:
    """A ledger in which everything that a statement is about has happened."""
    add(office, tmp_path, "A", "B")
    open_objection(office, "GACC-1", "It was declared.")
    answer_objection(office, 1, "rejected", "It was not.")
    assess(office)
    set_suspended(office, "STA", True)
    return office


@pytest.fixture
def follower(ledger: Ledger, tmp_path: Path, said: list[str]) -> Witness:
    """A witness with a node."""
    return open_witness(
        tmp_path / "follower",
        "witness.example/f",
        [operator_key(ledger).verifier],
        said.append,
        [Recomputer(ledger.node, ledger.deployment)],
    )


@pytest.fixture
def plain(ledger: Ledger, tmp_path: Path, said: list[str]) -> Witness:
    """A witness that looks at the log alone."""
    return open_witness(tmp_path / "w", "witness.example/w", [operator_key(ledger).verifier], said.append)


def add(office: Ledger, folder: Path, *references: str) -> None:
    rows = [record_line(each, type="CU06", decided_on="2026-05-01") for each in references]
    import_file(office, records_file(folder / "r.csv", *rows), "records", office.authorities["GACC"])
    office.follower.catch_up()


def ask(ledger: Ledger, witness: Witness, point: Checkpoint, old: int = 0, ahead: int = 0) -> Answer:
    """Sign a checkpoint with the log's own key, whatever it says, and ask for a cosignature."""
    text = point.text()
    with ledger.db.read_index() as index:
        proof = Tree(leaf_hashes(index)).consistency_proof(old, point.size) if old else []
    return witness.add_checkpoint(
        request_body(old, proof, Note(text, (operator_key(ledger).sign(text),))), int(time.time()) + ahead
    )


def changed(point: Checkpoint, **lines: Any) -> Checkpoint:
    assert point.statement is not None
    return point._replace(statement=point.statement._replace(**lines))


def test_a_witness_with_a_node_says_with_a_second_key_that_it_recomputed(
    ledger: Ledger, follower: Witness
) -> None:
    kept = make_checkpoint(ledger)
    answer = ask(ledger, follower, kept.checkpoint)
    assert answer.status == 200
    lines = parse_lines(answer.body)
    assert follower.second is not None
    keys = [follower.key.verifier, follower.second.verifier]
    assert [each.key for each in verify_note(Note(kept.note.text, lines), keys)] == keys
    assert keys[1].name == "witness.example/f/recomputed"


LIES = {
    "a record left out": {"heads": Counted(1, b"h" * 32)},
    "a suspension left out": {"authorities": ("facts", b"a" * 32)},
    "an answer left out": {"objections": Counted(1, b"o" * 32)},
    "an assessment made up": {"assessments": Counted(2, b"s" * 32)},
}


@pytest.mark.parametrize("what", LIES)
def test_a_false_line_is_cosigned_by_no_witness_with_a_node(
    ledger: Ledger, follower: Witness, plain: Witness, said: list[str], what: str
) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert true.statement is not None
    lies = dict(LIES[what])
    if "authorities" in lies:
        lies["authorities"] = true.statement.authorities._replace(root=b"a" * 32)
    lie = changed(true, **lies)
    answer = ask(ledger, follower, lie)
    assert (answer.status, b"not what this witness recomputed" in answer.body) == (409, True), answer
    assert "and the chain makes it" in answer.body.decode()
    assert any("DIFFERS" in each for each in said)
    # Who looks at the log alone cannot know, and claims no more with the key it has.
    assert ask(ledger, plain, lie).status == 200
    assert ask(ledger, follower, true).status == 200, "the truth is cosigned as before"


@pytest.mark.parametrize("what", ["hash", "time", "to come"])
def test_a_block_that_the_node_has_otherwise_is_not_cosigned(
    ledger: Ledger, follower: Witness, what: str
) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert true.statement is not None
    block = true.statement.block
    other = {
        "hash": block._replace(hash=bytes(32)),
        "time": block._replace(time=block.time - 1),
        "to come": BlockLine(block.number + 5, block.hash, block.time),
    }[what]
    answer = ask(ledger, follower, changed(true, block=other))
    expected = (503, "has no block") if what == "to come" else (409, "not what this witness recomputed")
    assert answer.status == expected[0]
    assert expected[1] in answer.body.decode()


def test_the_state_of_an_earlier_block_is_recomputed_too(
    ledger: Ledger, follower: Witness, tmp_path: Path
) -> None:
    early = make_checkpoint(ledger).checkpoint
    add(ledger, tmp_path, "C")
    late = make_checkpoint(ledger).checkpoint
    follower._recomputers[late.origin].check(late)
    assert ask(ledger, follower, early).status == 200
    assert ask(ledger, follower, late, early.size).status == 200


FORKS = {
    "two roots of heads for one size": {"heads": Counted(1, b"h" * 32)},
    "another number of facts about authorities": "facts",
    "fewer enterprises": {"heads": None, "objections": None},
    "two hashes of one block": "block",
    "an assessment taken back": {"assessments": Counted(0, b"s" * 32)},
    "two roots of objections for the same facts": {"objections": Counted(2, b"o" * 32)},
}


@pytest.mark.parametrize("what", FORKS)
def test_two_statements_that_cannot_both_be_are_a_fork(
    ledger: Ledger, plain: Witness, said: list[str], tmp_path: Path, what: str
) -> None:
    true = make_checkpoint(ledger).checkpoint
    said_first = true.statement
    assert said_first is not None
    assert ask(ledger, plain, true).status == 200
    changes = FORKS[what]
    later = {"block": said_first.block._replace(number=said_first.block.number + 1, hash=b"n" * 32)}
    if changes == "block":
        later = {"block": said_first.block._replace(hash=bytes(32))}
    elif changes == "facts":
        later["authorities"] = said_first.authorities._replace(root=b"x" * 32)
    else:
        later |= changes
    answer = ask(ledger, plain, changed(true, **later), true.size)
    assert (answer.status, b"the ledger has forked" in answer.body) == (409, True), answer
    assert any("FORK" in each for each in said)
    kept = (tmp_path / "w" / f"{log_id(true.origin)}.fork").read_text()
    assert true.text() in kept
    assert ask(ledger, plain, true, true.size).status == 409, "until a person has looked"


def test_an_earlier_checkpoint_is_no_fork_and_not_cosigned(
    ledger: Ledger, plain: Witness, said: list[str]
) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert true.statement is not None
    assert ask(ledger, plain, changed(true, time=true.statement.time + 60)).status == 200
    answer = ask(ledger, plain, true, true.size)
    assert (answer.status, b"a later checkpoint" in answer.body) == (409, True)
    assert not said


@pytest.mark.parametrize("what", ["lost", "emptied", "a bit flipped", "another's note"])
def test_a_witness_whose_memory_is_lost_or_damaged_cosigns_nothing(
    ledger: Ledger, plain: Witness, said: list[str], tmp_path: Path, what: str
) -> None:
    true = make_checkpoint(ledger)
    assert ask(ledger, plain, true.checkpoint).status == 200
    path = tmp_path / "w" / f"{log_id(true.checkpoint.origin)}.checkpoint"
    raw = path.read_bytes()
    if what == "lost":
        path.unlink()
    else:
        flipped = raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:]
        path.write_bytes(
            {"emptied": b"", "a bit flipped": flipped, "another's note": str(true.note).encode()}[what]
        )
    for each in (
        plain,
        open_witness(tmp_path / "w", plain.key.name, [operator_key(ledger).verifier], said.append),
    ):
        answer = ask(ledger, each, true.checkpoint)
        assert (answer.status, b"a person must look at it" in answer.body) == (500, True), answer
    assert any("MEMORY" in each for each in said)
    with pytest.raises(Misconfigured):
        plain.latest(log_id(true.checkpoint.origin))


def test_a_lost_key_beside_what_it_signed_is_not_made_anew(
    ledger: Ledger, plain: Witness, tmp_path: Path
) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert ask(ledger, plain, true).status == 200
    (tmp_path / "w" / "witness.key").unlink()
    (tmp_path / "w" / f"{log_id(true.origin)}.checkpoint").unlink()
    with pytest.raises(Misconfigured, match="is missing"):
        open_witness(tmp_path / "w", plain.key.name, [operator_key(ledger).verifier], lambda _: None)


def test_a_witness_that_cannot_write_signs_nothing(
    ledger: Ledger, plain: Witness, said: list[str], tmp_path: Path
) -> None:
    true = make_checkpoint(ledger).checkpoint
    # As on a full disk: there is no room for the new file.
    path = tmp_path / "w" / f".{log_id(true.origin)}.checkpoint.{os.getpid()}.new"
    path.mkdir()
    answer = ask(ledger, plain, true)
    assert (answer.status, b"cosigns nothing" in answer.body) == (503, True)
    assert any("cannot be written" in each for each in said)
    path.rmdir()
    assert ask(ledger, plain, true).status == 200


def test_cosigning_again_leaves_one_line_of_each_key(ledger: Ledger, follower: Witness) -> None:
    kept = make_checkpoint(ledger)
    size, origin = kept.checkpoint.size, kept.checkpoint.origin
    assert ask(ledger, follower, kept.checkpoint).status == 200
    assert ask(ledger, follower, kept.checkpoint, size, 5).status == 200
    held = follower.latest(log_id(origin))
    assert held is not None
    names = [each.name for each in held.lines]
    assert sorted(names) == sorted({origin, "witness.example/f", "witness.example/f/recomputed"})
    assert parse_checkpoint(held.text) == kept.checkpoint


def test_a_second_chain_from_one_keystore_is_another_log(ledger: Ledger) -> None:
    point = make_checkpoint(ledger).checkpoint
    genesis = ledger.node.request("eth_getBlockByNumber", "0x0", False)["hash"]
    assert point.origin.endswith("/" + genesis[2:])
    with pytest.raises(Misconfigured, match="is not a node of the chain"):
        Recomputer(
            ledger.node,
            type(ledger.deployment)(**{**ledger.deployment.to_json(), "genesis_hash": "0x" + "00" * 32}),
        )


GREW = {
    "a log that moved no head": {"size": 7},
    "facts about authorities under the same root": "facts",
    "assessments under the same root": {"assessments": 2},
    "objections under the same root": {"objections": 9},
}


@pytest.mark.parametrize("what", GREW)
def test_what_grew_under_the_same_root_is_a_fork(ledger: Ledger, what: str) -> None:
    true = make_checkpoint(ledger).checkpoint
    said = true.statement
    assert said is not None
    assert said.objections is not None
    later: dict[str, Any] = {"block": said.block._replace(number=said.block.number + 1, hash=b"n" * 32)}
    new = true
    if what == "a log that moved no head":
        new = true._replace(size=true.size + 5, root=b"z" * 32)
    elif GREW[what] == "facts":
        later["authorities"] = said.authorities._replace(facts=said.authorities.facts + 3)
    elif "assessments" in GREW[what]:
        later["assessments"] = said.assessments._replace(many=9)
    else:
        later["objections"] = said.objections._replace(many=9)
    with pytest.raises(Forked, match="grew"):
        check_successor(true, changed(new, **later))


@pytest.mark.parametrize("wrong", ["ten years ahead", "the year 2999", "before its block"])
def test_a_time_to_come_or_before_the_block_is_cosigned_by_nobody(
    ledger: Ledger, follower: Witness, plain: Witness, said: list[str], wrong: str
) -> None:
    """So a wrong clock at one signing binds nobody to it."""
    true = make_checkpoint(ledger).checkpoint
    assert true.statement is not None
    time_ = {
        "ten years ahead": int(time.time()) + 10 * 365 * 86_400,
        "the year 2999": LATEST,
        "before its block": true.statement.block.time - EARLY - 1,
    }[wrong]
    for each in (follower, plain):
        answer = ask(ledger, each, changed(true, time=time_))
        assert answer.status == 503
        expected = f"{EARLY + 1} seconds before its block" if "block" in wrong else f"signed at {time_}"
        assert expected in answer.body.decode()
        assert ask(ledger, each, true).status == 200
    assert not said


def test_lines_that_were_not_recomputed_are_not_cosigned_as_if_they_were(
    ledger: Ledger, follower: Witness, plain: Witness, said: list[str]
) -> None:
    kept = make_checkpoint(ledger)
    text = kept.note.text + "erratum the heads above leave out GACC-3; recomputed and agreed\n"
    body = request_body(0, [], Note(text, (operator_key(ledger).sign(text),)))
    answer = follower.add_checkpoint(body, int(time.time()))
    assert (answer.status, b"erratum the heads" in answer.body) == (403, True), answer
    assert plain.add_checkpoint(body, int(time.time())).status == 200, (
        "C2SP: a witness of the log lets them be"
    )
    assert not said


def test_a_clock_set_back_is_no_fork(ledger: Ledger, plain: Witness, said: list[str]) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert true.statement is not None
    ahead = changed(true, time=true.statement.time + 40 * 86_400)
    assert ask(ledger, plain, ahead, ahead=40 * 86_400).status == 200  # its own clock was ahead, too
    block = true.statement.block._replace(number=true.statement.block.number + 1, hash=b"n" * 32)
    answer = ask(ledger, plain, changed(true, block=block), true.size)
    assert (answer.status, b"is cosigned already" in answer.body) == (409, True)
    assert not said


@pytest.mark.parametrize(("days", "says"), [(3650, "one of the two is wrong"), (-3, "sign it now")])
def test_what_is_signed_at_another_time_than_it_is_here_is_not_cosigned(
    ledger: Ledger, plain: Witness, days: int, says: str
) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert true.statement is not None
    answer = ask(ledger, plain, changed(true, time=true.statement.time + days * 86_400))
    assert (answer.status, says in answer.body.decode()) == (503, True)
    assert ask(ledger, plain, true).status == 200  # nothing of the other was kept


def test_a_lie_that_was_kept_is_not_written_over(ledger: Ledger, follower: Witness, tmp_path: Path) -> None:
    true = make_checkpoint(ledger).checkpoint
    lie = changed(true, assessments=Counted(2, b"s" * 32))
    assert ask(ledger, follower, lie).status == 409
    (path,) = (tmp_path / "follower").glob(f"{log_id(true.origin)}.differs.*")
    kept = path.read_text()
    assert lie.text() in kept
    text = true.text()
    wrong = request_body(0, [b"x" * 32], Note(text, (operator_key(ledger).sign(text),)))
    assert follower.add_checkpoint(wrong, int(time.time())).status == 422
    assert ask(ledger, follower, changed(true, assessments=Counted(3, b"t" * 32))).status == 409
    assert path.read_text() == kept


def test_a_fork_is_heard_though_it_cannot_be_kept(
    ledger: Ledger, plain: Witness, said: list[str], tmp_path: Path
) -> None:
    true = make_checkpoint(ledger).checkpoint
    assert ask(ledger, plain, true).status == 200
    (tmp_path / "w" / f".{log_id(true.origin)}.fork.{os.getpid()}.new").mkdir()
    assert ask(ledger, plain, true._replace(root=bytes(32)), true.size).status == 409
    assert "FORK" in said[0]
    assert "cannot be written" in said[1]


def test_a_lost_second_key_is_not_made_anew(ledger: Ledger, follower: Witness, tmp_path: Path) -> None:
    assert ask(ledger, follower, make_checkpoint(ledger).checkpoint).status == 200
    (tmp_path / "follower" / "recomputed.key").unlink()
    with pytest.raises(Misconfigured, match=r"recomputed\.key is missing"):
        open_witness(
            tmp_path / "follower",
            "witness.example/f",
            [operator_key(ledger).verifier],
            lambda _: None,
            [Recomputer(ledger.node, ledger.deployment)],
        )
