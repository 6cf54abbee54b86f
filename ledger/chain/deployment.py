"""Deploying the contracts: a list of steps, each the deployer's transaction of that number.

The deployer's nonce says how many steps are done, and a contract's address follows from deployer and
nonce, so a deployment that was interrupted anywhere is continued by calling `deploy` again. The deployer
key serves nothing else. At the end every right is with the governor (authorities, cards, who has a role) and
the operator (registering, assessing); the deployer has given up its own, and nobody is administrator but the
keeper, a contract that hands on grants and revocations of the working roles alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.chain.abi import CONTRACTS, encode_call, encode_creation, selector
from ledger.chain.accounts import MAX_TRANSACTION_GAS, created_address
from ledger.chain.contracts import Call, Contracts, Deployment, field_of
from ledger.chain.keystore import authority_key
from ledger.chain.rpc import RpcRefused
from ledger.chain.submitter import Submitter, reason
from ledger.chain.versions import check_code, contracts_version, immutables
from ledger.errors import Conflict, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger.chain.abi import Argument
    from ledger.chain.keystore import Keystore
    from ledger.chain.rpc import Node
    from ledger.domain.catalogue import Authority
    from ledger.scoring.cards import Scorecard

#: Roles of the access manager. 0 is OpenZeppelin's admin: after set-up, the keeper.
ADMIN, GOVERNOR, REGISTRAR, ASSESSOR, GUARDIAN = 0, 1, 2, 3, 4
#: Until when a first key is valid: 9999-12-31T23:59:59Z, a date every calendar and database can hold.
NO_END: Final = 253_402_300_799
#: Gas a whole deployment is sure to stay below, and gas an operator needs to begin with: for the check of
#: funds.
DEPLOYMENT_GAS, OPERATING_GAS = 20_000_000, 10_000_000

#: Which role each function that needs one needs, by contract.
FUNCTIONS: Final = {
    "Authorities": dict.fromkeys(
        ("addAuthority", "setMandate", "setKey", "declareCompromised", "setFourEyes", "setSuspended"),
        GOVERNOR,
    ),
    "CreditLedger": {"register": REGISTRAR},
    "ScoreBook": {"registerCard": GOVERNOR, "publish": ASSESSOR},
    "Objections": {"setAnswerPeriod": GOVERNOR, "setEnterpriseKey": REGISTRAR, "openFor": REGISTRAR},
    "Keeper": {"grant": GOVERNOR, "revoke": GOVERNOR},
}
#: Who has which role. The deployer governs until it hands over.
_MEMBERS: Final = (
    (GOVERNOR, "deployer"),
    (REGISTRAR, "operator"),
    (ASSESSOR, "operator"),
)
#: The working roles, by the names they are labelled with.
ROLES: Final = {
    GOVERNOR: "GOVERNOR",
    REGISTRAR: "REGISTRAR",
    ASSESSOR: "ASSESSOR",
    GUARDIAN: "GUARDIAN",
}
#: Which role may cancel what another has announced.
GUARDIANS: Final = {GOVERNOR: GUARDIAN}


class Step(NamedTuple):
    """One transaction of the deployer; `what` is for people."""

    what: str
    call: Call


def check_chain(node: Node, deployment: Deployment) -> None:
    """Raise `Misconfigured` unless the node is on the deployment's chain and has come as far as its block.

    Only blocks are asked for: state would load the EVM where the chain is embedded, for every verb.
    """
    chain_id, genesis, latest = node.requests(
        [("eth_chainId",), ("eth_getBlockByNumber", "0x0", False), ("eth_blockNumber",)]
    )
    if int(chain_id, 16) != deployment.chain_id or genesis["hash"] != deployment.genesis_hash:
        raise Misconfigured(
            f"{node.where} is chain {int(chain_id, 16)} with genesis {genesis['hash']}; this ledger was "
            f"deployed on chain {deployment.chain_id} with genesis {deployment.genesis_hash}"
        )
    if int(latest, 16) < deployment.block:
        raise Misconfigured(
            f"{node.where} is at block {int(latest, 16)}, and this ledger's contracts came in block "
            f"{deployment.block}: is it still synchronising?"
        )


def deploy(
    node: Node,
    keystore: Keystore,
    authorities: Sequence[Authority],
    cards: Sequence[Scorecard],
    *,
    governance_delay: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Deployment:
    """Deploy, or finish a deployment that was begun, or return the finished one. `progress` hears each step.

    What the governor does, it has to announce `governance_delay` seconds before, by `AccessManager.schedule`,
    and the guardian may cancel it meanwhile. With 0, right for a trial on one machine, it acts at once. A
    deployment that is continued must be given the same delay.

    Keys of the authorities are made in the keystore. Raises `Misconfigured` where gas is priced and the
    deployer or operator has no money, `Conflict` if the deployer key was used for something else, and the
    submitter's errors.
    """
    submitter = Submitter(node, keystore, "deployer")
    addresses = {name: created_address(submitter.address, i) for i, name in enumerate(CONTRACTS)}
    steps = _steps(keystore, addresses, authorities, cards, governance_delay)
    done = int(node.request("eth_getTransactionCount", submitter.address, "latest"), 16)
    if done > len(steps):
        raise Conflict(
            f"the deployer {submitter.address} sent {done} transactions, and a deployment has {len(steps)}"
        )
    fixed = immutables(int(node.request("eth_chainId"), 16), addresses, governance_delay)
    check_code(node, {name: addresses[name] for name in CONTRACTS[:done]}, fixed)
    if done < len(steps):
        _check_funds(node, keystore)
    for number, step in enumerate(steps[done:], done + 1):
        progress(f"{number}/{len(steps)} {step.what}")
        submitter.execute(step.call, _gas(node, submitter.address, step))
    deployment = _describe(node, submitter.address, addresses)
    _check_result(node, deployment, authorities, cards)
    return deployment


# ---------------------------------------------------------------------- the steps


def _steps(
    keystore: Keystore,
    at: dict[str, str],
    authorities: Sequence[Authority],
    cards: Sequence[Scorecard],
    delay: int,
) -> list[Step]:
    manager, deployer = at["AccessManager"], keystore.address("deployer")
    made = creations(at, deployer, delay)
    steps = [Step(f"create {name}", Call("", made[name])) for name in CONTRACTS]
    steps.append(Step("set roles", _multicall(manager, _roles(keystore, at))))
    for each in authorities:
        key = keystore.ensure(authority_key(each.code))
        code = each.code.encode().ljust(32, b"\0")
        data = encode_call("Authorities", "addAuthority", code, each.mandate, each.weighty, key, NO_END)
        steps.append(Step(f"add authority {each.code}", Call(at["Authorities"], data)))
    for card in cards:
        data = encode_call("ScoreBook", "registerCard", card.hash, card.effective_on)
        steps.append(Step(f"register card {card.name}", Call(at["ScoreBook"], data)))
    steps.append(Step("hand over", _multicall(manager, _handover(keystore, at["Keeper"], delay))))
    return steps


def creations(at: Mapping[str, str], deployer: str, governance_delay: int) -> dict[str, bytes]:
    """Return the data of the transaction that creates each contract; `at` has their addresses, by name."""
    manager = at["AccessManager"]
    arguments: dict[str, tuple[Argument, ...]] = {
        "AccessManager": (deployer,),
        "Authorities": (manager,),
        "CreditLedger": (at["Authorities"], manager),
        "ScoreBook": (manager,),
        "Objections": (at["CreditLedger"], manager),
        "Keeper": (manager, governance_delay),
    }
    return {name: encode_creation(name, *arguments[name]) for name in CONTRACTS}


def _multicall(manager: str, calls: list[bytes]) -> Call:
    return Call(manager, encode_call("AccessManager", "multicall", calls))


def _roles(keystore: Keystore, at: dict[str, str]) -> list[bytes]:
    """The calls that say which role may call what, and who has the roles."""
    calls = [encode_call("AccessManager", "labelRole", role, label) for role, label in ROLES.items()]
    for contract, functions in FUNCTIONS.items():
        for role in sorted(set(functions.values())):
            selectors = [selector(contract, f) for f, r in functions.items() if r == role]
            calls.append(encode_call("AccessManager", "setTargetFunctionRole", at[contract], selectors, role))
    calls += [encode_call("AccessManager", "setRoleGuardian", role, by) for role, by in GUARDIANS.items()]
    calls.append(encode_call("AccessManager", "grantRole", GUARDIAN, keystore.ensure("guardian"), 0))
    for role, name in _MEMBERS:
        calls.append(encode_call("AccessManager", "grantRole", role, keystore.address(name), 0))
    return calls


def _handover(keystore: Keystore, keeper: str, delay: int) -> list[bytes]:
    deployer, governor = keystore.address("deployer"), keystore.address("governor")
    return [
        encode_call("AccessManager", "grantRole", GOVERNOR, governor, delay),
        encode_call("AccessManager", "grantRole", ADMIN, keeper, 0),
        encode_call("AccessManager", "renounceRole", GOVERNOR, deployer),
        encode_call("AccessManager", "renounceRole", ADMIN, deployer),
    ]


# ---------------------------------------------------------------------- checks


def _gas(node: Node, sender: str, step: Step) -> int:
    """Gas for a step. Asking also finds out, before a nonce is spent, whether the step would fail."""
    call = {"from": sender, "data": "0x" + step.call.data.hex()}
    if step.call.to:
        call["to"] = step.call.to
    try:
        needed = int(node.request("eth_estimateGas", call), 16)
    except RpcRefused as error:
        raise reason(error) from None
    return min(needed * 5 // 4, MAX_TRANSACTION_GAS)


def _check_funds(node: Node, keystore: Keystore) -> None:
    """Raise `Misconfigured` if gas has a price here and one of the senders cannot pay it."""
    price = int(node.request("eth_gasPrice"), 16)
    for name, gas in (("deployer", DEPLOYMENT_GAS), ("operator", OPERATING_GAS)):
        address = keystore.address(name)
        balance = int(node.request("eth_getBalance", address, "latest"), 16)
        if balance < 2 * price * gas:
            raise Misconfigured(
                f"gas costs {price} wei at {node.where} and the {name} {address} has {balance} wei: "
                f"send it at least {2 * price * gas} wei, then start again"
            )


def _describe(node: Node, deployer: str, addresses: dict[str, str]) -> Deployment:
    chain_id, genesis, head = node.requests(
        [("eth_chainId",), ("eth_getBlockByNumber", "0x0", False), ("eth_blockNumber",)]
    )
    return Deployment(
        chain_id=int(chain_id, 16),
        genesis_hash=genesis["hash"],
        **{field_of(name): address for name, address in addresses.items()},
        block=_first_block(node, deployer, int(head, 16)),
        version=contracts_version(),
    )


def _first_block(node: Node, deployer: str, head: int) -> int:
    """The block of the deployer's first transaction; 0 if the node has forgotten old states."""
    low, high = 0, head
    try:
        while low < high:
            middle = (low + high) // 2
            sent = int(node.request("eth_getTransactionCount", deployer, hex(middle)), 16)
            low, high = (low, middle) if sent else (middle + 1, high)
    except RpcRefused:
        return 0
    return low


def _check_result(
    node: Node, deployment: Deployment, authorities: Sequence[Authority], cards: Sequence[Scorecard]
) -> None:
    """Raise `Conflict` unless the chain has what the steps should have made."""
    contracts = Contracts(node, deployment)
    good = contracts.authority_count() >= len(authorities) and all(
        contracts.card_effective_on(card.hash) == card.effective_on for card in cards
    )
    if not good:
        raise Conflict(
            f"the deployment at {deployment.credit_ledger} lacks authorities or cards: one of its "
            "steps failed; deploy again with a new keystore"
        )
