"""Which contracts this software speaks to: a ledger keeps those it was deployed with."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from ledger.chain.abi import CONTRACTS, artifact
from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGITS = 16


@cache
def contracts_version() -> str:
    """Return the version of the contracts' artifacts: a hash of the code of all, in hexadecimal."""
    digest = hashlib.sha256(b"credit-ledger/contracts\0")
    for name in sorted(CONTRACTS):
        digest.update(f"{name}\0{artifact(name)['deployedBytecode']}\0".encode())
    return digest.hexdigest()[:_DIGITS]


def check_version(deployment: Mapping[str, object]) -> None:
    """Raise `Misconfigured` unless a deployment, as it is kept, has the contracts this software knows."""
    found, ours = str(deployment.get("version") or "none stated"), contracts_version()
    if found != ours:
        raise Misconfigured(
            f"contracts of another version: this ledger's are {found}, this software's {ours}. Contracts"
            " cannot change: go on with the software that deployed them, or begin a new ledger in another"
            " data folder (and another database)"
        )
