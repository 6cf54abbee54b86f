"""One statement, two ways: from the index as it stands, and from the chain's facts one by one. They are equal."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from honest_chain import FOREVER, Chain, history, key_of, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from api.mirror import StateMirror
from ledger.audit.statement import NotReproduced, Recomputed, statement_of
from ledger.crypto.checkpoints import BlockLine, Checkpoint
from ledger.crypto.statement import State
from ledger.domain.facts import (
    Fact,
    FourEyesSet,
    KeyCompromised,
    ObjectionAnswered,
    ObjectionOpened,
    Registered,
    Run,
    SignaturesInvalidated,
)
from ledger.index.follower import Block as Followed
from ledger.index.follower import _undo_above, _write
from ledger.index.rows import rows_of
from ledger.index.statement import counters, read_trees
from ledger.store.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def everything(seed: int) -> Chain:
    """A random honest history, with every kind of fact that a statement is over mixed into it."""
    chance, chain = random.Random(seed), history(seed, batches=5)
    objections = 0
    for round_ in range(chance.randint(1, 12)):
        chain.block()
        authority = chance.choice([1, 2, 3])
        what = chance.randrange(6)
        if what == 0:
            chain.facts.append(FourEyesSet(chain.place(), authority, chance.random() < 0.5))
        elif what == 1:
            chain.facts.append(SignaturesInvalidated(chain.place(), authority, round_ + 1))
        elif what == 2:
            chain.facts.append(KeyCompromised(chain.place(), authority, key_of(authority, 99), chain.now - 1))
        elif what == 3:
            chain.register(chance.randint(1, 3))
        elif what == 4:
            chain.assess()
        else:
            objections += 1
            _object(chance, chain, objections)
    return chain


def _object(chance: random.Random, chain: Chain, number: int) -> None:
    enterprise, by = chance.choice(list(chain.heads)), "0x" + "2b" * 20
    chain.facts.append(
        ObjectionOpened(chain.place(), number, enterprise, 1 << 48 | 1, by, 20_000, 20_020, b"g" * 32)
    )
    if chance.random() < 0.5:
        chain.block()
        chain.facts.append(ObjectionAnswered(chain.place(), number, key_of(1), 2, b"w" * 32))


def follow(database: Database, facts: Sequence[Fact]) -> None:
    """Write facts as the follower does, some blocks at a time."""
    end = Followed(facts[-1].at.block_number, facts[-1].at.block_hash)
    with database.write_index() as connection:
        _write(connection, rows_of(facts), end)


def recomputed(facts: Iterable[Fact]) -> Recomputed:
    made = Recomputed()
    for fact in facts:
        made.apply(fact)
    return made


def indexed(database: Database, mirror: StateMirror | None = None) -> State:
    with database.read_index() as connection:
        state, counted = read_trees(connection).state(), counters(connection)
        if mirror is not None:
            assert mirror.trees(connection).state() == state
            assert mirror.trees(connection) is mirror.trees(connection)
    assert counted[1:] == (
        state.enterprises,
        state.authorities,
        state.authority_facts,
        state.objection_facts,
        state.assessments,
    )
    return state


@given(st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_index_and_facts_make_one_statement(seed: int) -> None:
    """At every cut of the chain into what is followed before and after, and after a reorganisation."""
    chain, chance = everything(seed), random.Random(seed)
    numbers = sorted({fact.at.block_number for fact in chain.facts})
    cut = chance.choice(numbers[:-1])
    before = [fact for fact in chain.facts if fact.at.block_number <= cut]
    mirror = StateMirror()  # kept over all of it, as the API keeps one
    with tempfile.TemporaryDirectory() as folder, open_database(None, Path(folder)) as database:
        follow(database, before)
        assert indexed(database, mirror) == recomputed(before).trees.state()
        with database.read_index() as connection:
            given_out = mirror.trees(connection)
        follow(database, chain.facts[len(before) :])
        assert indexed(database, mirror) == recomputed(chain.facts).trees.state()
        assert given_out.state() == recomputed(before).trees.state(), "what was given out does not change"
        with database.write_index() as connection:
            _undo_above(connection, Followed(cut, before[-1].at.block_hash))
        assert indexed(database, mirror) == recomputed(before).trees.state()


def test_both_databases_give_it_alike(database: Database) -> None:
    chain = everything(7)
    chain.set_key(1, key_of(1, 3), 2**63, FOREVER)  # numbers that fit no signed column
    follow(database, chain.facts)
    assert indexed(database) == recomputed(chain.facts).trees.state()


@given(st.integers(0, 2**32), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_one_fact_left_out_is_another_statement(seed: int, chosen: int) -> None:
    """Whatever fact that a statement is over is left out: nothing else has the same roots and counts."""
    chain, chance = everything(seed), random.Random(chosen)
    point = _checkpoint(chain.facts)
    facts = list(chain.facts)
    told = [n for n, fact in enumerate(facts) if type(fact).__name__ in _STATED]
    del facts[chance.choice(told)]
    with pytest.raises(NotReproduced):
        recomputed(facts).check(point, BLOCK)


_STATED = {
    "AuthorityAdded",
    "MandateSet",
    "KeySet",
    "KeyCompromised",
    "FourEyesSet",
    "SignaturesInvalidated",
    "SuspensionSet",
    "Registered",
    "Run",
    "AssessmentPublished",
    "ObjectionOpened",
    "ObjectionAnswered",
}
BLOCK = BlockLine(99, b"b" * 32, 1_790_009_999)


def _checkpoint(facts: Iterable[Fact]) -> Checkpoint:
    made = recomputed(facts)
    statement = statement_of(made.trees.state(), BLOCK, 1_790_010_000)
    return Checkpoint("log", made.log.size, made.log.root(), statement)


def test_the_first_line_that_differs_is_named() -> None:
    chain = scene()
    point = _checkpoint(chain.facts)
    recomputed(chain.facts).check(point, BLOCK)
    chain.suspend(2)
    with pytest.raises(NotReproduced, match="the checkpoint says 'authorities 3 9 "):
        recomputed(chain.facts).check(point, BLOCK)
    with pytest.raises(NotReproduced, match="says nothing but its log"):
        recomputed(chain.facts).check(point._replace(statement=None), BLOCK)


def test_a_head_or_a_place_that_does_not_follow_is_refused() -> None:
    facts = scene().facts
    at = next(n for n, fact in enumerate(facts) if isinstance(fact, Run))
    run, registered = facts[at], next(fact for fact in facts if isinstance(fact, Registered))
    assert isinstance(run, Run)
    forged: list[tuple[Fact, str]] = [
        (run._replace(head=bytes(32)), "has head"),
        (run._replace(leaf_index=9), "leaf 9"),
        (run._replace(enterprise=77), "registered by none"),
        (run._replace(enterprise=0), "registered by none"),
        (registered, "is registered after 3"),
    ]
    for fact, why in forged:
        with pytest.raises(NotReproduced, match=why):
            recomputed([*facts[:at], fact])
