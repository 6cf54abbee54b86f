"""What a reader gives, what a file has, and the verdict: the whole table, and every condition that it rests on."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from evidence_reader import CHAIN, KEY, READERS, Told, forged, made
from evidence_sample import (
    CARD,
    LOG_KEY,
    PLACE,
    RECOMPUTED,
    SIGNER,
    WITNESSES,
    authorities_of,
    checkpoint_of,
    placed,
    resealed,
    sample_chain,
    score_of,
    subject_of,
    tree_of,
    trees_of,
)
from honest_chain import CODES, TODAY, key_of

import ledger.scoring.cards as cards_module
from ledger.audit.command import report
from ledger.audit.completeness import NodeSays
from ledger.audit.evidence import Attached, build_evidence
from ledger.audit.verifier import Trusted
from ledger.chain.accounts import address_of
from ledger.crypto.checkpoints import BlockLine, Checkpoint
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.crypto.notes import Note, parse_note
from ledger.domain import facts
from ledger.domain.calendar import iso
from ledger.errors import BadValue, ChainUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

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
        "the log, objections, authorities and assessments:": complete and not by_witnesses,
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
    assert "the log, objections, authorities and assessments: only the operator vouches for it" in told.text
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


# ---------------------------------------------------------------- what a forger without keys makes a verdict say


EVIL = bytes([9]) * 32
#: What stands behind, or before, all that nobody vouches for.
HEDGES = ("NOT proven", "as the file says", "that the file says", "which the file calls")


def forged_around_true_heads(checkpoint: str | None) -> bytes:
    """The true heads, and all else made up: a larger log, another code, another key that signs, a compromise."""
    chain = sample_chain()
    evil, facts_ = address_of(EVIL).lower(), list[Any]()
    for fact in chain.facts:
        if isinstance(fact, facts.AuthorityAdded) and fact.authority == 1:
            facts_.append(fact._replace(code="PBOC"))
        elif isinstance(fact, facts.KeySet | facts.BatchRecorded) and fact.key == SIGNER:
            facts_.append(fact._replace(key=evil))
        else:
            facts_.append(fact)
    chain.facts = facts_
    chain.compromise(1, key_of(1), 0)
    log = [leaf_hash(leaf_data(f.enterprise, f.head)) for f in chain.facts if isinstance(f, facts.Run)]
    tree = Tree([*log, *(leaf_hash(b"made up %d" % n) for n in range(123_456))])
    subjects = [placed(chain, each) for each in (1, 5)]
    attached = Attached(authorities_of(chain), score_of(CHAIN), None, checkpoint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.audit.evidence.verify_evidence", lambda *_: None)
        return build_evidence(PLACE, subjects, tree, trees_of(chain), None, attached)


@pytest.mark.parametrize("node", ["", "node", "pruned node"])
def test_what_a_forger_made_up_stands_nowhere_unhedged(capsys: pytest.CaptureFixture[str], node: str) -> None:
    """Every line of every verdict: what the forger made up is named as the file's word, or not at all."""
    data = forged_around_true_heads(None)
    evil = address_of(EVIL).lower()
    met = 0
    for given in GIVEN:
        told = Told(capsys, data, quorum=0, **options(given, node))
        if "does NOT hold" in told.text:
            assert "log" in given, "whoever has the log's key sees that it did not sign"
            continue
        met += 1
        claims = told.text.partition("not proven 未证明:")[0].split("\n")
        made_up = ("PBOC", "1970", evil, "123,470", "since 19")
        block = "block 99,", "chain 31337"
        for line in claims:
            if any(each in line for each in made_up) and not any(each in line for each in HEDGES):
                assert line.startswith("    key "), line
            if line.startswith(tuple(f"  {each}" for each in block)) and not node:
                assert any(each in line for each in HEDGES), line
        assert "GACC-" not in told.text, "a code that nobody vouches for names no record"
        assert "  1, which the file calls PBOC" in told.text
        log = [each for each in claims if each.startswith("  log of")]
        assert all("NOT proven" in each for each in log)
        assert ("complete record of number 1" in told.text) is bool(node)
        if not node:
            assert "name:CN:firm 1; by the file alone, NOT proven" in told.text
    assert met == len([each for each in GIVEN if "log" not in each])


def test_every_line_of_an_honest_file_under_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Of one file: whoever vouches for more, more lines lose their hedge, and none says another thing."""
    whole = Told(capsys, FILES[SIGNED[3]], **options("log, recomputed", "")).text
    assert "by the file alone" not in whole
    assert not [each for each in whole.split("\n") if "NOT proven" in each]
    operator = Told(capsys, FILES[SIGNED[3]], **options("log", "")).text
    nobody = Told(capsys, FILES[SIGNED[3]], **options("nothing", "node")).text
    for less in (operator, nobody):
        for line in less.partition("\n\n")[2].partition("not proven 未证明:")[0].split("\n"):
            bare = line.partition("; by the file alone")[0].partition("  NOT proven")[0]
            for number, code in CODES.items():
                bare = re.sub(rf"(^|[ (]){number}-(\d+)\b(?=  | |,|$)", rf"\g<1>{code}-\2", bare)
            bare = " ".join(bare.split())
            known = " ".join(whole.split())
            hedged = any(each in line for each in (*HEDGES, "NOT proven"))
            assert bare in known or hedged or "EARLIER" in line, line


def test_a_score_by_a_card_that_another_one_has_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    """Which cards are registered is under no root: a newer one that the reader does not know stays unknown."""
    told = Told(capsys, FILES[SIGNED[3]], **options("log, recomputed", ""))
    card = CARD.hash.hex()[:16]
    assert f"that card {card} is the one in force: which are registered no file shows" in told.text


def test_the_day_of_a_node_is_called_that(capsys: pytest.CaptureFixture[str]) -> None:
    now = BlockLine(900, b"n" * 32, PLACE.block_time + 90 * 86_400)
    later = options("log, recomputed", "") | {"node": lambda *a: node_at(*a)._replace(block=now)}
    told = Told(capsys, FILES[SIGNED[3]], **later).text
    assert f"EARLIER than the day of your node's block {iso(TODAY + 90)}" in told
    assert "the signed day" not in told


def test_each_signer_has_its_own_time(capsys: pytest.CaptureFixture[str]) -> None:
    """A witness's clock hours behind, or at 0: the operator's line and the headline are the operator's."""
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    for late, said in ((PLACE.block_time - 7200, "T13:13:20Z"), (0, "1970-01-01T00:00:00Z")):
        lines = (LOG_KEY.sign(text), RECOMPUTED[0].sign(text, late), RECOMPUTED[1].sign(text, 1_790_003_720))
        told = Told(capsys, made(CHAIN, checkpoint=str(Note(text, lines)))).text
        headline = told.split("\n")[1]
        assert f"signed 2026-09-21T15:14:20Z by {LOG_KEY.name}" in headline
        assert headline.endswith(f", the oldest of them at {said}") or said in headline
        assert f"signed by {LOG_KEY.name} at 2026-09-21T23:14:20+08:00" in told
        shown = "2026-09-21T21:13:20+08:00" if late else "1970-01-01T08:00:00+08:00"
        assert f"signed by {RECOMPUTED[0].name} at {shown}" in told


def test_two_cards_of_one_day_refuse_no_honest_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Cards of two ledgers, both known to the reader."""
    source = Path(cards_module.__file__).with_name("card-2026-04-01.toml").read_text(encoding="utf-8")
    files = []
    for name in ("A", "B"):
        text = source.replace("effective_on = 2026-04-01", "effective_on = 2026-07-01")
        text = re.sub(r'(?m)^name = "[^"]*"', f'name = "Card {name}"', text, count=1)
        (tmp_path / name).write_text(text, encoding="utf-8")
        files.append(str(tmp_path / name))
    told = Told(capsys, FILES[SIGNED[3]], cards=files, **options("log, recomputed", ""))
    assert told.code == 0
    assert "not the card in force on that day: Card A or Card B is, since 2026-07-01" in told.text
    early = made(CHAIN, score_day=TODAY - 1)
    assert Told(capsys, early, cards=files, **options("log, recomputed", "")).code == 0


def test_a_key_with_a_line_end_is_one_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadValue, match="more than the 2 witnesses"):
        Told(capsys, FILES[SIGNED[3]], keys=[KEY + "\n"], witnesses=READERS, quorum=3)


@pytest.mark.parametrize(
    "where",
    [
        lambda it: it["subjects"][0]["objections"][0].update(at="1-0-999999999999999999"),
        lambda it: it["subjects"][0]["runs"][0].update(at="1-0-999999999999999999-0"),
        lambda it: it["authorities"]["shown"][0]["events"][-1].update(at="98-0-999999999999999999"),
        lambda it: it["block"].update(time=2**62),
    ],
    ids=["objection", "run", "authority", "block"],
)
def test_a_time_beyond_the_calendar_is_malformed(
    capsys: pytest.CaptureFixture[str], where: Callable[[dict[str, Any]], object]
) -> None:
    data = forged(where)
    Told(capsys, data).refused("malformed: ")
    code = report(data, Trusted(), "-", as_json=True, allow_incomplete=False)
    printed = json.loads(capsys.readouterr().out)
    assert (code, printed["ok"], printed["rule"]) == (1, False, "malformed")


def test_a_node_that_does_not_answer_is_told_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    def silent(*_: object) -> NodeSays:
        raise ChainUnavailable("http://mine does not answer \x1b[8m")

    trusted = Trusted(node=silent)
    code = report(FILES[""], trusted, "-", as_json=True, allow_incomplete=False)
    out = capsys.readouterr().out
    printed = json.loads(out)
    assert "\x1b" not in out
    assert (code, printed["ok"], printed["rule"]) == (1, False, ChainUnavailable.code)
    with pytest.raises(ChainUnavailable):
        report(FILES[""], trusted, "-", as_json=False, allow_incomplete=False)
