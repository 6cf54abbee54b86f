"""A real Safe of the npm package `@safe-global/safe-smart-account`, set up on any node for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools import missing

from ledger.chain.accounts import sign_digest
from ledger.chain.contracts import Call
from ledger.chain.submitter import Submitter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.rpc import Node
    from ledger.chain.submitter import Signer

ARTIFACTS = (
    Path(__file__).resolve().parents[1]
    / "contracts/node_modules/@safe-global/safe-smart-account/build/artifacts/contracts"
)
HANDLER = "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler"
NOBODY = "0x" + "00" * 20


def new_safe(node: Node, signer: Signer, owners: Sequence[str], threshold: int) -> str:
    """Deploy a Safe and what it needs by the operator's key; return its checksummed address."""
    from web3 import Web3

    submitter = Submitter(node, signer, "operator")
    singleton, factory, handler = (
        _deployed(submitter, each)
        for each in ("Safe.sol/Safe", "proxies/SafeProxyFactory.sol/SafeProxyFactory", HANDLER)
    )
    setup = (list(owners), threshold, NOBODY, b"", handler, NOBODY, 0, NOBODY)
    arguments = (singleton, _call("Safe.sol/Safe", "setup", setup), 1)
    data = _call("proxies/SafeProxyFactory.sol/SafeProxyFactory", "createProxyWithNonce", arguments)
    call = {"from": submitter.address, "to": factory, "data": "0x" + data.hex()}
    made = "0x" + str(node.request("eth_call", call, "latest"))[-40:]
    submitter.execute(Call(factory, data), 1_000_000)
    return str(Web3.to_checksum_address(made))


def sent_by(node: Node, signer: Signer, safe: str, owners: Sequence[bytes], call: Call) -> None:
    """Have a Safe send a call with the signatures of these owners' keys, relayed by the operator."""
    from eth_account import Account

    at = (call.to, call.value, call.data, 0, 0, 0, 0, NOBODY, NOBODY)
    nonce = int(_asked(node, safe, "nonce", ()), 16)
    digest = bytes.fromhex(_asked(node, safe, "getTransactionHash", (*at, nonce))[2:])
    by_address = sorted(owners, key=lambda each: int(Account.from_key(each).address, 16))
    signatures = b"".join(sign_digest(each, digest) for each in by_address)
    data = _call("Safe.sol/Safe", "execTransaction", (*at, signatures))
    Submitter(node, signer, "operator").execute(Call(safe, data), 1_000_000)


def own_call(safe: str, function: str, *arguments: Any) -> Call:
    """Return a call by which a Safe changes its own owners."""
    return Call(safe, _call("Safe.sol/Safe", function, arguments))


def _asked(node: Node, safe: str, function: str, arguments: Sequence[Any]) -> str:
    data = "0x" + _call("Safe.sol/Safe", function, arguments).hex()
    return str(node.request("eth_call", {"to": safe, "data": data}, "latest"))


def _deployed(submitter: Submitter, name: str) -> str:
    receipt = submitter.execute(Call("", bytes.fromhex(_artifact(name)["bytecode"][2:])), 8_000_000)
    assert receipt.contract is not None
    from web3 import Web3

    return str(Web3.to_checksum_address(receipt.contract))


def _call(name: str, function: str, arguments: Sequence[Any]) -> bytes:
    from web3 import Web3

    contract = Web3().eth.contract(abi=_artifact(name)["abi"])
    return bytes.fromhex(contract.encode_abi(function, args=arguments)[2:])


def _artifact(name: str) -> Any:
    path = ARTIFACTS / f"{name}.json"
    if not path.exists():
        missing("the contracts of Safe (npm ci in contracts/)")
    return json.loads(path.read_bytes())
