"""Evidence to try: a small file about the scene of `honest_chain`, and a full one with all that a file may carry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from honest_chain import CODES, FOREVER, GENESIS, TODAY, Chain, key_of, party_of, record, salt_of, scene

from ledger.audit.evidence import (
    Attached,
    EvidenceAssessment,
    EvidenceAuthority,
    EvidenceRun,
    EvidenceScore,
    EvidenceSignature,
    EvidenceSubject,
    EvidenceVerdict,
    StatedPlace,
    Written,
    build_evidence,
)
from ledger.audit.postings import batches_of
from ledger.audit.verifier import digest_of
from ledger.chain.accounts import address_of, sign_digest
from ledger.crypto.checkpoints import Authorities, BlockLine, Checkpoint, Counted, Statement, origin_of
from ledger.crypto.commitments import commit
from ledger.crypto.hashing import keccak256
from ledger.crypto.heads import genesis_head, leaf_data
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey
from ledger.crypto.statement import AUTHORITY_FACTS, OBJECTION_FACTS, StateTrees
from ledger.crypto.typed_data import batch_digest, batch_domain, signed_batch, types_of
from ledger.domain.calendar import day_of
from ledger.domain.facts import (
    AssessmentPublished,
    AuthorityAdded,
    BatchRecorded,
    ObjectionAnswered,
    ObjectionOpened,
    Registered,
    Run,
)
from ledger.domain.records import Posted, record_id, unpack_run
from ledger.scoring.cards import load_cards
from ledger.scoring.roots import Scored, score_proof, score_root
from ledger.scoring.score import score

if TYPE_CHECKING:
    import random

    from ledger.crypto.statement import ObjectionFact

PLACE = StatedPlace(31337, bytes(reversed(range(32))), bytes(range(20)), 99, bytes(range(32)), GENESIS + 3600)
SALT = bytes(range(32))
#: A key that signs: the others of `honest_chain` are only addresses.
SECRET = bytes([7]) * 32
SIGNER = address_of(SECRET).lower()
CONTENT = '{"document":"召回","type":"FR01"}'.encode()


def tree_of(chain: Chain) -> Tree:
    return Tree(leaf_hash(leaf_data(f.enterprise, f.head)) for f in chain.facts if isinstance(f, Run))


def subject_of(chain: Chain, enterprise: int, **changed: Any) -> EvidenceSubject:
    runs = [
        EvidenceRun(f.first_id, f.leaf_index, f.records)
        for f in chain.facts
        if isinstance(f, Run) and f.enterprise == enterprise
    ]
    made = EvidenceSubject(
        enterprise,
        chain.commitments[enterprise],
        chain.heads[enterprise],
        runs,
        (party_of(enterprise), salt_of(enterprise)),
        {},
        [f for f, about in objections_of(chain) if about == enterprise],
    )
    return made._replace(**changed)


def objections_of(chain: Chain) -> list[tuple[ObjectionFact, int]]:
    """Objections and answers, and whose they are."""
    opened = {f.objection: f.enterprise for f in chain.facts if isinstance(f, ObjectionOpened)}
    return [(f, opened[f.objection]) for f in chain.facts if isinstance(f, OBJECTION_FACTS)]


def trees_of(chain: Chain) -> StateTrees:
    """The trees of the statement at the chain's end."""
    trees = StateTrees()
    for fact in chain.facts:
        if isinstance(fact, Registered):
            trees.register(fact.enterprise, genesis_head(fact.enterprise, fact.commitment))
        elif isinstance(fact, Run):
            trees.move_head(fact.enterprise, fact.head)
        elif isinstance(fact, AUTHORITY_FACTS):
            trees.authority(fact)
        elif isinstance(fact, OBJECTION_FACTS):
            trees.objection(fact)
        elif isinstance(fact, AssessmentPublished):
            trees.assessment(fact)
    return trees


def object_to(chain: Chain, enterprise: int, record_: int, outcome: int | None = None) -> None:
    """An objection, and its answer if there is one."""
    number = 1 + sum(isinstance(f, ObjectionOpened) for f in chain.facts)
    chain.block()
    today = day_of(chain.now)
    chain.facts.append(
        ObjectionOpened(
            chain.place(), number, enterprise, record_, key_of(9), today, today + 20, bytes([number]) * 32
        )
    )
    if outcome is not None:
        chain.block()
        key = key_of(record_ >> 48)
        chain.facts.append(ObjectionAnswered(chain.place(), number, key, outcome, bytes(32)))


def sample_chain() -> Chain:
    """The scene with a link as a pair, objections, an assessment that is right, and a document at hand."""
    chain = scene()
    chain.batch(3, [record(5, 248, ref=1), record(1, 249, ref=5)])
    object_to(chain, 1, 1 << 48 | 1, outcome=3)
    object_to(chain, 1, 1 << 48 | 2)
    publish(chain)
    chain.set_key(1, SIGNER, chain.now, FOREVER)
    chain.batch(1, [record(1, commitment=commit(SALT, CONTENT)), record(4)], key=SIGNER)
    return chain


def publish(chain: Chain) -> None:
    """Publish the scores of `assessment_of` as the contract would log them."""
    chain.block()
    chain.epochs += 1
    made = leaves_made(chain)
    fact = AssessmentPublished(
        chain.place(), chain.epochs, CARD.hash, TODAY, score_root(made), len(made), 7, ASSESSED, bytes(32)
    )
    chain.facts.append(fact)


def sample(documents: bool = True) -> bytes:
    chain = sample_chain()
    subject = subject_of(chain, 1)
    last = subject.runs[-1].first_id
    shown = {last: (SALT, CONTENT)} if documents else {}
    subjects = [subject._replace(documents=shown), subject_of(chain, 5)]
    return build_evidence(PLACE, subjects, tree_of(chain), trees_of(chain))


# ---------------------------------------------------------------- a full file

CARD = load_cards()[0]
LOG_KEY = SigningKey(origin_of(PLACE.chain_id, PLACE.genesis, PLACE.contract), ED25519, b"l" * 32)
WITNESSES = [SigningKey(f"witness.example/{n}", COSIGNATURE, bytes([n]) * 32) for n in (1, 2, 3)]
#: The second keys of the first two witnesses: what they say of a statement that they recomputed.
RECOMPUTED = [
    SigningKey(f"{each.name}/recomputed", COSIGNATURE, b"r" + each.seed[1:]) for each in WITNESSES[:2]
]
#: Leaves of the log that the published score was made from: before the link.
ASSESSED = 6


def written_of(chain: Chain) -> dict[int, Written]:
    """Where each run stands, by leaf index."""
    found, key = {}, ""
    for fact in chain.facts:
        if isinstance(fact, BatchRecorded):
            key = fact.key
        elif isinstance(fact, Run):
            at = fact.at
            found[fact.leaf_index] = Written(at.block_number, at.log_index, at.timestamp, key)
    return found


def authorities_of(chain: Chain) -> list[EvidenceAuthority]:
    return [
        EvidenceAuthority(n, [f for f in chain.facts if isinstance(f, AUTHORITY_FACTS) and f.authority == n])
        for n in CODES
        if any(isinstance(f, AuthorityAdded) and f.authority == n for f in chain.facts)
    ]


def placed(chain: Chain, enterprise: int, **changed: Any) -> EvidenceSubject:
    """A subject whose runs say where they stand."""
    subject, places = subject_of(chain, enterprise), written_of(chain)
    runs = [run._replace(written=places[run.leaf_index]) for run in subject.runs]
    return subject._replace(runs=runs, **changed)


def posted_of(chain: Chain, enterprises: set[int], below: int = 10**9) -> list[Posted]:
    runs = [
        f for f in chain.facts if isinstance(f, Run) and f.enterprise in enterprises and f.leaf_index < below
    ]
    return [each for run in runs for each in unpack_run(run.first_id, run.records)]


def score_of(chain: Chain, below: int = 10**9) -> EvidenceScore:
    """The score of enterprise 1, whose record name 5 follows once the link is written."""
    linked = any(each.type == 248 for each in posted_of(chain, {5}, below))
    found = score(posted_of(chain, {1, 5} if linked else {1}, below), CARD, TODAY)
    return EvidenceScore(TODAY, CARD, found.milli, found.grade)


def leaves_made(chain: Chain) -> list[Scored]:
    made = score_of(chain, ASSESSED)
    return [Scored(1, made.milli, made.grade), Scored(2, 90_000, "A"), Scored(4, 70_000, "B")]


def assessment_of(chain: Chain) -> EvidenceAssessment:
    made, leaves = score_of(chain, ASSESSED), leaves_made(chain)
    index, proof = score_proof(leaves, 1)
    (fact,) = [f for f in chain.facts if isinstance(f, AssessmentPublished) and f.card == CARD.hash]
    return EvidenceAssessment(
        fact.epoch, fact.root, fact.count, fact.log_size, fact.block, fact.heads_root, index, proof, made
    )


def statement_of(chain: Chain, time: int = PLACE.block_time + 60, place: StatedPlace = PLACE) -> Statement:
    state = trees_of(chain).state()
    return Statement(
        BlockLine(place.block_number, place.block_hash, place.block_time),
        time,
        Counted(state.enterprises, state.heads_root),
        Authorities(state.authorities, state.authority_facts, state.authorities_root),
        Counted(state.objection_facts, state.objections_root),
        Counted(state.assessments, state.assessments_root),
    )


def checkpoint_of(
    chain: Chain, size: int | None = None, time: int = PLACE.block_time + 60, place: StatedPlace = PLACE
) -> str:
    """Signed by the operator, the witnesses, and two of them as recomputed."""
    tree = tree_of(chain)
    size = tree.size if size is None else size
    text = Checkpoint(LOG_KEY.name, size, tree.root(size), statement_of(chain, time, place)).text()
    return str(
        Note(text, (LOG_KEY.sign(text), *(each.sign(text, time + 60) for each in [*WITNESSES, *RECOMPUTED])))
    )


def attached_to(chain: Chain) -> Attached:
    return Attached(
        authorities_of(chain),
        score_of(chain),
        assessment_of(chain),
        checkpoint_of(chain),
        signatures_of(chain),
    )


def signatures_of(chain: Chain, minutes: int = 10) -> list[EvidenceSignature]:
    """Of the batches by the key that signs."""
    found, domain = [], batch_domain(PLACE.chain_id, PLACE.contract)
    for header, records, *_ in batches_of(chain.facts):
        if header.key != SIGNER:
            continue
        deadline, hashed = header.at.timestamp + 60 * minutes, keccak256(records)
        code = CODES[header.authority]
        digest = batch_digest(domain, signed_batch(code, header.first_number, records, deadline))
        first_id = record_id(header.authority, header.first_number)
        signature = sign_digest(SECRET, digest)
        found.append(
            EvidenceSignature(first_id, header.count, deadline, SIGNER, types_of(records), hashed, signature)
        )
    return found


def full_sample() -> bytes:
    chain = sample_chain()
    first = placed(chain, 1)
    shown = {first.runs[-1].first_id: (SALT, CONTENT)}
    subjects = [first._replace(documents=shown), placed(chain, 5)]
    return build_evidence(PLACE, subjects, tree_of(chain), trees_of(chain), None, attached_to(chain))


# ---------------------------------------------------------------- what a file says, and how it is changed


def meaning(verdict: EvidenceVerdict) -> object:
    """All that a verdict claims, to compare; the block a file names is a claim too."""
    subjects = [(*s[:5], dict(s.documents), s[6:]) for s in verdict.subjects]
    return verdict.stated, verdict.leaves, subjects, verdict[3:]


def resealed(content: dict[str, Any]) -> bytes:
    """The file as a forger writes it: changed, with a fresh digest."""
    content["digest"] = digest_of(content)
    return json.dumps(content).encode()


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in leaves_of(v, (*path, k))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in leaves_of(v, (*path, i))]
    return [path]


def mutated(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return chance.choice(
            [
                value + 1,
                value - 1,
                value ^ 1 << chance.randrange(60),
                -value,
                float(value) + 0.5,
                str(value),
                None,
            ]
        )
    place = chance.randrange(len(value)) if value else 0
    other = chance.choice("0123456789abcdefABCDEF-+/= \x00é")
    return chance.choice(
        [
            value[:place] + other + value[place + 1 :],
            value[:place] + value[place + 1 :],
            value + other,
            other + value,
            value[::-1],
            "",
            None,
            [value],
        ]
    )
