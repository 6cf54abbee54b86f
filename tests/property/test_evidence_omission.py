"""Random omission: from honest files, anything left out, reordered, or mixed from two times or two ledgers.

A forger takes honest evidence about two ledgers, each at two times, and changes it at random; where he likes he
makes heads and proofs anew, which whoever has the ledger can. What is then accepted as complete must be true: the
truth is computed here from the facts themselves, by means that share nothing with the verifier.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import os
import random
import struct
from typing import Any

from evidence_histories import LEDGERS, STEPS, WITNESSES, check_true, grown, honest, log_key
from evidence_sample import (
    CARD,
    resealed,
    tree_of,
    trees_of,
)
from honest_chain import GENESIS, TODAY
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.report_text import claims_text
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.crypto.multiproof import multi_proof
from ledger.domain import facts
from ledger.domain.calendar import iso, to_day
from ledger.domain.records import Posted
from ledger.errors import BadProof
from ledger.scoring.score import score

# ---------------------------------------------------------------- the forger


STATED = ("chain_id", "genesis", "contract", "block", "checkpoint", "assessments")


def take_over(content: dict[str, Any], ledger: int, steps: int) -> None:
    """The whole genuine statement of a ledger at one of its times, over whatever is shown."""
    genuine = honest(ledger, steps, 1)
    content |= {key: copy.deepcopy(genuine[key]) for key in STATED}
    for key in ("tree", "heads", "objections", "authorities"):
        kept = {name: each for name, each in content[key].items() if name in ("proof", "shown")}
        content[key] = copy.deepcopy(genuine[key]) | kept


def mend(content: dict[str, Any], ledger: int, steps: int) -> None:
    """Heads that follow from the runs shown, and proofs from a whole ledger at one of its times."""
    chain = grown(ledger, steps)
    heads = {f.leaf_index: f.head for f in chain.facts if isinstance(f, facts.Run)}
    trees, leaves, numbers = trees_of(chain), list[int](), list[int]()
    for subject in content["subjects"]:
        shown = [run["leaf_index"] for run in subject["runs"] if run["leaf_index"] in heads]
        if shown:
            subject["head"] = heads[max(shown)].hex()
        leaves += shown
        numbers.append(subject["enterprise"])
    inside = [each - 1 for each in numbers if each <= len(chain.heads)]
    told = [each["authority"] - 1 for each in content["authorities"]["shown"]]
    content["tree"]["proof"] = text(multi_proof(tree_of(chain), leaves))
    content["heads"]["proof"] = text(multi_proof(trees.heads, inside))
    content["objections"]["proof"] = text(multi_proof(trees.objections, inside))
    content["authorities"]["proof"] = text(multi_proof(trees.authorities, told))


def text(hashes: list[bytes]) -> str:
    return base64.b64encode(b"".join(hashes)).decode()


def lists_in(content: dict[str, Any]) -> list[list[Any]]:
    found = [content["subjects"], content["authorities"]["shown"]]
    for each in content["subjects"]:
        found += [each["runs"], each["objections"], each["documents"]]
    return found + [each["events"] for each in content["authorities"]["shown"]]


def change(content: dict[str, Any], other: dict[str, Any], chance: random.Random) -> None:
    """One omission, reordering, repetition or exchange; or one word of the file's own, changed."""
    some = [each for each in lists_in(content) if each]
    runs = [each for each in content["subjects"] if each["runs"]]
    kind = chance.randrange(14)
    if kind <= 2 and some:
        one = chance.choice(some)
        del one[chance.randrange(len(one)) :: chance.choice([1, 1000])]
    elif kind == 3 and some:
        chance.shuffle(chance.choice(some))
    elif kind == 4:
        key = chance.choice([k for k in content if k not in ("format", "digest")])
        if key in other:
            content[key] = copy.deepcopy(other[key])
    elif kind == 5:
        content.pop(chance.choice(["score", "checkpoint", "cards"]), None)
    elif kind == 6 and content["subjects"] and other["subjects"]:
        where = chance.randrange(len(content["subjects"]) + 1)
        content["subjects"].insert(where, copy.deepcopy(chance.choice(other["subjects"])))
    elif kind == 7 and content["subjects"] and other["subjects"]:
        part = chance.choice(["runs", "objections", "documents", "head", "identity"])
        source = chance.choice(other["subjects"])
        if part in source:
            chance.choice(content["subjects"])[part] = copy.deepcopy(source[part])
    elif kind == 8 and some:
        one = chance.choice(some)
        one.insert(chance.randrange(len(one) + 1), copy.deepcopy(chance.choice(one)))
    elif kind == 9 and runs:
        to = chance.choice(content["subjects"])["runs"]
        to.insert(chance.randrange(len(to) + 1), chance.choice(runs)["runs"].pop())
    elif kind == 10 and runs:
        run = chance.choice(chance.choice(runs)["runs"])
        block, log, moment, key = run.get("at", "1-1-1-1").split("-")
        block, moment = int(block) + chance.choice([0, 0, 1, -3]), int(moment) + chance.choice([0, 1, -1, 12])
        run["at"] = f"{block}-{log}-{moment}-{chance.choice([key, '0', '1'])}"
    elif kind == 11:
        withhold(content, chance)
    elif kind == 12:
        reword(content, chance)
    elif "score" in content and content["subjects"]:
        move_day(content, chance)


def reword(content: dict[str, Any], chance: random.Random) -> None:
    """Another text in a document, a document under another record, another party's name."""
    documents = [each for subject in content["subjects"] for each in subject["documents"]]
    identities = [each["identity"] for each in content["subjects"] if "identity" in each]
    if documents and chance.random() < 0.7:
        one = chance.choice(documents)
        one |= {"content": '{"document":"none"}'} if chance.random() < 0.5 else {"record": "1-1"}
    elif identities:
        chance.choice(identities)["party_key"] = "name:CN:firm 1"


def withhold(content: dict[str, Any], chance: random.Random) -> None:
    """What a file may leave out, as an honest one does: an identity, documents, linked names, or all of authorities."""
    kind = chance.randrange(4)
    if kind == 0 and content["subjects"]:
        chance.choice(content["subjects"]).pop("identity", None)
    elif kind == 1 and content["subjects"]:
        documents = chance.choice(content["subjects"])["documents"]
        documents[:] = [each for each in documents if chance.random() < 0.5]
    elif kind == 2:
        del content["subjects"][1:]
        content.pop("score", None)
        content.pop("cards", None)
    else:
        content["authorities"]["shown"] = []
        for run in (run for each in content["subjects"] for run in each["runs"]):
            run.pop("at", None)


def move_day(content: dict[str, Any], chance: random.Random) -> None:
    """A score of another day."""
    content["score"]["as_of"] = iso(TODAY - chance.randint(-2, 400))
    rescore(content, chance)


def rescore(content: dict[str, Any], chance: random.Random) -> None:
    """The score that the records shown would give, all of them or those of the first subject alone."""
    day = to_day(content["score"]["as_of"])
    posted = [each for subject in content["subjects"] for run in subject["runs"] for each in _unpacked(run)]
    first, everybody = content["subjects"][0]["enterprise"], chance.random() < 0.5
    found = score([each for each in posted if each.enterprise == first or everybody], CARD, day)
    content["score"] |= {"milli": found.milli, "grade": found.grade}


def _unpacked(run: dict[str, Any]) -> list[Posted]:
    authority, number = map(int, run["first"].split("-"))
    raw = base64.b64decode(run["records"])
    return [
        Posted((authority << 48) + number + at // 64, *struct.unpack(">QHBIIQ5x32s", raw[at : at + 64]))
        for at in range(0, len(raw), 64)
    ]


PICKS = st.tuples(st.sampled_from(LEDGERS), st.sampled_from(STEPS), st.integers(1, 5))


READER = Trusted(keys=[log_key(1).verifier, *(each.verifier for each in WITNESSES)])


def accepted(
    one: tuple[int, int, int], two: tuple[int, int, int], changes: int, mended: bool, seed: int
) -> bool:
    """Forge one file. Whether it was accepted; all that is then printed is true."""
    content, other = copy.deepcopy(honest(*one)), honest(*two)
    chance = random.Random(seed)
    for _ in range(changes):
        change(content, other, chance)
    if mended and content["subjects"]:
        with contextlib.suppress(BadProof, KeyError):
            place = chance.choice([one, two])[:2]
            if chance.random() < 0.5:
                take_over(content, *place)
            mend(content, *place)
    if mended and content["subjects"] and "score" in content:
        rescore(content, chance)
    try:
        verdict = verify_evidence(resealed(content), READER)
    except BadProof:
        assert changes or mended or one[0] == 2, "an honest file of the reader's own ledger holds"
        return False
    assert verdict.vouched.complete, "with these keys a file is complete or refused"
    check_true(verdict, content)
    return changes > 0


#: More on a quiet machine: EVIDENCE_EXAMPLES=20000 pytest tests/property/test_evidence_omission.py
EXAMPLES = int(os.environ.get("EVIDENCE_EXAMPLES", "1500"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(PICKS, PICKS, st.integers(0, 4), st.booleans(), st.integers(0, 2**32))
def test_what_is_accepted_as_complete_is_true(
    one: tuple[int, int, int], two: tuple[int, int, int], changes: int, mended: bool, seed: int
) -> None:
    accepted(one, two, changes, mended, seed)


def test_enough_is_accepted_that_was_changed() -> None:
    """Or it would be of refusals alone that the test above tells."""
    many = sum(
        accepted((1, STEPS[n % 2], 1 + n % 5), (1 + n % 2, STEPS[0], 1), 2, n % 3 > 0, n) for n in range(200)
    )
    assert many > 10


def test_honest_files_hold_and_are_true() -> None:
    printed = ""
    for ledger in LEDGERS:
        keys = [log_key(ledger).verifier, *(each.verifier for each in WITNESSES)]
        for steps in STEPS:
            for enterprise in range(1, 6):
                data = resealed(copy.deepcopy(honest(ledger, steps, enterprise)))
                verdict = verify_evidence(data, Trusted(keys=keys))
                assert verdict.vouched.complete
                check_true(verdict, honest(ledger, steps, enterprise))
                printed += claims_text(verdict)
    # What there is to say is said somewhere, or the oracle would not be asked.
    said = (
        "its correction is missing",
        "upheld, by 0x",
        "rejected",
        "open",
        "suspended",
        "four eyes",
        "declared compromised",
    )
    assert not [each for each in said if each not in printed]
    assert grown(1, STEPS[0]).facts == grown(1, STEPS[1]).facts[: len(grown(1, STEPS[0]).facts)]
    assert grown(1, STEPS[1]).now > GENESIS
