"""What a reader gives, what a file has, and the verdict: the whole table, and every condition that it rests on."""

from __future__ import annotations

import json
from itertools import product

import pytest
from evidence_reader import CHAIN, KEY, READERS, Told, made
from evidence_sample import (
    LOG_KEY,
    PLACE,
    RECOMPUTED,
    WITNESSES,
    authorities_of,
    checkpoint_of,
    placed,
    resealed,
    score_of,
    subject_of,
    tree_of,
    trees_of,
)
from honest_chain import TODAY

from ledger.audit.completeness import NodeSays
from ledger.audit.evidence import Attached, build_evidence
from ledger.crypto.checkpoints import BlockLine, Checkpoint
from ledger.crypto.notes import Note, parse_note
from ledger.domain.calendar import iso

#: What the reader may give beside a node, and who may have signed the file.
GIVEN = ("nothing", "log", "plain", "recomputed", "log, plain", "log, recomputed")
SIGNED = ("", "log", "log, plain", "log, plain, recomputed", "plain, recomputed", "other make")
#: R refused; N nothing is signed; U somebody's word without the log's own; I signed and incomplete; C complete.
VERDICTS = {
    #                   ""   log  lp   lpr  pr   other
    "nothing":         "N    N    N    N    N    N",
    "log":             "R    I    I    I    R    I",
    "plain":           "R    R    U    U    U    U",
    "recomputed":      "R    R    R    U    U    U",
    "log, plain":      "R    R    I    I    R    I",
    "log, recomputed": "R    R    R    C    R    I",
}  # fmt: skip
#: The same, where the reader asks for none of the witnesses whose keys are given.
QUORUM_0 = {
    "nothing":         "N    N    N    N    N    N",
    "log":             "R    I    I    I    R    I",
    "plain":           "U    U    U    U    U    U",
    "recomputed":      "U    U    U    U    U    U",
    "log, plain":      "R    I    I    I    R    I",
    "log, recomputed": "R    I    I    I    R    I",
}  # fmt: skip
#: Exit codes: as it is, and with --allow-incomplete. A node of the reader's own completes what is not refused.
EXITS = {"R": (1, 1), "N": (1, 1), "U": (1, 1), "I": (1, 0), "C": (0, 0)}
PLAIN = str(WITNESSES[0].verifier)


def signed_by(whom: str) -> bytes:
    """The honest file with these signatures."""
    if not whom:
        return made(CHAIN, checkpoint=None)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    if whom == "other make":
        text, whom = Checkpoint(LOG_KEY.name, CHAIN.log.size, CHAIN.log.root()).text(), SIGNED[3]
    lines = [LOG_KEY.sign(text)] if "log" in whom else []
    lines += [WITNESSES[0].sign(text, 1_790_003_720)] if "plain" in whom else []
    lines += [each.sign(text, 1_790_003_720) for each in RECOMPUTED] if "recomputed" in whom else []
    return made(CHAIN, checkpoint=str(Note(text, tuple(lines))))


FILES = {whom: signed_by(whom) for whom in SIGNED}


def node_at(contract: bytes, numbers: list[int], stated: int, has: bool = True) -> NodeSays:
    """An answer of an honest node, a minute after the file's block."""
    assert (contract, stated) == (PLACE.contract, PLACE.block_number)
    latest = BlockLine(104, b"n" * 32, PLACE.block_time + 60)
    heads = {each: CHAIN.heads[each] for each in numbers}
    block = BlockLine(*PLACE[3:]) if has else None
    return NodeSays("http://mine", PLACE.chain_id, PLACE.genesis, True, latest, heads, block)


def options(given: str, node: str) -> dict[str, object]:
    """What the command line would be given."""
    witnesses = ([PLAIN] if "plain" in given else []) + (READERS if "recomputed" in given else [])
    asked = {"": None, "node": node_at, "pruned node": lambda *a: node_at(*a, has=False)}[node]
    return {"keys": [KEY] if "log" in given else [], "witnesses": witnesses, "node": asked}


@pytest.mark.parametrize("node", ["", "node", "pruned node"])
@pytest.mark.parametrize(("quorum", "table"), [(None, VERDICTS), (0, QUORUM_0)], ids=["all", "quorum 0"])
def test_what_is_given_and_what_is_signed_make_the_verdict(
    capsys: pytest.CaptureFixture[str], quorum: int | None, table: dict[str, str], node: str
) -> None:
    for given, row in table.items():
        for whom, verdict in zip(SIGNED, row.split(), strict=True):
            expected = "C" if node and verdict != "R" else verdict
            here = f"given: {given or 'nothing'} {node}; signed: {whom or 'nothing'}"
            told = Told(capsys, FILES[whom], quorum=quorum, **options(given, node))
            allowed = Told(capsys, FILES[whom], quorum=quorum, allow_incomplete=True, **options(given, node))
            assert (told.code, allowed.code) == EXITS[expected], here
            assert ("does NOT hold" in told.text) == (expected == "R"), here
            assert ("nothing here is signed" in told.text) == (expected == "N"), here
            assert ("complete record of number" in told.text) == (expected == "C"), here
            if expected != "R":
                check_conditions(told.text, given, whom, node, verdict == "C", expected == "C", here)


def check_conditions(
    text: str, given: str, whom: str, node: str, by_witnesses: bool, complete: bool, here: str
) -> None:
    """Each sentence that a verdict rests on stands there if, and only if, it rests on it."""
    conditions = text.partition("not proven 未证明:")[2]
    log_says = "log" in given and whom not in ("", "plain, recomputed")
    expected = {
        "is the ledger you mean: no key of it says so": not log_says,
        "is your own: one that the operator runs": bool(node),
        "not checked: block 99: your node http://mine has none": node == "pruned node",
        "stand apart from the operator, each with a node of its own": by_witnesses,
        "objections, authorities and assessments:": complete and not by_witnesses,
        "NOT proven complete": not complete and given != "nothing",
        "a firm has one number only": True,
        "when, where and by which key a record was written": True,
    }
    assert {each: each in conditions for each in expected} == expected, here


CONTENT = list(product([True, False], repeat=3))


@pytest.mark.parametrize(("identity", "authorities", "card"), CONTENT)
@pytest.mark.parametrize("node", ["", "node"])
def test_what_a_file_does_not_hold_is_said(
    capsys: pytest.CaptureFixture[str], identity: bool, authorities: bool, card: bool, node: str
) -> None:
    subject = placed if authorities else subject_of
    parts = [subject(CHAIN, each, **({} if identity else {"identity": None})) for each in (1, 5)]
    shown = authorities_of(CHAIN) if authorities else []
    attached = Attached(shown, score_of(CHAIN), None, checkpoint_of(CHAIN))
    content = json.loads(build_evidence(PLACE, parts, tree_of(CHAIN), trees_of(CHAIN), None, attached))
    if not card:
        other = json.loads(content["cards"][0]["canonical"]) | {"name": "Another"}
        text = json.dumps(other, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        from hashlib import sha256

        content["cards"][0]["canonical"] = text
        content["score"]["card"] = sha256(text.encode()).hexdigest()
    told = Told(capsys, resealed(content), **options("log, recomputed", node))
    assert told.code == 0
    conditions = told.text.partition("not proven 未证明:")[2]
    expected = {
        "which firm number 1 is: not shown": not identity,
        "which firm number 5 is: not shown": not identity,
        "who wrote the records, and whether they might": not authorities,
        "when, where and by which key a record was written": authorities,
        "a score by card": not card,
        "is your own: one that the operator runs": bool(node),
    }
    assert {each: each in conditions for each in expected} == expected


# ---------------------------------------------------------------- a node of the reader's own


def test_a_signed_block_that_the_node_has_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    """A whole second chain, signed and cosigned: the heads may be the same, the block is not."""
    for other in (BlockLine(99, b"o" * 32, PLACE.block_time), BlockLine(99, PLACE.block_hash, 1_790_000_001)):
        asked = options("log, recomputed", "") | {"node": lambda *a, o=other: node_at(*a)._replace(stated=o)}
        told = Told(capsys, FILES[SIGNED[3]], **asked)
        told.refused(f"not-as-trusted: block 99 is {other.hash.hex()} at your node, made at {other.time}")


def test_a_score_of_a_day_after_the_nodes_block(capsys: pytest.CaptureFixture[str]) -> None:
    """With a node and no signature, its block's day is the last that anybody vouches for."""
    data = made(CHAIN, checkpoint=None, score_day=TODAY + 1)
    Told(capsys, data, **options("nothing", "node")).refused(
        f"day-to-come: the score is of {iso(TODAY + 1)}, and nobody vouches for a day after {iso(TODAY)}"
    )
    assert Told(capsys, data, **options("nothing", "")).code == 1


def test_what_only_the_operator_signed_stays_so_beside_a_node(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, FILES["log"], **options("log", "node"))
    assert told.code == 0
    assert "objections, authorities and assessments: only the operator vouches for it" in told.text
    objections = [each for each in told.text.split("\n") if each.startswith("  objection 异议")]
    assert objections
    assert all(each.endswith("NOT proven") for each in objections)
    assert "as the file says, NOT proven" in told.text


def test_a_file_is_as_old_as_its_block_or_the_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    """Signed long after its block, a statement says what was so at its block."""
    late = made(CHAIN, checkpoint=checkpoint_of(CHAIN, time=PLACE.block_time + 40 * 86_400))
    bound = {"not_older_than": "2026-09-22"}
    Told(capsys, late, **bound, **options("log, recomputed", "")).refused("too-old: it says what was so at")
    Told(capsys, late, **bound, **options("log", "")).refused("too-old: it says what was so at")
    Told(capsys, late, **bound, **options("nothing", "")).refused("nobody whose key was given says of when")
    now = BlockLine(900, b"n" * 32, PLACE.block_time + 50 * 86_400)
    later = options("log", "") | {"node": lambda *a: node_at(*a)._replace(block=now)}
    assert Told(capsys, late, **bound, **later).code == 0, "the node has the same heads today"
