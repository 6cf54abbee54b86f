"""Whatever a forger changes in the runs, headers or registrations of a random history, replay or contract says so."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from honest_chain import MANDATES, Chain, history
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.compare import ContractState, compare_contract
from ledger.audit.replay import Replay
from ledger.domain.facts import BatchRecorded, Fact, Registered, Run

if TYPE_CHECKING:
    from ledger.audit.deviation import Deviation

FORGEABLE = (Run, BatchRecorded, Registered)


def audit(chain: Chain, facts: list[Fact]) -> list[Deviation]:
    """Replay the facts told and compare with what the contracts hold."""
    replay, found = Replay(), []
    for fact in facts:
        found += replay.apply(fact)
    found += replay.finish()
    mandates = {number: replay.authorities[number].mandate_at(chain.now) for number in MANDATES}
    state = ContractState(
        block_number=1,
        timestamp=chain.now,
        log_size=chain.log.size,
        root=chain.log.root(),
        enterprise_count=len(chain.heads),
        authority_count=3,
        epoch_count=chain.epochs,
        objection_count=0,
        record_counts=chain.counts,
        mandates=mandates,
        heads=chain.heads,
    )
    return [*found, *compare_contract(replay, state)]


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_honest_histories_hold(seed: int) -> None:
    chain = history(seed)
    assert audit(chain, chain.facts) == []


@given(st.integers(0, 2**32), st.integers(0, 2**32), st.sampled_from(["drop", "repeat", "exchange", "alter"]))
@settings(max_examples=300, deadline=None)
def test_no_change_goes_unnoticed(seed: int, chosen: int, how: str) -> None:
    chain, chance = history(seed), random.Random(chosen)
    facts = list(chain.facts)
    places = [i for i, fact in enumerate(facts) if isinstance(fact, FORGEABLE)]
    place = chance.choice(places)
    if how == "drop":
        facts.pop(place)
    elif how == "repeat":
        facts.insert(place, facts[place])
    elif how == "exchange":
        other = chance.choice([i for i in places if i != place])
        # Each at the other's place on the chain, so that the order of places gives nothing away.
        a, b = facts[place], facts[other]
        facts[place], facts[other] = b._replace(at=a.at), a._replace(at=b.at)
    else:
        facts[place] = altered(facts[place], chance)
    assert audit(chain, facts) != []


def altered(fact: Fact, chance: random.Random) -> Fact:
    """The fact with one field changed, by one bit or by one."""
    field = chance.choice([name for name in fact._fields if name != "at"])
    value = getattr(fact, field)
    if isinstance(value, int):
        return fact._replace(**{field: value + chance.choice([1, -1])})
    if isinstance(value, str):
        return fact._replace(**{field: value[:-1] + ("1" if value[-1] == "0" else "0")})
    place = chance.randrange(len(value))
    changed = value[:place] + bytes([value[place] ^ 1 << chance.randrange(8)]) + value[place + 1 :]
    return fact._replace(**{field: changed})
