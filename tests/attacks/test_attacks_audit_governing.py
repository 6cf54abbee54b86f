"""Who may govern, changed past this software, or hidden."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, block, deviations

from ledger.chain.abi import CONTRACTS, event_topics, selector
from ledger.errors import ChainRefused
from ledger.workflows.sending import send

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
