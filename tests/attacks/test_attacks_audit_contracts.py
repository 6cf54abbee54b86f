"""A first start with contracts of another making, or with other values in them; the software that audits is untouched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from chain_helpers import Ledger, fresh, ledger_on

from ledger.chain import deployment
from ledger.chain.abi import CONTRACTS, artifact
from ledger.errors import Misconfigured
from ledger.workflows.audit_code import compare_code

if TYPE_CHECKING:
    from collections.abc import Callable

GENUINE = deployment.encode_creation


def started_with(
    folder: Path, creation: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, ...]]:
    """Deploy with creation data of the attacker's, and hold it to the artifacts: what, and of which contract."""
    with monkeypatch.context() as patched:
        patched.setattr(deployment, "encode_creation", creation)
        node, keystore = fresh(folder)
        ledger: Any = ledger_on(node, keystore)
    try:
        assert isinstance(ledger, Ledger)
        last = int(node.request("eth_blockNumber"), 16)
        return [(each.what, each.where.split()[1].strip(",")) for each in compare_code(ledger, 0, last)]
    finally:
        node.close()


def test_every_contract_is_of_another_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last byte of the code is the compiler's version: it changes nothing about what a contract does."""

    def other(name: str, *arguments: Any) -> bytes:
        code = bytes.fromhex(artifact(name)["deployedBytecode"][2:])
        tail = code[-16:]
        genuine = GENUINE(name, *arguments)
        place = genuine.rindex(tail) + len(tail) - 3
        return genuine[:place] + bytes([genuine[place] ^ 1]) + genuine[place + 1 :]

    found = started_with(tmp_path, other, monkeypatch)
    for what in ("code differs from its artifact", "created otherwise than its artifact says"):
        assert {name for each, name in found if each == what} == set(CONTRACTS)


OTHER_VALUES = {
    "Keeper": lambda manager, _: (manager, 3600),
    "Objections": lambda ledger, manager: (manager, manager),
    "CreditLedger": lambda authorities, manager: (manager, manager),
}


def test_contracts_are_given_other_values_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(name: str, *arguments: Any) -> bytes:
        return GENUINE(name, *OTHER_VALUES.get(name, lambda *given: given)(*arguments))

    found = started_with(tmp_path, other, monkeypatch)
    assert {name for _, name in found} == set(OTHER_VALUES)
    assert {what for what, _ in found} == {
        "code differs from its artifact",
        "created otherwise than its artifact says",
    }


def test_a_constructor_of_another_making_leaves_the_genuine_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could have made somebody administrator without an event; the code that stays is the artifact's."""

    def other(name: str, *arguments: Any) -> bytes:
        return seeded(str(arguments[0])) if name == "ScoreBook" else GENUINE(name, *arguments)

    def seeded(manager: str) -> bytes:
        # Slot 0 is the manager's, as the constructor proper has it; slot 254 := 1.
        before = b"\x73" + bytes.fromhex(manager[2:]) + bytes.fromhex("5f55 6001 60fe 55")
        code = bytes.fromhex(artifact("ScoreBook")["deployedBytecode"][2:])
        size, start = len(code).to_bytes(2, "big"), len(before) + 11
        return before + b"\x61" + size + b"\x80\x60" + bytes([start]) + bytes.fromhex("5f39 5ff3 00") + code

    assert started_with(tmp_path, other, monkeypatch) == [
        ("created otherwise than its artifact says", "ScoreBook")
    ]


def test_a_begun_deployment_goes_on_with_the_delay_it_was_begun_with(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path)
    try:
        deployment.deploy(node, keystore, (), (), governance_delay=3600)
        with pytest.raises(Misconfigured, match=r"Keeper at .* was deployed with the governanceDelay 0+e10"):
            deployment.deploy(node, keystore, (), ())
    finally:
        node.close()
