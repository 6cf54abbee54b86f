"""Who may govern, replayed: a deployment as it is meant passes, and each other right is named at its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ledger.audit.access import ADMIN, PUBLIC, AccessState, Expected
from ledger.domain.access_facts import (
    AuthorityUpdated,
    RoleAdminChanged,
    RoleGrantDelayChanged,
    RoleGranted,
    RoleGuardianChanged,
    RoleRevoked,
    TargetAdminDelayUpdated,
    TargetClosed,
    TargetFunctionRoleUpdated,
)
from ledger.domain.facts import Place

if TYPE_CHECKING:
    from ledger.audit.deviation import Deviation
    from ledger.domain.facts import Fact

MANAGER, LEDGER, BOOK = ("0x" + each * 20 for each in ("a0", "a1", "a2"))
DEPLOYER, KEEPER, OFFICER, OPERATOR, STRANGER = ("0x" + each * 20 for each in ("b0", "b1", "b2", "b3", "b4"))
REGISTER, PUBLISH = b"regi", b"publ"
EXPECTED = Expected(
    manager=MANAGER,
    keeper=KEEPER,
    deployer=DEPLOYER,
    roles={1: "GOVERNOR", 2: "REGISTRAR", 4: "GUARDIAN"},
    functions={(LEDGER, REGISTER): 2, (BOOK, PUBLISH): 1},
    guardians={1: 4},
    governor=1,
    authorities={},
)
AT = Place(9, bytes(32), 1_000_000, 3)
SET_UP = [
    RoleGranted(AT, ADMIN, DEPLOYER, 0, 5, True),
    AuthorityUpdated(AT, LEDGER, MANAGER),
    AuthorityUpdated(AT, BOOK, MANAGER),
    TargetFunctionRoleUpdated(AT, LEDGER, REGISTER, 2),
    TargetFunctionRoleUpdated(AT, BOOK, PUBLISH, 1),
    RoleGuardianChanged(AT, 1, 4),
    RoleGranted(AT, 1, DEPLOYER, 0, 5, True),
    RoleGranted(AT, 2, OPERATOR, 0, 5, True),
    RoleGranted(AT, 1, OFFICER, 3600, 5, True),
    RoleGranted(AT, ADMIN, KEEPER, 0, 5, True),
    RoleRevoked(AT, 1, DEPLOYER),
    RoleRevoked(AT, ADMIN, DEPLOYER),
]


def taken(*more: Fact, facts: list[Fact] = SET_UP) -> tuple[AccessState, list[Deviation]]:
    state = AccessState(EXPECTED)
    found = [each for fact in (*facts, *more) for each in state.take(fact)]
    return state, [*found, *state.conclude()]


def test_a_deployment_as_it_is_meant_passes_and_is_told() -> None:
    state, found = taken()
    assert (found, state.settled) == ([], True)
    assert state.lines(AT.timestamp) == [
        f"ADMIN: the keeper {KEEPER}, delay 0 s, since 1970-01-01T00:00:05Z",
        f"GOVERNOR: {OFFICER}, delay 3600 s, since 1970-01-01T00:00:05Z",
        f"REGISTRAR: {OPERATOR}, delay 0 s, since 1970-01-01T00:00:05Z",
    ]


WRONG: list[tuple[Fact, str]] = [
    (RoleGranted(AT, ADMIN, STRANGER, 0, 5, True), f"ADMIN, {STRANGER}"),
    (RoleGranted(AT, ADMIN, DEPLOYER, 0, 5, True), f"ADMIN, {DEPLOYER}"),
    (RoleGranted(AT, 9, STRANGER, 0, 5, True), f"role 9, {STRANGER}"),
    (RoleGranted(AT, 1, STRANGER, 0, 5, True), f"GOVERNOR, {STRANGER}"),
    (RoleGranted(AT, 1, OFFICER, 0, 99, False), f"GOVERNOR, {OFFICER}"),
    (TargetFunctionRoleUpdated(AT, LEDGER, REGISTER, PUBLIC), f"function 0x{REGISTER.hex()} of {LEDGER}"),
    (TargetFunctionRoleUpdated(AT, LEDGER, b"else", 2), f"function 0x{b'else'.hex()} of {LEDGER}"),
    (TargetFunctionRoleUpdated(AT, STRANGER, REGISTER, 2), f"function 0x{REGISTER.hex()} of {STRANGER}"),
    (RoleGuardianChanged(AT, 1, 2), "guardian of GOVERNOR"),
    (RoleGuardianChanged(AT, 2, 4), "guardian of REGISTRAR"),
    (RoleAdminChanged(AT, 2, 1), "who grants REGISTRAR"),
    (RoleGrantDelayChanged(AT, 2, 99, 5), "delay of grants of REGISTRAR"),
    (TargetClosed(AT, LEDGER, True), f"target {LEDGER}"),
    (TargetAdminDelayUpdated(AT, LEDGER, 99, 5), f"delay of changes to {LEDGER}"),
    (AuthorityUpdated(AT, LEDGER, STRANGER), f"access manager of {LEDGER}"),
]


@pytest.mark.parametrize(("fact", "where"), WRONG, ids=[f"{n} {where}" for n, (_, where) in enumerate(WRONG)])
def test_each_other_right_is_named_at_its_place(fact: Fact, where: str) -> None:
    _, found = taken(fact)
    assert found[0].what == "rights of another"
    assert found[0].where == f"block 9, log 3, access manager, {where}"
    assert found[0].expected != found[0].found


@pytest.mark.parametrize(("fact", "where"), WRONG, ids=[f"{n} {where}" for n, (_, where) in enumerate(WRONG)])
def test_it_is_named_in_the_set_up_too(fact: Fact, where: str) -> None:
    if getattr(fact, "account", None) == DEPLOYER:
        return  # who deploys is ADMIN until the end
    _, found = taken(facts=[*SET_UP[:9], fact, *SET_UP[9:]])
    assert f"block 9, log 3, access manager, {where}" in [each.where for each in found]


@pytest.mark.parametrize(
    ("left_out", "where"),
    [
        (1, f"access manager of {LEDGER}"),
        (3, f"access manager, function 0x{REGISTER.hex()} of {LEDGER}"),
        (5, "access manager, guardian of GOVERNOR"),
        (9, "access manager, members of ADMIN"),
        (11, "access manager, members of ADMIN"),
    ],
)
def test_what_was_never_set_is_named_at_the_end(left_out: int, where: str) -> None:
    _, found = taken(facts=[each for at, each in enumerate(SET_UP) if at != left_out])
    assert where in [each.where for each in found]


def test_a_new_member_of_a_working_role_is_no_deviation() -> None:
    state, found = taken(
        RoleGranted(AT, 2, STRANGER, 0, 7, True), RoleGranted(AT, 1, STRANGER, 3600, 7, True)
    )
    assert found == []
    # A delay that is changed holds from when the event says.
    assert list(state.take(RoleGranted(AT, 2, STRANGER, 50, 2_000, False))) == []
    member = state.members[2, STRANGER]
    assert (member.since, member.delay_at(1_999), member.delay_at(2_000)) == (7, 0, 50)


def test_every_account_is_asked_for_every_role_and_a_state_is_kept() -> None:
    state, _ = taken(RoleRevoked(AT, 2, OPERATOR), TargetClosed(AT, LEDGER, True))
    asked = {(each.function, each.arguments): each.answer for each in state.questions(AT.timestamp)}
    assert asked["hasRole", (1, OFFICER)] == (1, 3600)
    assert asked["hasRole", (2, OPERATOR)] == asked["hasRole", (1, OPERATOR)] == (0, 0)
    assert asked["hasRole", (ADMIN, DEPLOYER)] == (0, 0)
    assert asked["getTargetFunctionRole", (LEDGER, REGISTER)] == (2,)
    assert asked["isTargetClosed", (LEDGER,)] == (1,)
    again = AccessState.load(json.loads(json.dumps(state.dump())), EXPECTED)
    assert vars(again) == vars(state)
    assert list(again.questions(AT.timestamp)) == list(state.questions(AT.timestamp))
