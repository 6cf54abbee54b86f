"""Which contracts this software speaks to: a ledger keeps those it was deployed with."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from ledger.chain.abi import CONTRACTS, artifact
from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.chain.rpc import Node

_DIGITS = 16


@cache
def contracts_version() -> str:
    """Return the version of the contracts' artifacts: a hash of the code of all, in hexadecimal."""
    digest = hashlib.sha256(b"credit-ledger/contracts\0")
    for name in sorted(CONTRACTS):
        digest.update(f"{name}\0{artifact(name)['deployedBytecode']}\0".encode())
    return digest.hexdigest()[:_DIGITS]


def runtime_code(name: str) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a contract's runtime code by its artifact, and where its immutables are: (start, length)."""
    content = artifact(name)
    places = [(place["start"], place["length"]) for place in content["immutableReferences"]]
    return bytes.fromhex(content["deployedBytecode"].removeprefix("0x")), places


def masked(code: bytes, immutables: Sequence[tuple[int, int]]) -> bytes:
    """Return the code with zeros where immutables are; its length stays."""
    found = bytearray(code)
    for start, length in immutables:
        found[start : start + length] = bytes(len(found[start : start + length]))
    return bytes(found)


def check_code(node: Node, created: Mapping[str, str]) -> None:
    """Raise `Misconfigured` unless these contracts (address by name) are those of the artifacts.

    For a deployment that was begun before: whoever began it may have been another version.
    """
    codes = node.requests([("eth_getCode", address, "latest") for address in created.values()])
    for name, code in zip(created, codes, strict=True):
        ours, immutables = runtime_code(name)
        if masked(bytes.fromhex(code[2:]), immutables) != masked(ours, immutables):
            raise Misconfigured(
                f"contracts of another version: {name} at {created[name]} was deployed by other software. Go"
                " on with that, or begin a new ledger in another data folder (and another database)"
            )


def check_version(deployment: Mapping[str, object]) -> None:
    """Raise `Misconfigured` unless a deployment, as it is kept, has the contracts this software knows."""
    found, ours = str(deployment.get("version") or "none stated"), contracts_version()
    if found != ours:
        raise Misconfigured(
            f"contracts of another version: this ledger's are {found}, this software's {ours}. Contracts"
            " cannot change: go on with the software that deployed them, or begin a new ledger in another"
            " data folder (and another database)"
        )
