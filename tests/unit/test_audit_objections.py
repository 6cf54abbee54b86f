"""The replay of objections: an honest one passes, and each way of bending the rules is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from honest_chain import FOREVER, TODAY, Chain, key_of, record

from ledger.audit.replay import Replay
from ledger.audit.state import dump_replay, load_replay
from ledger.domain.calendar import day_of
from ledger.domain.facts import (
    AnswerPeriodSet,
    EnterpriseKeySet,
    FourEyesSet,
    ObjectionAnswered,
    ObjectionOpened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.audit.deviation import Deviation

FIRM, REGISTRAR, NOBODY = "0x" + "33" * 20, "0x" + "44" * 20, "0x" + "00" * 20
GROUNDS, ANSWER = b"g" * 32, b"a" * 32


class Court(Chain):
    """A ledger whose enterprise 1 has a key and a record, and whose enterprise 2 has a record only."""

    def __init__(self) -> None:
        super().__init__()
        self.add_authority(1)
        self.add_authority(2)
        self.register(2)
        self.first = self.batch(1, [record(1), record(2)])
        self.objections = 0
        self.period(20)
        self.key(1, FIRM)

    def period(self, days: int, delay: int = 0) -> None:
        self.block()
        self.facts.append(AnswerPeriodSet(self.place(), days, day_of(self.now) + delay))

    def key(self, enterprise: int, key: str) -> None:
        self.block()
        self.facts.append(EnterpriseKeySet(self.place(), enterprise, key))

    def open(self, enterprise: int = 1, by: str = FIRM, period: int = 20, **changed: int) -> None:
        self.block()
        self.objections += 1
        today, about = day_of(self.now), self.first + enterprise - 1
        fact = ObjectionOpened(
            self.place(), self.objections, enterprise, about, by, today, today + period, GROUNDS
        )
        self.facts.append(fact._replace(**changed))

    def answer(self, objection: int = 1, by: str = "", outcome: int = 3) -> None:
        self.block()
        self.facts.append(ObjectionAnswered(self.place(), objection, by or key_of(1), outcome, ANSWER))


def replayed(court: Court) -> tuple[Replay, list[Deviation]]:
    replay, found = Replay(), []
    for fact in court.facts:
        found += replay.apply(fact)
    return replay, [*found, *replay.finish()]


def test_honest_objections_pass() -> None:
    court = Court()
    court.open()
    court.open(2, REGISTRAR)
    court.answer(1)
    court.open()
    court.period(15, delay=1)
    court.answer(3, outcome=1)
    court.open()
    court.block(86_400)
    court.answer(4, outcome=2)
    court.key(1, NOBODY)
    court.open(1, REGISTRAR, 15)
    replay, found = replayed(court)
    assert found == []
    assert replay.reviews == []
    assert replay.checked["objections"] == 5
    state = replay.objections.objections
    assert [each.outcome for each in state.values()] == [3, 0, 1, 2, 0]
    today = day_of(court.now)
    assert state[5].values == (1, court.first, today, today + 15, 0)


def test_a_replay_that_is_put_down_goes_on_as_if_it_had_not_been() -> None:
    court = Court()
    court.open()
    court.open(2, REGISTRAR)
    court.answer(1)
    court.compromise(1, key_of(1), court.now - 1000)
    court.open(record=court.first + 1)
    court.set_key(1, key_of(1, 1), court.now, FOREVER)
    replay, found = replayed(court)
    assert found == []
    assert [each.what for each in replay.reviews] == [
        "written by a compromised key",
        "answered by a compromised key",
        "objection to the record of another",
    ]
    state = dump_replay(replay)
    again = load_replay(json.loads(json.dumps(state)))
    assert dump_replay(again) == state
    more = len(court.facts)
    court.answer(2, by=key_of(1, 1))
    court.open(2, REGISTRAR)
    court.open()
    court.compromise(1, key_of(1), court.now - 2000)
    found = [each for fact in court.facts[more:] for each in (*replay.apply(fact), *again.apply(fact))]
    assert found == []
    assert dump_replay(again) == dump_replay(replay)


CHEATS: list[tuple[Callable[[Court], object], str]] = [
    (lambda c: c.open(objection=2), "objection out of order"),
    (lambda c: c.open(record=1 << 48 | 3), "objection to no record"),
    (lambda c: c.open(record=7 << 48 | 1), "objection to no record"),
    (lambda c: (c.open(), c.open()), "objection already open"),
    (lambda c: c.open(by=REGISTRAR), "objection by another"),
    (lambda c: c.open(due_on=TODAY + 99), "objection by another clock"),
    (lambda c: c.open(opened_on=TODAY - 1), "objection by another clock"),
    (lambda c: c.answer(), "answer to no open objection"),
    (lambda c: (c.open(), c.answer(), c.answer()), "answer to no open objection"),
    (lambda c: (c.open(), c.answer(outcome=0)), "answer to no open objection"),
    (lambda c: (c.open(), c.answer(outcome=4)), "answer to no open objection"),
    (lambda c: (c.open(), c.answer(by=key_of(2))), "answer by another"),
    (lambda c: (c.open(), c.suspend(1), c.answer()), "answer by another"),
    (lambda c: (c.open(), c.compromise(1, key_of(1), c.now), c.answer()), "answer by another"),
    (lambda c: c.period(9, delay=-1), "answer period set for the past"),
    (lambda c: c.period(0), "answer period set for the past"),
]


@pytest.mark.parametrize(("cheat", "what"), CHEATS, ids=[f"{n} {what}" for n, (_, what) in enumerate(CHEATS)])
def test_a_bent_rule_is_named_once(cheat: Callable[[Court], object], what: str) -> None:
    court = Court()
    cheat(court)
    _, found = replayed(court)
    assert [each.what for each in found] == [what]


def test_an_objection_to_the_record_of_another_is_for_review() -> None:
    court = Court()
    court.open(record=court.first + 1)
    replay, found = replayed(court)
    assert found == []
    (review,) = replay.reviews
    assert review.what == "objection to the record of another"
    assert review.why == "GACC-2 is about enterprise 2, not 1"


def test_answers_by_a_key_found_compromised_are_for_review() -> None:
    court = Court()
    court.open()
    court.open(2, REGISTRAR)
    court.answer(1)
    since = court.now + 1
    court.answer(2)
    court.compromise(1, key_of(1), since)
    replay, found = replayed(court)
    assert found == []
    answered = [each for each in replay.reviews if each.what == "answered by a compromised key"]
    assert [each.where for each in answered] == ["block 11, objection 2"]
    # An earlier date lists what it adds, and only that; another authority's key of the same address does not.
    court.compromise(1, key_of(1), since - 13)
    court.compromise(2, key_of(1), since - 13)
    replay, _ = replayed(court)
    answered = [each for each in replay.reviews if each.what == "answered by a compromised key"]
    assert [each.where.rpartition(" ")[2] for each in answered] == ["2", "1"]


@pytest.mark.parametrize(
    ("outcome", "changes", "left"),
    [
        (1, [], 1),
        (2, [], 1),
        (3, [], 0),
        (1, [(242, 0)], 1),
        (1, [(241, 0)], 0),
        (2, [(240, 0)], 0),
        (1, [(241, -1)], 1),  # decided before it was objected to, and posted late
        (1, [(241, 0), (243, 0)], 1),  # taken back
        (1, [(241, 0), (243, 0), (240, 0)], 0),
        (1, [(243, -1), (241, 0)], 0),
    ],
)
def test_an_answer_upheld_and_not_carried_out_is_named(
    outcome: int, changes: list[tuple[int, int]], left: int
) -> None:
    court = Court()
    # Before it was objected to: not what was asked for, though of the same day.
    court.batch(1, [record(1, 241, ref=court.first, decided_on=TODAY)])
    court.open()
    court.answer(outcome=outcome)
    for type_, days in changes:
        court.batch(1, [record(1, type_, ref=court.first, decided_on=TODAY + days)])
    replay, found = replayed(court)
    assert found == []
    open_ = list(replay.outstanding())
    assert [each.what for each in open_] == ["answer upheld and not carried out"] * left
    assert all(each.where == "objection 1, to record GACC-1" for each in open_)
    again = load_replay(json.loads(json.dumps(dump_replay(replay))))
    assert list(again.outstanding()) == open_


def test_an_answer_by_one_officer_where_four_eyes_are_on() -> None:
    court = Court()
    court.open()
    court.answer(1)
    court.block()
    court.facts.append(FourEyesSet(court.place(), 1, True))
    court.open()
    court.answer(2)
    replay, found = replayed(court)
    assert found == []
    assert list(replay.objections.by_one_officer(lambda _: True)) == []
    (named,) = replay.objections.by_one_officer(lambda _: False)
    assert (named.what, named.where) == ("four eyes not kept", "block 12, objection 2")
    assert key_of(1) in named.found
