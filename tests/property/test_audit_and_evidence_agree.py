"""The audit and the verifier of evidence judge alike: random histories, honest and not, shown to both.

What the audit names of a record or an objection, of a rule that both know, the verifier refuses the file for; and
nothing else. Of what both say beside that (carried out, four eyes, epochs, compromised keys) they say the same.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict

from evidence_sample import authorities_of, placed, tree_of, trees_of
from honest_chain import FOREVER, MANDATES, TODAY, Chain, key_of, record
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.evidence import Attached, StatedPlace, build_evidence
from ledger.audit.objected import ObjectionsUnfit
from ledger.audit.postings import batches_of
from ledger.audit.replay import Replay
from ledger.audit.upheld import UPHELD
from ledger.audit.verifier import EvidenceVerdict, NotAuthorised, RecordsUnfit, verify_evidence
from ledger.domain import facts
from ledger.domain.calendar import day_of
from ledger.domain.records import first_weighty

#: The rules that both know, by the phrase that the audit names them by.
SHARED = {
    "authority suspended",
    "key outside its window",
    "key declared compromised",
    "type outside the mandate",
    "conduct after decision",
    "decision after its block",
    "bad record",
    "objection by another clock",
    "objection already open",
    "answer to no open objection",
    "answer by another",
}
ENTERPRISES = (1, 2, 3)


def crooked(seed: int) -> Chain:
    """A random history in which now and then a rule is broken that both know."""
    chance, chain = random.Random(seed), Chain()
    for number in (1, 2):
        chain.add_authority(number)
        chain.set_key(number, key_of(number, 1), chain.now, chain.now + 200)
        chain.set_key(number, key_of(number, 2), chain.now + 150, FOREVER)
    chain.register(len(ENTERPRISES))
    chain.block()
    chain.facts.append(facts.AnswerPeriodSet(chain.place(), 20, day_of(chain.now)))
    written: list[tuple[int, int]] = []
    for _ in range(chance.randint(4, 20)):
        crook = chance.random() < 0.08
        step = chance.choice([terms, batch, batch, change, change, objection, objection, answer, answer])
        step(chain, chance, written, crook)
    return chain


def terms(chain: Chain, chance: random.Random, _: list[tuple[int, int]], crook: bool) -> None:
    number = chance.choice([1, 2])
    what = chance.randrange(5)
    if what == 0:
        chain.suspend(number, suspended=crook)
    elif what == 1:
        types = MANDATES[number] | chance.choice([0, 1]) if crook else MANDATES[number] | 1 << 60
        chain.set_mandate(number, types, delay=chance.choice([0, 30]))
    elif what == 2 and crook:
        chain.compromise(number, key_of(number, chance.randrange(3)), chain.now - chance.randint(0, 60))
    elif what == 3:
        chain.block()
        chain.facts.append(facts.FourEyesSet(chain.place(), number, chance.random() < 0.5))
    else:
        chain.block()
        epoch = 1 + sum(
            isinstance(f, facts.SignaturesInvalidated) and f.authority == number for f in chain.facts
        )
        chain.facts.append(facts.SignaturesInvalidated(chain.place(), number, epoch))


def batch(chain: Chain, chance: random.Random, written: list[tuple[int, int]], crook: bool) -> None:
    authority = chance.choice([1, 2])
    types = [t for t in (*range(1, 60), *([248] if authority == 1 else [])) if MANDATES[authority] >> t & 1]
    chosen = [
        (each, chance.choice(types)) for each in sorted(chance.sample(ENTERPRISES, chance.randint(1, 3)))
    ]
    made = [record(each, type_, ref=each % 3 + 1 if type_ == 248 else 0) for each, type_ in chosen]
    if crook:
        day = day_of(chain.now + 12)
        fault = chance.choice(
            [
                {"type": 0},
                {"type": 60},
                {"type": 150},
                {"decided_on": day + 1},
                {"conduct_on": day},
                {"severity": 4},
            ]
        )
        made[0] = made[0]._replace(**fault)
    key = key_of(authority, chance.choice([1, 2]) if chance.random() < 0.1 else 0)
    first = chain.batch(authority, made, key)
    written += [(first + at, each.enterprise) for at, each in enumerate(made)]


def change(chain: Chain, chance: random.Random, written: list[tuple[int, int]], crook: bool) -> None:
    if not written:
        return
    ref, about = chance.choice(written)
    if chance.random() < 0.2:
        chain.block(86_400 * chance.randint(0, 2))
    decided = day_of(chain.now + 12) - chance.choice([0, 0, 0, 1, 2])
    type_ = chance.choice([240, 241, 242, 243])
    # What changes a record may itself be objected to, and changed without an effect.
    first = chain.batch(ref >> 48, [record(about, type_, ref=ref, decided_on=decided, conduct_on=TODAY - 9)])
    written.append((first, about))


def objection(chain: Chain, chance: random.Random, written: list[tuple[int, int]], crook: bool) -> None:
    opened = [f for f in chain.facts if isinstance(f, facts.ObjectionOpened)]
    answered = {f.objection for f in chain.facts if isinstance(f, facts.ObjectionAnswered)}
    open_ = {(f.enterprise, f.record) for f in opened if f.objection not in answered}
    ref, about = chance.choice(written) if written else (0, 0)
    about = about if chance.random() < 0.9 else chance.choice(ENTERPRISES)
    if not ref or ((about, ref) in open_ and not crook):
        return
    chain.block()
    day = day_of(chain.now) - (chance.choice([0, 1]) if crook else 0)
    grounds = bytes([len(opened)]) * 32
    chain.facts.append(
        facts.ObjectionOpened(chain.place(), len(opened) + 1, about, ref, key_of(9), day, day + 20, grounds)
    )


def answer(chain: Chain, chance: random.Random, written: list[tuple[int, int]], crook: bool) -> None:
    opened = [f for f in chain.facts if isinstance(f, facts.ObjectionOpened)]
    answered = {f.objection for f in chain.facts if isinstance(f, facts.ObjectionAnswered)}
    todo = [f for f in opened if crook or f.objection not in answered]
    if not todo:
        return
    fact = chance.choice(todo)
    authority = fact.record >> 48
    by = key_of(3 - authority if crook and chance.random() < 0.5 else authority, chance.choice([0, 0, 0, 1]))
    chain.block()
    chain.facts.append(
        facts.ObjectionAnswered(chain.place(), fact.objection, by, chance.choice([1, 1, 2, 3]), bytes(32))
    )


def named_by_audit(chain: Chain) -> tuple[Replay, dict[int, set[str]]]:
    """What the audit names of the shared rules, by the enterprises that it is about."""
    replay, found = Replay(), defaultdict[int, set[str]](set)
    whose: dict[int, int] = {}
    header: set[str] = set()
    for fact in chain.facts:
        named = {each.what for each in replay.apply(fact)} & SHARED
        if isinstance(fact, facts.BatchRecorded):
            header = named
        elif isinstance(fact, facts.Run):
            found[fact.enterprise] |= named | header
        elif isinstance(fact, facts.ObjectionOpened):
            whose[fact.objection] = fact.enterprise
            found[fact.enterprise] |= named
        elif isinstance(fact, facts.ObjectionAnswered):
            found[whose[fact.objection]] |= named
    replay.finish()
    return replay, found


def shown(chain: Chain, enterprise: int) -> EvidenceVerdict | str:
    last = chain.facts[-1].at
    place = StatedPlace(31337, bytes(32), b"c" * 20, last.block_number, bytes(32), last.timestamp)
    attached = Attached(authorities_of(chain))
    try:
        data = build_evidence(
            place, [placed(chain, enterprise)], tree_of(chain), trees_of(chain), None, attached
        )
    except (NotAuthorised, ObjectionsUnfit, RecordsUnfit) as refused:
        return str(refused)
    return verify_evidence(data)


def agree(seed: int) -> Counter[str]:
    """Show one history to both; return what was met in it."""
    chain = crooked(seed)
    replay, named = named_by_audit(chain)
    met = Counter(what for each in named.values() for what in each)
    logged = {each.header.at.block_number: each for each in batches_of(chain.facts)}
    reviewed = {
        int(each.where.split(",")[0].removeprefix("block "))
        for each in replay.reviews
        if each.what == "written by a compromised key"
    }
    carried_out = replay.objections.carried_out()
    for enterprise in ENTERPRISES:
        verdict = shown(chain, enterprise)
        if isinstance(verdict, str):
            assert named[enterprise], f"the verifier refuses what the audit takes: {verdict}"
            continue
        assert not named[enterprise], "the verifier takes what the audit names"
        (subject,) = verdict.subjects
        for run in subject.runs:
            assert run.at
            right, batch_ = verdict.rights[run.leaf_index], logged[run.at.block]
            own = b"".join(
                f.records for f in chain.facts if isinstance(f, facts.Run) and f.leaf_index == run.leaf_index
            )
            assert right.epoch == batch_.epoch
            assert right.four_eyes == (first_weighty(own, batch_.wallets) is not None)
            assert (right.compromised_from is not None) == (run.at.block in reviewed)
            met["four eyes"] += right.four_eyes
        for each in subject.objections:
            state = replay.objections.objections[each.opened.objection]
            if each.upheld and state.about == enterprise:
                assert each.carried_out == carried_out[each.opened.objection]
                met[f"carried out {each.carried_out}"] += 1
            else:
                assert each.carried_out is None
            assert each.upheld == (state.outcome in UPHELD)
    return met


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_the_audit_and_the_verifier_judge_alike(seed: int) -> None:
    agree(seed)


def test_every_rule_is_met_in_these_histories() -> None:
    """Or the test above would prove nothing of it."""
    met: Counter[str] = Counter()
    for seed in range(250):
        met += agree(seed)
    assert {each for each in SHARED if not met[each]} == set()
    assert min(met["four eyes"], met["carried out True"], met["carried out False"]) > 0
