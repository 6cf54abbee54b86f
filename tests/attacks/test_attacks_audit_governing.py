"""Who may govern, changed past this software, or hidden."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, block, deviations, post, record

from ledger.chain.abi import CONTRACTS, event_topics, selector
from ledger.chain.deployment import FUNCTIONS, GOVERNOR
from ledger.errors import ChainRefused
from ledger.workflows.sending import present, send

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office", "audited_ledger"]


EVERYBODY = 2**64 - 1


def govern(ledger: Ledger, function: str, *arguments: Any) -> None:
    """Call the access manager with the governor's key, which has ADMIN unless a keeper has."""
    send(ledger, ledger.contracts.call("AccessManager", function, *arguments), "governor")


def tried(ledger: Ledger, function: str, *arguments: Any) -> bool:
    """Whether the contracts let the act happen at all; where they do not, there is nothing to find."""
    try:
        govern(ledger, function, *arguments)
    except ChainRefused as refused:
        assert "Unauthorized" in str(refused)  # noqa: PT017
        return False
    return True


STRANGER = "0x" + "77" * 20
ACTS = {
    "ADMIN for a stranger": ("grantRole", 0, STRANGER, 0),
    "a new role": ("grantRole", 9, STRANGER, 0),
    "GOVERNOR without a delay of its own": ("grantRole", 1, STRANGER, 3600),
    "setKey for everybody": ("setTargetFunctionRole", "Authorities", ["setKey"], EVERYBODY),
    "register for everybody": ("setTargetFunctionRole", "CreditLedger", ["register"], EVERYBODY),
    "publish for the registrar": ("setTargetFunctionRole", "ScoreBook", ["publish"], 2),
    "another guardian": ("setRoleGuardian", 1, 2),
    "another who grants": ("setRoleAdmin", 2, 3),
    "a closed contract": ("setTargetClosed", "CreditLedger", True),
    "a delay on grants": ("setGrantDelay", 2, 86_400 * 30),
    "a delay on a contract": ("setTargetAdminDelay", "ScoreBook", 86_400 * 30),
    "another manager": ("updateAuthority", "ScoreBook", None),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_who_may_govern_is_changed(ledger: Ledger, act: tuple[Any, ...]) -> None:
    function, *arguments = act
    if isinstance(arguments[0], str):
        contract = arguments[0]
        arguments[0] = ledger.contracts.address(contract)
        if function == "setTargetFunctionRole":
            arguments[1] = [selector(contract, each) for each in arguments[1]]
        elif function == "updateAuthority":
            arguments[1] = ledger.contracts.address("Authorities")
    if tried(ledger, function, *arguments):
        found = deviations(ledger)
        assert "rights of another" in [what for what, _ in found], found
        assert all("access manager" in where for what, where in found if what == "rights of another")


def test_a_mapping_opened_and_closed_again_is_named_for_good(ledger: Ledger) -> None:
    target, needed = ledger.contracts.address("CreditLedger"), [selector("CreditLedger", "register")]
    if tried(ledger, "setTargetFunctionRole", target, needed, EVERYBODY):
        govern(ledger, "setTargetFunctionRole", target, needed, 2)
        ((what, where),) = deviations(ledger)
        assert (what, where.partition("access manager, ")[2]) == (
            "rights of another",
            f"function 0x{needed[0].hex()} of {target.lower()}",
        )


def test_an_admin_who_came_and_went_is_named_for_good(ledger: Ledger) -> None:
    if tried(ledger, "grantRole", 0, STRANGER, 0):
        govern(ledger, "revokeRole", 0, STRANGER)
        assert [what for what, _ in deviations(ledger)] == ["rights of another"]


def test_the_report_says_who_may_govern(ledger: Ledger) -> None:
    report = audited(ledger)
    said = "\n".join(report.members)
    for name, key in (("GOVERNOR", "governor"), ("REGISTRAR", "operator"), ("GUARDIAN", "guardian")):
        assert f"{name}: " in said
        assert ledger.keystore.address(key).lower() in said
    assert ledger.keystore.address("deployer").lower() not in said
    assert "Who may govern" in report.to_text()
    assert report.checked["role_changes"] > 10
    assert report.checked["contracts"] == len(CONTRACTS) == len(ledger.deployment.addresses)


def test_a_node_that_hides_an_event_of_the_access_manager(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay then lacks a member, and the contract's own answer does not."""
    from ledger.chain import logs

    honest = logs.get_logs
    topic = "0x" + event_topics("AccessManager")["RoleGranted"].hex()

    def hiding(*arguments: Any) -> Any:
        return (
            raw
            for raw in honest(*arguments)
            if raw["topics"][0] != topic or not raw["topics"][1].endswith("3")
        )

    monkeypatch.setattr(logs, "get_logs", hiding)
    operator = ledger.keystore.address("operator").lower()
    assert [each for each in deviations(ledger) if each[0] == "contract state differs"] == [
        (
            "contract state differs",
            f"contract at block {block(ledger)}, access manager, hasRole(3, {operator})",
        )
    ]


# ---------------------------------------------------------------- acts of the governor, all of them allowed


def acts(ledger: Ledger) -> dict[tuple[str, str], tuple[tuple[Any, ...], str, str]]:
    """An act for each function that needs the governor: arguments, on whom it is, and what is said of it."""
    today, now = ledger.today(), present(ledger) + 1000
    code, card, key = b"GACC-1".ljust(32, b"\0"), bytes(range(32)), ledger.keystore.address("authority:STA")
    grown = ledger.authorities["SAFE"].mandate | 1 << 200
    return {
        ("Authorities", "addAuthority"): ((code, 2, 0, STRANGER, 2**40), "GACC-1", "added as authority 8"),
        ("Authorities", "setMandate"): ((3, grown, 0, now), "SAFE", "may write type 200; one officer for"),
        ("Authorities", "setKey"): ((4, STRANGER, now, 2**48 - 1), "SAMR", f"key {STRANGER} set, from"),
        ("Authorities", "declareCompromised"): (
            (2, key, 5),
            "STA",
            f"key {key.lower()} declared compromised",
        ),
        ("Authorities", "setFourEyes"): ((1, True), "GACC", "four eyes on"),
        ("Authorities", "setSuspended"): ((6, True), "PLATFORM", "suspended"),
        ("ScoreBook", "registerCard"): ((card, today + 99), "cards", card.hex()),
        ("Objections", "setAnswerPeriod"): ((9, today + 1), "time for answers", "9 days from"),
        ("Keeper", "grant"): ((2, STRANGER), "role REGISTRAR", f"given to {STRANGER}"),
        ("Keeper", "revoke"): ((4, ledger.keystore.address("guardian")), "role GUARDIAN", "taken from 0x"),
    }


def test_every_act_of_the_governor_is_for_review(ledger: Ledger) -> None:
    done = acts(ledger)
    assert set(done) == {
        (contract, function)
        for contract, needs in FUNCTIONS.items()
        for function, role in needs.items()
        if role == GOVERNOR
    }
    for (contract, function), (arguments, _, _) in done.items():
        send(ledger, ledger.contracts.call(contract, function, *arguments), "governor")
    report = audited(ledger)
    assert not report.deviations
    said = {each.where.partition(",")[0]: each.why for each in report.review}
    for _, subject, text in done.values():
        assert text in said[subject], subject
    (unknown,) = (
        each for each in report.review if each.what == "authorities that the catalogue does not have"
    )
    assert unknown.where == "8 GACC-1"
    assert len(report.to_text().splitlines()) < 80


def test_what_one_officer_wrote_while_four_eyes_were_off(ledger: Ledger) -> None:
    """On, off, a serious record by an ordinary key, on again; and the same by a mandate without weighty types."""
    key = ledger.keystore.address("authority:GACC").lower()
    gacc, contracts = ledger.authorities["GACC"], ledger.contracts
    serious = next(
        each.code
        for each in ledger.catalogue.types
        if each.severity == 3 and gacc.may_write(each.number) and each.kind == "event"
    )
    for required in (True, False):
        send(ledger, contracts.set_four_eyes(1, required), "governor")
    post(ledger, "GACC", record(ledger, serious), record(ledger, "CU04"))
    send(ledger, contracts.set_four_eyes(1, True), "governor")
    found = {each.what: each for each in audited(ledger).review}
    written = found["weighty records by one officer"]
    assert written.why == f"1 record by the account {key}, from GACC-4 on, with four eyes off for them"
    assert "four eyes off" in found["acts of the governor"].why

    send(ledger, contracts.set_mandate(1, gacc.mandate, 0, present(ledger) + 1), "governor")
    send(ledger, contracts.checkpoint())
    post(ledger, "GACC", record(ledger, serious))
    written = next(each for each in audited(ledger).review if each.what == written.what)
    assert written.why == f"2 records by the account {key}, from GACC-4 on, with four eyes off for them"
