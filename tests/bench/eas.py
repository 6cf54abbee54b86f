"""The peer: Ethereum Attestation Service, the contracts of its npm package, deployed beside the ledger.

An attestation here carries what a record of ours does: 64 bytes. EAS keeps them readable by other contracts,
which the ledger does not; a bare timestamp keeps a 32-byte word and a time.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from eth_abi import encode
from nodes import ROOT
from web3 import Web3

from ledger.chain.accounts import address_of, sign_digest
from ledger.crypto.hashing import keccak256

PACKAGE = ROOT / "contracts" / "node_modules" / "@ethereum-attestation-service" / "eas-contracts"
SCHEMA = "bytes32 fields,bytes32 commitment"
_ZERO = "0x" + "00" * 20
_ATTEST = (
    "bytes32",
    "address",
    "bytes32",
    "address",
    "uint64",
    "bool",
    "bytes32",
    "bytes32",
    "uint256",
    "uint256",
    "uint64",
)
#: Gas a transaction may take on the bench's node, whose block limit is raised: EAS's largest need it.
_GAS = 400_000_000


def version() -> str:
    return str(json.loads((PACKAGE / "package.json").read_bytes())["version"])


class Eas:
    """Registry, EAS and one schema without a resolver, deployed by an account the node holds."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3
        self._sender = web3.eth.accounts[0]
        self.registry_gas, registry = self._deploy("SchemaRegistry")
        self.deploy_gas, self._eas = self._deploy("EAS", registry.address)
        self._receipt(registry.functions.register(SCHEMA, _ZERO, True))
        self._schema = keccak256(SCHEMA.encode() + bytes(20) + b"\x01")
        self._domain = self._eas.functions.getDomainSeparator().call()
        self._type = self._eas.functions.getAttestTypeHash().call()
        self._secret = os.urandom(32)
        self._attester = address_of(self._secret)
        self._recipients = [address_of(os.urandom(32)) for _ in range(500)]

    def attest(self) -> int:
        """Gas of one transaction of one attestation."""
        return self._receipt(self._eas.functions.attest((self._schema, self._data(0))))

    def multi_attest(self, many: int) -> int:
        """Gas of one transaction of `many` attestations."""
        requests = [(self._schema, [self._data(at) for at in range(many)])]
        return self._receipt(self._eas.functions.multiAttest(requests))

    def multi_attest_by_delegation(self, many: int) -> int:
        """Gas of one transaction of `many` attestations, each signed by the attester, sent by another."""
        data = [self._data(at) for at in range(many)]
        nonce = self._eas.functions.getNonce(self._attester).call()
        deadline = self._web3.eth.get_block("latest")["timestamp"] + 3600
        signatures = [self._sign(each, nonce + at, deadline) for at, each in enumerate(data)]
        request = (self._schema, data, signatures, self._attester, deadline)
        return self._receipt(self._eas.functions.multiAttestByDelegation([request]))

    def multi_timestamp(self, many: int) -> int:
        """Gas of one transaction that times `many` words."""
        return self._receipt(self._eas.functions.multiTimestamp([os.urandom(32) for _ in range(many)]))

    def _data(self, at: int) -> tuple[Any, ...]:
        """One attestation about a recipient: no expiry, revocable, nothing referred to, 64 bytes, no money."""
        return (self._recipients[at % len(self._recipients)], 0, True, bytes(32), os.urandom(64), 0)

    def _sign(self, data: tuple[Any, ...], nonce: int, deadline: int) -> tuple[int, bytes, bytes]:
        recipient, expires, revocable, ref, content, value = data
        fields = (
            self._schema,
            recipient,
            expires,
            revocable,
            ref,
            keccak256(content),
            value,
            nonce,
            deadline,
        )
        struct = encode(_ATTEST, (self._type, self._attester, *fields))
        signature = sign_digest(self._secret, keccak256(b"\x19\x01" + self._domain + keccak256(struct)))
        return signature[64], signature[:32], signature[32:64]

    def _deploy(self, name: str, *arguments: object) -> tuple[int, Any]:
        artifact = json.loads(
            (PACKAGE / "artifacts" / "contracts" / f"{name}.sol" / f"{name}.json").read_bytes()
        )
        factory = self._web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        sent = factory.constructor(*arguments).transact({"from": self._sender, "gas": 10_000_000})
        receipt = self._web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        return receipt["gasUsed"], self._web3.eth.contract(
            address=receipt["contractAddress"], abi=artifact["abi"]
        )

    def _receipt(self, call: Any) -> int:
        sent = call.transact({"from": self._sender, "gas": _GAS})
        receipt = self._web3.eth.wait_for_transaction_receipt(sent, timeout=300, poll_latency=0.01)
        assert receipt["status"] == 1
        return int(receipt["gasUsed"])


def code_size(name: str) -> int:
    path: Path = PACKAGE / "artifacts" / "contracts" / f"{name}.sol" / f"{name}.json"
    return len(json.loads(path.read_bytes())["deployedBytecode"]) // 2 - 1
