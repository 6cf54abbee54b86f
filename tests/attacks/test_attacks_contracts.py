"""What the contracts themselves refuse, whoever holds the keys: each attack with the real key, on the embedded chain.

A tool of the attacker's own is meant: he calls the contracts directly and passes by every check of this software.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from chain_helpers import Ledger, deployed, fresh, record_bytes

from ledger.chain.abi import selector
from ledger.chain.contracts import Call, Contracts
from ledger.chain.deployment import ADMIN, ASSESSOR, GOVERNOR, GUARDIAN, REGISTRAR, deploy
from ledger.chain.keystore import authority_key
from ledger.chain.submitter import Reverted, Submitter
from ledger.domain.catalogue import default_authorities, load_catalogue
from ledger.scoring.cards import load_cards

if TYPE_CHECKING:
    from collections.abc import Iterator

STRANGER = "0x" + "77" * 20
EVERYBODY = 2**64 - 1
GAS = 500_000
#: Seconds between announcing and doing, where there is a delay.
DELAY = 4


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose governor acts at once: the weakest set-up."""
    found = deployed(tmp_path)
    yield found
    found.node.close()


@pytest.fixture
def delayed(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose governor announces what it does."""
    node, keystore = fresh(tmp_path)
    deployment = deploy(node, keystore, default_authorities()[:1], load_cards(), governance_delay=DELAY)
    yield Ledger(
        node, keystore, deployment, Contracts(node, deployment), Submitter(node, keystore, "operator")
    )
    node.close()


def act(ledger: Ledger, call: Call, key: str = "governor") -> None:
    if key not in {
        "governor",
        "operator",
        "deployer",
    }:  # the others send nothing by themselves, and have nothing
        ledger.operator.execute(Call(ledger.keystore.address(key), b"", 10**17), 21_000)
    Submitter(ledger.node, ledger.keystore, key).execute(call, GAS)


def role(ledger: Ledger, number: int, account: str) -> list[Any]:
    return list(ledger.contracts.view("AccessManager", "hasRole", number, account))


def announce(ledger: Ledger, call: Call) -> None:
    act(ledger, ledger.contracts.call("AccessManager", "schedule", call.to, call.data, 0))


def pass_delay(ledger: Ledger) -> None:
    """Mine blocks until what was announced last is due; the time of blocks is a second apart at least."""
    due = chain_time(ledger) + DELAY
    while chain_time(ledger) < due:
        ledger.operator.execute(ledger.contracts.checkpoint(), GAS)


def chain_time(ledger: Ledger) -> int:
    return int(ledger.node.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


# ---------------------------------------------------------------- who governs

ADMINISTER = {
    "administrator": ("grantRole", ADMIN, STRANGER, 0),
    "administrator again, for himself": ("grantRole", ADMIN, None, 0),
    "governor without a delay": ("grantRole", GOVERNOR, STRANGER, 0),
    "setKey for everybody": ("setTargetFunctionRole", "Authorities", ["setKey"], EVERYBODY),
    "register for everybody": ("setTargetFunctionRole", "CreditLedger", ["register"], EVERYBODY),
    "the keeper for everybody": ("setTargetFunctionRole", "Keeper", ["grant"], EVERYBODY),
    "no guardian": ("setRoleGuardian", GOVERNOR, ADMIN),
    "governors grant roles": ("setRoleAdmin", REGISTRAR, GOVERNOR),
    "the ledger closed": ("setTargetClosed", "CreditLedger", True),
    "another manager": ("updateAuthority", "Keeper", STRANGER),
}


@pytest.mark.parametrize("call", ADMINISTER.values(), ids=ADMINISTER)
def test_the_governor_administers_nothing(ledger: Ledger, call: tuple[Any, ...]) -> None:
    """By any key of the installation: at once, announced, or through the manager's own `execute`."""
    function, *arguments = call
    if isinstance(arguments[0], str):
        contract = arguments[0]
        arguments[0] = ledger.contracts.address(contract)
        if function == "setTargetFunctionRole":
            arguments[1] = [selector(contract, each) for each in arguments[1]]
    arguments = [ledger.keystore.address("governor") if each is None else each for each in arguments]
    wanted = ledger.contracts.call("AccessManager", function, *arguments)
    announced = ledger.contracts.call("AccessManager", "schedule", wanted.to, wanted.data, 0)
    through = ledger.contracts.call("AccessManager", "execute", wanted.to, wanted.data)
    for key in ("governor", "deployer", "operator"):
        for each in (wanted, announced, through):
            with pytest.raises(Reverted, match="AccessManagerUnauthorized"):
                act(ledger, each, key)


@pytest.mark.parametrize("wanted", [ADMIN, 5, 9, EVERYBODY])
def test_the_keeper_hands_on_no_other_role(ledger: Ledger, wanted: int) -> None:
    for call in (ledger.contracts.grant_role, ledger.contracts.revoke_role):
        with pytest.raises(Reverted, match=f"NotAWorkingRole\\(role={wanted}\\)"):
            act(ledger, call(wanted, ledger.deployment.keeper))


@pytest.mark.parametrize("key", ["operator", "guardian", "deployer"])
def test_the_keeper_hears_the_governor_alone(ledger: Ledger, key: str) -> None:
    sender = ledger.keystore.address(key)
    call = ledger.contracts.grant_role(GOVERNOR, sender)
    with pytest.raises(Reverted, match="AccessManagedUnauthorized"):
        act(ledger, call, key)
    assert role(ledger, GOVERNOR, sender) == [False, 0]


def test_a_governor_of_the_governors_making_has_its_delay(delayed: Ledger) -> None:
    """And granting himself the role once more does not take the governor's own away."""
    for account in (STRANGER, delayed.keystore.address("governor")):
        call = delayed.contracts.grant_role(GOVERNOR, account)
        with pytest.raises(Reverted, match=r"NotScheduled|RequiredDelay"):
            act(delayed, call)
        announce(delayed, call)
        pass_delay(delayed)
        act(delayed, call)
        assert role(delayed, GOVERNOR, account) == [True, DELAY]


def test_the_guardian_stops_who_would_be_governor(delayed: Ledger) -> None:
    call = delayed.contracts.grant_role(GOVERNOR, STRANGER)
    announce(delayed, call)
    governor = delayed.keystore.address("governor")
    act(delayed, delayed.contracts.call("AccessManager", "cancel", governor, call.to, call.data), "guardian")
    pass_delay(delayed)
    with pytest.raises(Reverted, match="NotScheduled"):
        act(delayed, call)
    assert role(delayed, GOVERNOR, STRANGER) == [False, 0]


def test_the_guardian_stops_its_own_dismissal(delayed: Ledger) -> None:
    guardian, governor = (delayed.keystore.address(each) for each in ("guardian", "governor"))
    call = delayed.contracts.revoke_role(GUARDIAN, guardian)
    announce(delayed, call)
    act(delayed, delayed.contracts.call("AccessManager", "cancel", governor, call.to, call.data), "guardian")
    assert role(delayed, GUARDIAN, guardian) == [True, 0]


def test_the_working_roles_go_on(ledger: Ledger) -> None:
    """What the keeper is for: another assessor, and the old one's end."""
    act(ledger, ledger.contracts.grant_role(ASSESSOR, STRANGER))
    act(ledger, ledger.contracts.revoke_role(ASSESSOR, ledger.keystore.address("operator")))
    assert role(ledger, ASSESSOR, STRANGER) == [True, 0]
    assert role(ledger, ASSESSOR, ledger.keystore.address("operator")) == [False, 0]


# ---------------------------------------------------------------- weight, cards, answers


@pytest.mark.parametrize("severity", [0, 1, 2, 3])
def test_a_weighty_type_under_any_severity(ledger: Ledger, severity: int) -> None:
    """Four eyes go by type: what the writer says of the severity does not matter."""
    act(ledger, ledger.contracts.set_four_eyes(1, True))
    ledger.register(1)
    kind = load_catalogue().by_code["CU01"].number
    record = bytearray(record_bytes(1, kind))
    record[10] = severity
    key = authority_key("GACC")
    with pytest.raises(Reverted, match=r"NeedsWallet\(index=0\)"):
        act(ledger, ledger.contracts.record(1, 1, bytes(record)), key)


def test_a_card_before_the_last(ledger: Ledger) -> None:
    """A lenient card is slipped in for days that another card is in force already."""
    last = max(card.effective_on for card in load_cards())
    for day in (last, last - 1):
        with pytest.raises(Reverted, match="CardOutOfOrder"):
            act(ledger, ledger.contracts.register_card(b"\x01" * 32, day))


def test_a_superseded_card(ledger: Ledger) -> None:
    card = max(load_cards(), key=lambda each: each.effective_on)
    today = (int(time.time()) + 8 * 3600) // 86400
    act(ledger, ledger.contracts.register_card(b"\x01" * 32, today))
    call = ledger.contracts.publish(1, card.hash, today, bytes(32), 0, 0, 0, bytes(32))
    with pytest.raises(Reverted, match="CardSuperseded"):
        act(ledger, call, "operator")


def test_an_assessment_of_a_block_to_come(ledger: Ledger) -> None:
    card = max(load_cards(), key=lambda each: each.effective_on)
    today = (int(time.time()) + 8 * 3600) // 86400
    call = ledger.contracts.publish(1, card.hash, today, bytes(32), 0, 10**6, 0, bytes(32))
    with pytest.raises(Reverted, match="BlockInFuture"):
        act(ledger, call, "operator")


@pytest.mark.parametrize("days", [0, 61, 2**31, 2**32 - 1])
def test_an_answer_period_without_end(ledger: Ledger, days: int) -> None:
    today = (int(time.time()) + 8 * 3600) // 86400
    with pytest.raises(Reverted, match="InvalidPeriod"):
        act(ledger, ledger.contracts.set_answer_period(days, today + 1))
