"""Two random ledgers of one operator, each at two times: honest evidence about them, and what is true of it."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from typing import Any

from evidence_oracle import Printed, Truth, slow_links, slow_posted
from evidence_sample import (
    CARD,
    CONTENT,
    SALT,
    authorities_of,
    object_to,
    placed,
    posted_of,
    tree_of,
    trees_of,
)
from honest_chain import FOREVER, GENESIS, TODAY, Chain, key_of, record

from ledger.audit.evidence import Attached, EvidenceScore, StatedPlace, build_evidence
from ledger.audit.links import partners
from ledger.audit.report_text import claims_text
from ledger.audit.verifier import EvidenceVerdict
from ledger.crypto.checkpoints import Authorities, BlockLine, Checkpoint, Counted, Statement, origin_of
from ledger.crypto.commitments import commit
from ledger.crypto.hashing import keccak256
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey
from ledger.domain import facts
from ledger.scoring.score import score

WITNESSES = [SigningKey(f"witness.example/{n}/recomputed", COSIGNATURE, bytes([n]) * 32) for n in (1, 2)]
STEPS = (16, 26)
#: Histories with something of everything: `test_honest_files_hold_and_are_true` says what.
SEED = 5
LEDGERS = (1, 2)


def log_key(ledger: int) -> SigningKey:
    """Both ledgers are one operator's: one key, under the name of each log."""
    return SigningKey(origin_of(31337, bytes([ledger]) * 32, b"c" * 20), ED25519, b"l" * 32)


@lru_cache
def grown(ledger: int, steps: int) -> Chain:
    """A random history; with fewer steps, its beginning."""
    chance, chain = random.Random(f"{SEED} {ledger}"), Chain()
    for number in (1, 2, 3):
        chain.add_authority(number)
    chain.register(5)
    written: dict[int, list[tuple[int, int]]] = {1: [], 2: [], 3: []}
    linked, unanswered = set[int](), set[int]()
    for step in range(steps):
        authority, enterprise = chance.choice([1, 2, 3]), chance.randint(1, len(chain.heads))
        kind = chance.random()
        if kind < 0.1:
            chain.register()
        elif kind < 0.2 and enterprise not in linked and 1 not in (enterprise, *linked):
            linked.add(enterprise)
            chain.batch(1, [record(enterprise, 248, ref=1), record(1, 249, ref=enterprise)])
        elif kind < 0.4 and written[authority]:
            number, about = chance.choice(written[authority])
            if number in unanswered:
                continue
            outcome = chance.choice([None, 1, 1, 2, 3])
            object_to(chain, about, number, outcome=outcome)
            unanswered |= set() if outcome else {number}
            if chance.random() < 0.4:
                chain.batch(
                    number >> 48, [record(about, chance.choice([240, 241]), ref=number, decided_on=TODAY)]
                )
        elif kind < 0.52 and written[authority]:
            number, about = chance.choice(written[authority])
            kind_of = chance.choice([240, 241, 242, 243])
            chain.batch(
                authority, [record(about, kind_of, ref=number, decided_on=TODAY - chance.choice([0, 0, 3]))]
            )
        elif kind < 0.55:
            chain.set_key(authority, key_of(authority, step + 1), chain.now, FOREVER)
            chain.compromise(authority, key_of(authority, step + 1), chain.now)
        elif kind < 0.57:
            chain.block()
            chain.facts.append(facts.FourEyesSet(chain.place(), authority, step % 3 > 0))
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
    shown = sorted({*partners(posted_of(chain, everybody), enterprise, TODAY)} - {enterprise})
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


def truth_of(ledger: int, steps: int) -> Truth:
    signers = (log_key(ledger).name, *(each.name for each in WITNESSES))
    return Truth(grown(ledger, steps), place_of(ledger, steps), signers)


def check_true(verdict: EvidenceVerdict, content: dict[str, Any]) -> None:
    """Every printed line, against the ledger that the verdict names, at the block it names."""
    places = {
        (place_of(led, steps).genesis, place_of(led, steps).block_number): (led, steps)
        for led in LEDGERS
        for steps in STEPS
    }
    truth = truth_of(*places[verdict.stated.genesis, verdict.stated.block.number])
    Printed(claims_text(verdict), content, truth).check()
