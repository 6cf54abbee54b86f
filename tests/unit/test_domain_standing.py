"""Lifecycle and links as of a day: what ends, what counts again, what is ignored and why."""

from __future__ import annotations

import random

import pytest

from ledger.domain.records import Posted
from ledger.domain.standing import link_targets, resolve_links, standing

CORRECTION, REVOCATION, REPAIR, REINSTATEMENT, LINKED_TO, LINKED_FROM = 240, 241, 242, 243, 248, 249


def made(number, event_type, day, ref=0, authority=1, enterprise=1):
    return Posted(authority << 48 | number, enterprise, event_type, 0, day, day, ref, bytes(32))


EVENT = made(1, 4, 100)
EID = EVENT.id


def state(posted, as_of, record=EID):
    each = standing(posted, as_of).by_id[record]
    return each.state, each.since, each.by and each.by & 0xFFFF


@pytest.mark.parametrize(
    ("event_type", "word"), [(CORRECTION, "corrected"), (REVOCATION, "revoked"), (REPAIR, "repaired")]
)
def test_an_event_ends_on_the_day_of_the_decision(event_type, word):
    posted = [EVENT, made(2, event_type, 150, EID)]
    assert state(posted, 149) == ("in force", 100, None)
    assert state(posted, 150) == (word, 150, 2)
    assert not standing(posted, 150).by_id[EID].stands


def test_reinstated_it_counts_again_from_that_decision():
    posted = [EVENT, made(2, REPAIR, 150, EID), made(3, REINSTATEMENT, 200, EID)]
    assert state(posted, 199) == ("repaired", 150, 2)
    assert state(posted, 200) == ("reinstated", 200, 3)
    assert standing(posted, 200).by_id[EID].stands
    assert state([*posted, made(4, REVOCATION, 250, EID)], 250) == ("revoked", 250, 4)


def test_the_decision_day_orders_and_then_the_number():
    # Posted late, decided early: number 2 was decided after number 3.
    assert state([EVENT, made(2, REPAIR, 160, EID), made(3, REVOCATION, 150, EID)], 200) == (
        "repaired",
        160,
        2,
    )
    assert state([EVENT, made(2, REPAIR, 150, EID), made(3, REVOCATION, 150, EID)], 200) == (
        "revoked",
        150,
        3,
    )


def test_a_decision_of_the_same_day_holds():
    found = standing([EVENT, made(2, REVOCATION, 100, EID)], 100)
    assert found.ignored == ()
    assert found.by_id[EID].state == "revoked"


def test_the_order_of_arrival_does_not_matter():
    posted = [
        EVENT,
        made(2, REPAIR, 150, EID),
        made(3, REINSTATEMENT, 200, EID),
        made(4, 5, 120),
        made(5, REPAIR, 130, EID),
    ]
    expected = standing(posted, 300)
    for seed in range(5):
        random.Random(seed).shuffle(posted)
        assert standing(posted, 300) == expected


def test_what_is_decided_later_does_not_exist_yet():
    assert standing([EVENT], 99).by_id == {}
    assert standing([made(2, REPAIR, 150, EID)], 149) == ({}, ())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (made(2, REPAIR, 150, made(9, 4, 0).id), "refers to no event or link known on that day"),
        (made(2, REPAIR, 150, 0), "refers to no event or link known on that day"),
        (made(2, REPAIR, 150, EID, authority=2), "refers to a record of another authority"),
        (made(2, REPAIR, 150, EID, enterprise=2), "refers to a record of another enterprise"),
        (made(2, REVOCATION, 99, EID), "decided before the record it refers to"),
        (made(2, REINSTATEMENT, 150, EID), "nothing to reinstate: the record is in force"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_lifecycle_record_that_does_not_fit_is_ignored_and_listed(change, reason):
    found = standing([EVENT, change], 200)
    assert found.by_id[EID].stands
    assert found.ignored == ((change, reason),)


def test_a_lifecycle_record_cannot_be_the_target_of_another():
    repair = made(2, REPAIR, 150, EID)
    undo = made(3, REVOCATION, 160, repair.id)
    found = standing([EVENT, repair, undo], 200)
    assert found.by_id[EID].state == "repaired"
    assert found.ignored == ((undo, "refers to no event or link known on that day"),)


def test_a_link_is_ended_by_revocation_only():
    link = made(1, LINKED_TO, 100, 9)
    for event_type in (CORRECTION, REPAIR, REINSTATEMENT):
        (ignored,) = standing([link, made(2, event_type, 110, link.id)], 200).ignored
        assert ignored.reason == "a link can be revoked only"
    pair = linked(1, 1, 9)
    for undone in pair:
        posted = [*pair, made(50, REVOCATION, 110, undone.id, enterprise=undone.enterprise)]
        assert link_targets(posted, 109) == {1: 9}
        assert link_targets(posted, 110) == {}, "one side is enough"


def linked(number, name, code, day=100):
    """A link and its mirror, as one authority writes them."""
    return [
        made(number, LINKED_TO, day, code, enterprise=name),
        made(number + 100, LINKED_FROM, day, name, enterprise=code),
    ]


def test_a_link_counts_only_as_a_pair():
    link, mirror = linked(1, 1, 9)
    assert link_targets([mirror, link], 100) == {1: 9}
    assert link_targets([mirror], 100) == link_targets([link], 100) == {}
    assert link_targets([link, mirror], 99) == {}
    found = resolve_links([link, mirror._replace(id=mirror.id + (1 << 48))], 100)
    assert [each.reason for each in found.ignored] == [
        "its mirror on the record of enterprise 9 does not stand"
    ]


def test_a_second_pair_does_not_lend_its_mirror_to_the_first():
    (one, _), (two, other) = linked(1, 1, 9), linked(2, 1, 9)
    assert link_targets([one, two, other, made(50, REVOCATION, 110, one.id)], 120) == {}
    first, mirror = linked(1, 1, 9)
    undo = made(50, REVOCATION, 110, mirror.id, enterprise=9)
    assert link_targets([first, mirror, two, other, undo], 120) == {1: 9}


def test_the_first_link_of_a_name_wins_until_it_is_revoked():
    first, second = linked(5, 1, 9), linked(1, 1, 8, day=101)
    found = resolve_links([*second, *first], 200)
    assert found.targets == {1: 9}
    assert found.ignored == ((second[0], "enterprise 1 is already linked to enterprise 9"),)
    assert link_targets([*first, *second, made(6, REVOCATION, 150, first[0].id)], 200) == {1: 8}


@pytest.mark.parametrize(
    ("links", "targets", "reason"),
    [
        ([(1, 1)], {}, "enterprise 1 is linked to itself"),
        ([(1, 2), (2, 1)], {1: 2}, "enterprise 2 has others linked to it: no chains"),
        ([(1, 2), (2, 3)], {1: 2}, "enterprise 2 has others linked to it: no chains"),
        ([(2, 3), (1, 2)], {2: 3}, "enterprise 2 is itself linked to enterprise 3: no chains"),
    ],
    ids=["itself", "cycle", "chain on", "chain before"],
)
def test_no_chains_and_no_cycles(links, targets, reason):
    posted = [each for n, (name, code) in enumerate(links, 1) for each in linked(n, name, code)]
    found = resolve_links(posted, 100)
    assert found.targets == targets
    assert [each.reason for each in found.ignored] == [reason]


def test_several_names_may_be_one_code():
    posted = [each for n in (1, 2, 3) for each in linked(n, n, 9)]
    assert link_targets(posted, 100) == {1: 9, 2: 9, 3: 9}
