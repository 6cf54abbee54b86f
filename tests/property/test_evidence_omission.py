"""Random omission: from honest files, anything left out, reordered, or mixed from two times or two ledgers.

A forger takes honest evidence about two ledgers, each at two times, and changes it at random; where he likes he
makes heads and proofs anew, which whoever has the ledger can. What is then accepted as complete must be true: the
truth is computed here from the facts themselves, by means that share nothing with the verifier.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import random
import struct
from functools import lru_cache
from typing import Any, NamedTuple

from evidence_sample import (
    CARD,
    CONTENT,
    SALT,
    authorities_of,
    object_to,
    placed,
    posted_of,
    resealed,
    tree_of,
    trees_of,
)
from honest_chain import FOREVER, GENESIS, TODAY, Chain, key_of, party_of, record
from hypothesis import given, settings
from hypothesis import strategies as st
from test_scoring_reference import reference_score

from ledger.audit.claims import claims_dict
from ledger.audit.evidence import Attached, EvidenceScore, StatedPlace, build_evidence
from ledger.audit.links import partners
from ledger.audit.report_text import claims_text
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.crypto.checkpoints import Authorities, BlockLine, Checkpoint, Counted, Statement, origin_of
from ledger.crypto.commitments import commit
from ledger.crypto.hashing import keccak256
from ledger.crypto.multiproof import multi_proof
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey
from ledger.domain import facts
from ledger.domain.calendar import iso
from ledger.domain.records import Posted
from ledger.errors import BadProof
from ledger.scoring.score import score

WITNESSES = [SigningKey(f"witness.example/{n}/recomputed", COSIGNATURE, bytes([n]) * 32) for n in (1, 2)]
STEPS = (14, 22)
LEDGERS = (1, 2)


def log_key(ledger: int) -> SigningKey:
    """Both ledgers are one operator's: one key, under the name of each log."""
    return SigningKey(origin_of(31337, bytes([ledger]) * 32, b"c" * 20), ED25519, b"l" * 32)


@lru_cache
def grown(ledger: int, steps: int) -> Chain:
    """A random history; with fewer steps, its beginning."""
    chance, chain = random.Random(ledger), Chain()
    for number in (1, 2, 3):
        chain.add_authority(number)
    chain.register(5)
    written: dict[int, list[tuple[int, int]]] = {1: [], 2: [], 3: []}
    linked: set[int] = set()
    for step in range(steps):
        authority, enterprise = chance.choice([1, 2, 3]), chance.randint(1, len(chain.heads))
        kind = chance.random()
        if kind < 0.1:
            chain.register()
        elif kind < 0.2 and enterprise not in linked and 1 not in (enterprise, *linked):
            linked.add(enterprise)
            chain.batch(1, [record(enterprise, 248, ref=1), record(1, 249, ref=enterprise)])
        elif kind < 0.35 and written[authority]:
            number, about = chance.choice(written[authority])
            object_to(chain, about, number, outcome=chance.choice([None, 1, 2, 3]))
        elif kind < 0.5 and written[authority]:
            number, about = chance.choice(written[authority])
            chain.batch(authority, [record(about, chance.choice([240, 241, 242, 243]), ref=number)])
        elif kind < 0.55:
            chain.set_key(authority, key_of(authority, step + 1), chain.now, FOREVER)
            chain.compromise(authority, key_of(authority, step + 1), chain.now)
        elif kind < 0.6:
            chain.suspend(authority)
            chain.suspend(authority, suspended=step % 2 == 0 and step > 20)
            chain.suspend(authority, suspended=False)
        else:
            types = {1: (1, 2, 4), 2: (21, 22), 3: (91,)}[authority]
            decided = TODAY - chance.randint(1, 500)
            made = record(
                enterprise, chance.choice(types), decided_on=decided, conduct_on=decided - 3,
                commitment=commit(SALT, CONTENT),
            )  # fmt: skip
            number = chain.batch(authority, [made])
            written[authority].append((number, enterprise))
    if steps == STEPS[-1]:
        chain.suspend(2)
        chain.compromise(1, key_of(1), GENESIS)
    return chain


def place_of(ledger: int, steps: int) -> StatedPlace:
    chain = grown(ledger, steps)
    block, made_at = chain.facts[-1].at.block_number + 1, chain.now + 12
    return StatedPlace(
        31337, bytes([ledger]) * 32, b"c" * 20, block, keccak256(b"%d %d" % (ledger, block)), made_at
    )


def checkpoint_of(ledger: int, steps: int) -> str:
    chain, place = grown(ledger, steps), place_of(ledger, steps)
    state = trees_of(chain).state()
    statement = Statement(
        BlockLine(*place[3:]),
        place.block_time + 60,
        Counted(state.enterprises, state.heads_root),
        Authorities(state.authorities, state.authority_facts, state.authorities_root),
        Counted(state.objection_facts, state.objections_root),
        Counted(state.assessments, state.assessments_root),
    )
    key = log_key(ledger)
    text = Checkpoint(key.name, chain.log.size, chain.log.root(), statement).text()
    lines = (key.sign(text), *(each.sign(text, place.block_time + 90) for each in WITNESSES))
    return str(Note(text, lines))


@lru_cache
def honest(ledger: int, steps: int, enterprise: int) -> dict[str, Any]:
    """The file that the product would make."""
    chain = grown(ledger, steps)
    everybody = set(chain.heads)
    shown = sorted(partners(posted_of(chain, everybody), enterprise, TODAY) - {enterprise})
    subjects = [placed(chain, each) for each in (enterprise, *shown)]
    subjects = [
        each._replace(
            documents={
                p.id: (SALT, CONTENT)
                for p in posted_of(chain, {each.enterprise})
                if p.commitment == commit(SALT, CONTENT)
            }
        )
        for each in subjects
    ]
    targets = slow_links(slow_posted(chain, everybody), TODAY)
    found = None
    if enterprise not in targets:
        names = {enterprise} | {name for name, code in targets.items() if code == enterprise}
        made = score(posted_of(chain, names), CARD, TODAY)
        found = EvidenceScore(TODAY, CARD, made.milli, made.grade)
    attached = Attached(authorities_of(chain), found, None, checkpoint_of(ledger, steps))
    data = build_evidence(place_of(ledger, steps), subjects, tree_of(chain), trees_of(chain), None, attached)
    return json.loads(data)


# ---------------------------------------------------------------- the truth, slowly


def slow_posted(chain: Chain, enterprises: set[int]) -> list[Posted]:
    found = []
    for fact in chain.facts:
        if isinstance(fact, facts.Run) and fact.enterprise in enterprises:
            for at in range(0, len(fact.records), 64):
                raw = fact.records[at : at + 64]
                enterprise, type_, severity, conduct, decided, ref = struct.unpack(">QHBIIQ", raw[:27])
                found.append(
                    Posted(
                        fact.first_id + at // 64, enterprise, type_, severity, conduct, decided, ref, raw[32:]
                    )
                )
    return found


def slow_links(posted: list[Posted], day: int) -> dict[int, int]:
    """Links of this history: always pairs by authority 1 to enterprise 1, revoked by authority 1 alone."""
    revoked = {p.ref for p in posted if p.type == 241 and p.decided_on <= day}
    to, back = ([p for p in posted if p.type == kind and p.decided_on <= day] for kind in (248, 249))
    return {
        one.enterprise: one.ref
        for one in to
        for other in back
        if (other.enterprise, other.ref) == (one.ref, one.enterprise) and not {one.id, other.id} & revoked
    }


class Truth(NamedTuple):
    chain: Chain

    def posted(self, *enterprises: int) -> list[Posted]:
        return slow_posted(self.chain, set(enterprises))

    def objections(self, enterprise: int) -> list[tuple[int, str]]:
        answers = {f.objection: f.outcome for f in self.chain.facts if isinstance(f, facts.ObjectionAnswered)}
        words = {0: "open", 1: "upheld", 2: "partly upheld", 3: "rejected"}
        return [
            (f.objection, words[answers.get(f.objection, 0)])
            for f in self.chain.facts
            if isinstance(f, facts.ObjectionOpened) and f.enterprise == enterprise
        ]

    def compromised(self, code: str, record_number: int, key: str) -> int | None:
        """Since when the key that wrote a record is declared compromised, if it is `key` and wrote after that."""
        number = next(
            f.authority for f in self.chain.facts if isinstance(f, facts.AuthorityAdded) and f.code == code
        )
        batch = next(
            f
            for f in self.chain.facts
            if isinstance(f, facts.BatchRecorded)
            and f.authority == number
            and f.first_number <= record_number < f.first_number + f.count
        )
        told = [
            f.from_
            for f in self.chain.facts
            if isinstance(f, facts.KeyCompromised)
            and (f.authority, f.key) == (number, batch.key)
            and batch.key == key
        ]
        return told[-1] if told and told[-1] <= batch.at.timestamp else None

    def suspended(self, code: str) -> bool:
        number = next(
            f.authority for f in self.chain.facts if isinstance(f, facts.AuthorityAdded) and f.code == code
        )
        told = [
            f.suspended
            for f in self.chain.facts
            if isinstance(f, facts.SuspensionSet) and f.authority == number
        ]
        return bool(told) and told[-1]

    def score(self, enterprise: int, day: int) -> tuple[int, str]:
        targets = slow_links(self.posted(*self.chain.heads), day)
        assert enterprise not in targets
        names = [enterprise, *(name for name, code in targets.items() if code == enterprise)]
        # The reference knows one enterprise: those of a name are its own.
        milli, grade, _ = reference_score(self.posted(*names), CARD, day, True)
        return milli, grade


def check_true(claims: dict[str, Any]) -> None:
    """Every printed claim, against the replay of the ledger that the claims name, at the block they name."""
    stated = claims["stated"]
    places = {(place_of(led, steps).genesis.hex(), place_of(led, steps).block_number): (led, steps)
              for led in LEDGERS for steps in STEPS}  # fmt: skip
    truth = Truth(grown(*places[stated["genesis"], stated["block"]]))
    codes = {f.authority: f.code for f in truth.chain.facts if isinstance(f, facts.AuthorityAdded)}
    for subject in claims["subjects"]:
        number = subject["enterprise"]
        expected = [
            (
                f"{codes[p.id >> 48] if claims['authorities'] else p.id >> 48}-{p.id & (1 << 48) - 1}",
                iso(p.decided_on),
            )
            for p in truth.posted(number)
        ]
        assert [(each["record"], each["decided_on"]) for each in subject["records"]] == expected
        for each in subject["records"]:
            if each["key"] is not None:
                code, _, counted = each["record"].rpartition("-")
                assert each["compromised_from"] == truth.compromised(code, int(counted), each["key"])
        assert subject["party"] in (None, party_of(number))
        assert all(each["document"] in (None, CONTENT.decode()) for each in subject["records"])
        assert [(e["objection"], e["outcome"]) for e in subject["objections"]] == truth.objections(number)
    for each in claims["authority_states"]:
        assert each["suspended"] == truth.suspended(each["code"])
    made = claims["score"]
    if made is not None and made["score"] is not None:
        first = claims["subjects"][0]["enterprise"]
        day = TODAY - next(n for n in range(-5, 900) if iso(TODAY - n) == made["as_of"])
        assert (round(made["score"] * 1000), made["grade"]) == truth.score(first, day)
        assert made["as_of"] == made["signed_day"] or made["as_of"] < made["signed_day"]
        if made["on_signed_day"]:
            later = made["on_signed_day"]
            assert (round(later["score"] * 1000), later["grade"]) == truth.score(first, TODAY)


# ---------------------------------------------------------------- the forger


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
    """One omission, reordering or exchange."""
    some = [each for each in lists_in(content) if each]
    kind = chance.randrange(9)
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
    elif "score" in content and content["subjects"]:
        move_day(content, chance)


def move_day(content: dict[str, Any], chance: random.Random) -> None:
    """A score of another day, as the records shown would give it."""
    day = TODAY - chance.randint(-2, 400)
    posted = [each for subject in content["subjects"] for run in subject["runs"] for each in _unpacked(run)]
    try:
        found = score([p for p in posted if p.enterprise == content["subjects"][0]["enterprise"]], CARD, day)
    except ValueError:
        return
    content["score"] |= {"as_of": iso(day), "milli": found.milli, "grade": found.grade}


def _unpacked(run: dict[str, Any]) -> list[Posted]:
    authority, number = map(int, run["first"].split("-"))
    raw = base64.b64decode(run["records"])
    return [
        Posted((authority << 48) + number + at // 64, *struct.unpack(">QHBIIQ5x32s", raw[at : at + 64]))
        for at in range(0, len(raw), 64)
    ]


PICKS = st.tuples(st.sampled_from(LEDGERS), st.sampled_from(STEPS), st.integers(1, 5))


@settings(max_examples=1500, deadline=None)
@given(PICKS, PICKS, st.integers(0, 4), st.booleans(), st.integers(0, 2**32))
def test_what_is_accepted_as_complete_is_true(
    one: tuple[int, int, int], two: tuple[int, int, int], changes: int, mended: bool, seed: int
) -> None:
    content, other = copy.deepcopy(honest(*one)), honest(*two)
    chance = random.Random(seed)
    for _ in range(changes):
        change(content, other, chance)
    if mended and content["subjects"]:
        with contextlib.suppress(BadProof, KeyError):
            mend(content, *chance.choice([one, two])[:2])
    reader = Trusted(keys=[log_key(1).verifier, *(each.verifier for each in WITNESSES)])
    try:
        verdict = verify_evidence(resealed(content), reader)
    except BadProof:
        assert changes or mended or one[0] == 2, "an honest file of the reader's own ledger holds"
        return
    assert verdict.vouched.complete, "with these keys a file is complete or refused"
    check_true(claims_dict(verdict))
    assert "complete record of number" in claims_text(verdict)


def test_honest_files_hold_and_are_true() -> None:
    for ledger in LEDGERS:
        keys = [log_key(ledger).verifier, *(each.verifier for each in WITNESSES)]
        for steps in STEPS:
            for enterprise in range(1, 6):
                data = resealed(copy.deepcopy(honest(ledger, steps, enterprise)))
                verdict = verify_evidence(data, Trusted(keys=keys))
                assert verdict.vouched.complete
                check_true(claims_dict(verdict))
    assert grown(1, STEPS[0]).facts == grown(1, STEPS[1]).facts[: len(grown(1, STEPS[0]).facts)]
    assert grown(1, STEPS[1]).now > GENESIS
