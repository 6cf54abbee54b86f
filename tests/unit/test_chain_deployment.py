"""Deploying: what results, whoever interrupts it wherever, on the embedded chain and on anvil."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from chain_helpers import PASSPHRASE, Ledger, fresh, funded, ledger_on
from nodes import Anvil

from ledger.chain.contracts import Contracts, Deployment
from ledger.chain.deployment import (
    ADMIN,
    ASSESSOR,
    GOVERNOR,
    NO_END,
    REGISTRAR,
    check_chain,
    deploy,
)
from ledger.chain.keystore import Keystore, authority_key
from ledger.chain.logs import read_facts
from ledger.chain.rpc import HttpNode, Node
from ledger.chain.submitter import Reverted, Submitter
from ledger.domain.catalogue import default_authorities
from ledger.domain.facts import AuthorityAdded
from ledger.errors import ChainUnavailable, Conflict, Misconfigured
from ledger.scoring.cards import load_cards


class Interrupting:
    """A node that fails at the n-th request: before it happens, or after it happened."""

    def __init__(self, real: Node, at: int, *, afterwards: bool) -> None:
        self.real = real
        self.where = real.where
        self.left = at
        self.afterwards = afterwards

    def request(self, method: str, *params: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.afterwards:
            raise ChainUnavailable("cut off before")
        result = self.real.request(method, *params)
        if self.left == 0:
            raise ChainUnavailable("cut off after")
        return result

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(method, *params) for method, *params in calls]

    def close(self) -> None:
        self.real.close()


def complete(node: Node, keystore: Keystore, deployment: Deployment) -> None:
    """Assert that everything is deployed, once, and in the right hands."""
    contracts = Contracts(node, deployment)
    authorities = default_authorities()
    assert contracts.authority_count() == len(authorities)
    for each in authorities:
        key = keystore.address(authority_key(each.code))
        assert contracts.mandate_now(each.number) == each.mandate
        start, until = contracts.key_window(each.number, key)
        assert 0 < start < until == NO_END
        assert not contracts.suspended(each.number)
    for card in load_cards():
        assert contracts.card_effective_on(card.hash) == card.effective_on
    members = {
        (role, name)
        for role in (ADMIN, GOVERNOR, REGISTRAR, ASSESSOR)
        for name in ("deployer", "governor", "operator")
        if has_role(contracts, role, keystore.address(name))
    }
    assert has_role(contracts, ADMIN, deployment.keeper)
    assert members == {
        (GOVERNOR, "governor"),
        (REGISTRAR, "operator"),
        (ASSESSOR, "operator"),
    }
    found = list(
        read_facts(node, deployment.addresses, deployment.block, int(node.request("eth_blockNumber"), 16))
    )
    assert [f.code for f in found if isinstance(f, AuthorityAdded)] == [a.code for a in authorities]
    assert node.request("eth_getCode", deployment.access_manager, hex(deployment.block - 1)) == "0x"


def has_role(contracts: Contracts, role: int, account: str) -> bool:
    call = contracts.call("AccessManager", "hasRole", role, account)
    answer = contracts.node.request("eth_call", {"to": call.to, "data": "0x" + call.data.hex()}, "latest")
    return int(answer[2:66], 16) == 1


def test_on_the_embedded_chain(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path)
    heard: list[str] = []
    deployment = deploy(node, keystore, default_authorities(), load_cards(), progress=heard.append)
    complete(node, keystore, deployment)
    assert heard[0] == f"1/{len(heard)} create AccessManager"
    assert heard[-1] == f"{len(heard)}/{len(heard)} hand over"
    head = node.request("eth_blockNumber")
    assert deploy(node, keystore, default_authorities(), load_cards()) == deployment
    assert node.request("eth_blockNumber") == head
    assert Deployment.from_json(deployment.to_json()) == deployment
    check_chain(node, deployment)
    node.close()


@pytest.mark.parametrize("afterwards", [False, True], ids=["not persisted", "persisted anyway"])
def test_interrupted_again_and_again(tmp_path: Path, afterwards: bool) -> None:
    """Cut off at the first request, the second, and so on; after each step done, from the first again."""
    node, keystore = fresh(tmp_path)
    deployer, at, done, cuts = keystore.address("deployer"), 1, 0, []
    while True:
        try:
            cut = Interrupting(node, at, afterwards=afterwards)
            deployment = deploy(cut, keystore, default_authorities(), load_cards())
            break
        except ChainUnavailable:
            cuts.append((done, at))
        sent = int(node.request("eth_getTransactionCount", deployer, "latest"), 16)
        at, done = (at + 1, done) if sent == done else (1, sent)
    assert {steps for steps, _ in cuts} == set(range(done + 1))
    assert len(cuts) > 5 * done
    complete(node, keystore, deployment)
    node.close()


def test_the_right_to_change_things(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path)
    ledger = ledger_on(node, keystore)
    cases = [
        ("deployer", ledger.contracts.set_suspended(1, True)),
        ("operator", ledger.contracts.set_suspended(1, True)),
        ("governor", ledger.contracts.register(1, [os.urandom(32)])),
        ("operator", ledger.contracts.register_card(os.urandom(32), 20_000)),
        (
            "governor",
            ledger.contracts.publish(1, load_cards()[0].hash, 20_600, os.urandom(32), 1, 0, 0, bytes(32)),
        ),
    ]
    for name, call in cases:
        with pytest.raises(Reverted, match="AccessManagedUnauthorized"):
            Submitter(node, keystore, name).execute(call, 300_000)
    governor = Submitter(node, keystore, "governor")
    governor.execute(ledger.contracts.set_suspended(1, True), 300_000)
    assert ledger.contracts.suspended(1)
    ledger.register(1)
    with pytest.raises(Reverted, match=r"Suspended\(authority=1\)"):
        ledger.record([1])
    node.close()


def test_a_deployer_used_for_something_else(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path)
    deployment = deploy(node, keystore, default_authorities(), load_cards())
    Submitter(node, keystore, "deployer").execute(Contracts(node, deployment).checkpoint(), 200_000)
    with pytest.raises(Conflict, match="transactions"):
        deploy(node, keystore, default_authorities(), load_cards())
    node.close()


def test_a_step_that_would_fail_spends_no_nonce(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path)
    twice = (default_authorities()[0], default_authorities()[0]._replace(number=2))
    with pytest.raises(Reverted, match="CodeTaken"):
        deploy(node, keystore, twice, load_cards())
    assert node.request("eth_getTransactionCount", keystore.address("deployer"), "latest") == hex(8)
    node.close()


def test_another_chain_is_noticed(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path / "a")
    deployment = deploy(node, keystore, default_authorities(), load_cards())
    node.close()
    other, _ = fresh(tmp_path / "b")
    with pytest.raises(Misconfigured, match="genesis"):
        check_chain(other, deployment)
    genesis = other.request("eth_getBlockByNumber", "0x0", False)["hash"]
    with pytest.raises(Misconfigured, match="synchronising"):
        check_chain(other, Deployment(**{**deployment.to_json(), "genesis_hash": genesis, "block": 9}))
    other.close()


@pytest.mark.parametrize("content", [{}, {"chain_id": 1}])
def test_what_is_no_deployment(content: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        Deployment.from_json(content)


# ---------------------------------------------------------------------- the same on anvil


def on_anvil(anvil: Anvil, folder: Path) -> Ledger:
    keystore = Keystore.open_or_create(folder / "keystore.json", PASSPHRASE)
    anvil.fund(*funded(keystore))
    return ledger_on(HttpNode(anvil.url), keystore)


@pytest.mark.anvil
def test_on_anvil(tmp_path: Path, anvil: Anvil) -> None:
    ledger = on_anvil(anvil, tmp_path)
    complete(ledger.node, ledger.keystore, ledger.deployment)
    ledger.register(5)
    receipt = ledger.record([1, 2, 2, 5])
    assert ledger.contracts.log_size() == 3
    with pytest.raises(Reverted, match=r"WrongNumber\(expected=5\)"):
        ledger.record([1], first=9)
    facts = list(
        read_facts(ledger.node, ledger.deployment.addresses, receipt.block_number, receipt.block_number)
    )
    assert [type(f).__name__ for f in facts] == ["BatchRecorded", "Run", "Run", "Run"]


@pytest.mark.anvil
def test_interrupted_on_anvil(tmp_path: Path, anvil: Anvil) -> None:
    keystore = Keystore.open_or_create(tmp_path / "keystore.json", PASSPHRASE)
    anvil.fund(*funded(keystore))
    node = HttpNode(anvil.url)
    for attempt in range(5, 1000, 3):
        try:
            cut = Interrupting(node, attempt, afterwards=attempt % 2 == 0)
            deployment = deploy(cut, keystore, default_authorities(), load_cards())
        except ChainUnavailable:
            continue
        break
    complete(node, keystore, deployment)


@pytest.mark.anvil
def test_without_money_the_node_says_who_needs_how_much(tmp_path: Path, anvil: Anvil) -> None:
    keystore = Keystore.open_or_create(tmp_path / "keystore.json", PASSPHRASE)
    with pytest.raises(Misconfigured, match=r"deployer 0x.* has 0 wei"):
        deploy(HttpNode(anvil.url), keystore, default_authorities(), load_cards())
    anvil.fund(keystore.address("deployer"))
    with pytest.raises(Misconfigured, match=r"operator 0x.* has 0 wei"):
        deploy(HttpNode(anvil.url), keystore, default_authorities(), load_cards())


@pytest.mark.anvil
def test_both_chains_give_the_same_blocks_of_logs(tmp_path: Path, anvil: Anvil) -> None:
    """The same transactions cost the same gas and leave the same logs on py-evm and on anvil."""
    results = []
    node, keystore = fresh(tmp_path / "embedded")
    for ledger in (ledger_on(node, keystore), on_anvil(anvil, tmp_path / "embedded")):
        commitments = [bytes((n,)) * 32 for n in range(1, 31)]
        registered = ledger.operator.execute(ledger.contracts.register(1, commitments), 3_000_000)
        logs = ledger.node.request("eth_getLogs", {"fromBlock": hex(registered.block_number)})
        shown = [(log["topics"], log["data"], log["logIndex"], log["address"]) for log in logs]
        heads = ledger.contracts.heads(range(1, 31))
        results.append((registered.gas_used, shown, heads))
    assert results[0] == results[1]
    node.close()


def test_with_a_delay_the_governor_announces_and_the_guardian_may_cancel(tmp_path: Path) -> None:
    node, keystore = fresh(tmp_path)
    deployment = deploy(node, keystore, default_authorities()[:1], load_cards(), governance_delay=86_400)
    contracts = Contracts(node, deployment)
    governor, operator = (Submitter(node, keystore, name) for name in ("governor", "operator"))
    wanted = contracts.set_suspended(1, True)
    with pytest.raises(Reverted, match=r"AccessManagerNotScheduled|AccessManagedRequiredDelay"):
        governor.execute(wanted, 300_000)
    schedule = contracts.call("AccessManager", "schedule", wanted.to, wanted.data, 0)
    governor.execute(schedule, 300_000)
    with pytest.raises(Reverted, match="AccessManagerNotReady"):
        governor.execute(wanted, 300_000)
    cancel = contracts.call("AccessManager", "cancel", keystore.address("governor"), wanted.to, wanted.data)
    with pytest.raises(Reverted, match="AccessManagerUnauthorizedCancel"):
        operator.execute(cancel, 300_000)  # the operator is none
    assert not contracts.suspended(1)
    sender = keystore.address("guardian")
    node.request("eth_call", {"from": sender, "to": cancel.to, "data": "0x" + cancel.data.hex()}, "latest")
