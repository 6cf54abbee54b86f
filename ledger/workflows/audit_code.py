"""The contracts' code on the chain against the artifacts committed with the software.

What a constructor fixed for good (immutables: addresses, the chain's number) is not in an artifact; it says
at which bytes, and these are not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.deviation import Deviation
from ledger.chain.versions import masked, runtime_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node


def compare_code(node: Node, deployment: Deployment, block: int) -> Iterator[Deviation]:
    """Yield the contracts whose code at a block is not that of their artifact."""
    addresses = {
        "AccessManager": deployment.access_manager,
        "Authorities": deployment.authorities,
        "CreditLedger": deployment.credit_ledger,
        "ScoreBook": deployment.score_book,
        "Objections": deployment.objections,
    }
    calls = [("eth_getCode", address, hex(block)) for address in addresses.values()]
    for (name, address), code in zip(addresses.items(), node.requests(calls), strict=True):
        found, (expected, immutables) = bytes.fromhex(code[2:]), runtime_code(name)
        if masked(found, immutables) != masked(expected, immutables):
            where = f"contract {name} at {address}, block {block}"
            yield Deviation("code differs from its artifact", where, _shown(expected), _shown(found))


def _shown(code: bytes) -> str:
    return f"{len(code)} bytes, {code[:8].hex()}..." if code else "no code"
