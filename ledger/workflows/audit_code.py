"""The contracts' code on the chain against the artifacts committed with the software.

Every contract of the deployment, byte for byte. Where an artifact leaves room for what a constructor fixed
for good (immutables: addresses, the chain's number, the governor's delay), it is what the deployment says. A
constructor of another making could leave a state behind under code that is the artifact's: so what created
them is compared, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ledger.audit.deviation import Deviation, NotChecked
from ledger.chain.accounts import created_address
from ledger.chain.deployment import creations
from ledger.chain.versions import code_faults, immutables
from ledger.crypto.hashing import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.workflows.office import Office

#: Blocks from the deployment's first on in which the contracts were created; asked for so many at a time.
_SEARCHED: Final = 512
_AT_ONCE: Final = 16


def compare_code(ledger: Office, governance_delay: int, block: int) -> Iterator[Deviation | NotChecked]:
    """Yield the contracts whose code at a block, or whose creation, is not that of their artifact.

    `governance_delay` is the governor's, in seconds, as it was granted at set-up.
    """
    yield from _codes(ledger.node, ledger.deployment, governance_delay, block)
    deployer = ledger.keystore.address("deployer")
    yield from _creations(ledger.node, ledger.deployment, deployer, governance_delay, block)


def _codes(node: Node, deployment: Deployment, governance_delay: int, block: int) -> Iterator[Deviation]:
    fixed = immutables(deployment.chain_id, deployment.contracts, governance_delay)
    calls = [("eth_getCode", address, hex(block)) for address in deployment.addresses]
    for (name, address), code in zip(deployment.contracts.items(), node.requests(calls), strict=True):
        for fault in code_faults(name, bytes.fromhex(code[2:]), fixed):
            where = f"contract {name} at {address}, block {block}"
            if fault.immutable:
                where, expected, found = (
                    f"{where}, {fault.immutable}",
                    fault.expected.hex(),
                    fault.found.hex(),
                )
            else:
                expected, found = _shown(fault.expected), _shown(fault.found)
            yield Deviation("code differs from its artifact", where, expected, found)


def _creations(
    node: Node, deployment: Deployment, deployer: str, governance_delay: int, last: int
) -> Iterator[Deviation | NotChecked]:
    """Look for the deployer's transactions in the deployment's first blocks."""
    expected = creations(deployment.contracts, deployer, governance_delay)
    missing = {address.lower(): name for name, address in deployment.contracts.items()}
    end = min(last + 1, deployment.block + _SEARCHED)
    for block, sent in _sent_by(node, deployer, range(deployment.block, end)):
        made = created_address(deployer, int(sent["nonce"], 16))
        name = missing.pop(made.lower(), None)
        data = bytes.fromhex(sent["input"][2:])
        if name is not None and data != expected[name]:
            right, found = (f"data of SHA-256 {sha256(each).hex()}" for each in (expected[name], data))
            yield Deviation(
                "created otherwise than its artifact says", f"contract {name}, block {block}", right, found
            )
        if not missing:
            return
    for address, name in missing.items():
        why = f"no transaction that made it is in blocks {deployment.block} to {end - 1}"
        yield NotChecked("creation of a contract", f"contract {name} at {address}", why)


def _sent_by(node: Node, sender: str, blocks: range) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield an account's transactions in some blocks, each with its block's number."""
    for start in range(0, len(blocks), _AT_ONCE):
        some = blocks[start : start + _AT_ONCE]
        found = node.requests([("eth_getBlockByNumber", hex(each), True) for each in some])
        for number, block in zip(some, found, strict=True):
            for sent in block["transactions"] if block else ():
                if sent["from"].lower() == sender.lower():
                    yield number, sent


def _shown(code: bytes) -> str:
    return f"{len(code)} bytes, {code[:8].hex()}..." if code else "no code"
