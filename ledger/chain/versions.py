"""Which contracts this software speaks to: a ledger keeps those it was deployed with."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ledger.chain.abi import CONTRACTS, artifact
from ledger.crypto.hashing import keccak256
from ledger.crypto.typed_data import batch_domain
from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ledger.chain.rpc import Node

#: What constructors fixed: by contract, then by variable, 32 bytes each.
Immutables: TypeAlias = "Mapping[str, Mapping[str, bytes]]"

_DIGITS = 16


@cache
def contracts_version() -> str:
    """Return the version of the contracts' artifacts: a hash of the code of all, in hexadecimal."""
    digest = hashlib.sha256(b"credit-ledger/contracts\0")
    for name in sorted(CONTRACTS):
        digest.update(f"{name}\0{artifact(name)['deployedBytecode']}\0".encode())
    return digest.hexdigest()[:_DIGITS]


class CodeFault(NamedTuple):
    """Where code is not its artifact's: which immutable has another value, or "" for the rest."""

    immutable: str
    expected: bytes
    found: bytes


def immutables(chain_id: int, addresses: Mapping[str, str], governance_delay: int) -> Immutables:
    """Return what each contract's constructor fixes for good, by contract and variable, 32 bytes each.

    `addresses` are the contracts', by name. Source: the constructors, and OpenZeppelin's `EIP712`.
    """

    def at(name: str) -> bytes:
        return bytes.fromhex(addresses[name][2:]).rjust(32, b"\0")

    def signed_under(name: str) -> dict[str, bytes]:
        title = name.encode()
        return {
            "_cachedDomainSeparator": batch_domain(chain_id, at(name)[12:], title),
            "_cachedChainId": chain_id.to_bytes(32, "big"),
            "_cachedThis": at(name),
            "_hashedName": keccak256(title),
            "_hashedVersion": keccak256(b"1"),
            # A ShortString: the text, and its length in the last byte.
            "_name": title.ljust(31, b"\0") + bytes([len(title)]),
            "_version": b"1".ljust(31, b"\0") + b"\x01",
        }

    return {
        "CreditLedger": {"authorities": at("Authorities"), **signed_under("CreditLedger")},
        "Objections": {"ledger": at("CreditLedger"), **signed_under("Objections")},
        "Keeper": {
            "manager": at("AccessManager"),
            "governanceDelay": governance_delay.to_bytes(32, "big"),
        },
    }


def code_faults(name: str, code: bytes, fixed: Immutables) -> Iterator[CodeFault]:
    """Yield where a contract's code on the chain is not its artifact's with these values in it."""
    content = artifact(name)
    expected, rest = bytearray.fromhex(content["deployedBytecode"].removeprefix("0x")), bytearray(code)
    for variable, places in content["immutableReferences"].items():
        value = fixed[name][variable]
        for start, length in ((place["start"], place["length"]) for place in places):
            found = code[start : start + length]
            expected[start : start + length] = rest[start : start + length] = value
            if found != value and len(code) == len(expected):
                yield CodeFault(variable, value, found)
                break
    if rest != expected:
        yield CodeFault("", bytes(expected), code)


def check_code(node: Node, created: Mapping[str, str], fixed: Immutables) -> None:
    """Raise `Misconfigured` unless these contracts (address by name) are those of the artifacts.

    For a deployment that was begun before: whoever began it may have been another version, or have been
    given another delay.
    """
    codes = node.requests([("eth_getCode", address, "latest") for address in created.values()])
    for (name, address), code in zip(created.items(), codes, strict=True):
        for fault in code_faults(name, bytes.fromhex(code[2:]), fixed):
            if fault.immutable:
                raise Misconfigured(
                    f"{name} at {address} was deployed with the {fault.immutable} {fault.found.hex()}, and "
                    f"this start would give it {fault.expected.hex()}: go on with the settings that the "
                    "deployment was begun with"
                )
            raise Misconfigured(
                f"contracts of another version: {name} at {address} was deployed by other software. Go"
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
