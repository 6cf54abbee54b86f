"""The contracts' interfaces, from their committed artifacts: encoding and decoding by web3.

Topics are worked out here, from the artifact's own signatures, because the follower needs them and must not
wait a second for web3 to load; everything else goes through web3's contract objects.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ledger.crypto.hashing import keccak256
from ledger.errors import ChainDamaged, Misconfigured

if TYPE_CHECKING:
    from web3.contract import Contract

#: Beside the package in a working tree; running needs no compiler.
ARTIFACTS = Path(__file__).resolve().parents[2] / "contracts" / "artifacts"
#: Every contract of a ledger, in the order of their creation: the deployer's first nonces.
CONTRACTS = ("AccessManager", "Authorities", "CreditLedger", "ScoreBook", "Objections", "Keeper")

#: What a function takes: an integer, bool, `0x` address, bytes, or a list of bytes.
Argument: TypeAlias = "int | bool | str | bytes | list[bytes]"
#: What a function gives: an integer, bool, checksummed address, bytes or text.
Value: TypeAlias = "int | bool | str | bytes"

#: What Solidity itself reverts with (Solidity manual, "Panic via assert and Error via require").
_BUILT_IN = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@cache
def artifact(name: str) -> dict[str, Any]:
    """Load a contract's artifact. Raises `Misconfigured` if it is not where the project keeps it."""
    path = ARTIFACTS / f"{name}.json"
    try:
        return cast("dict[str, Any]", json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the contract artifact {path} cannot be read: {error}") from None


@cache
def event_topics(name: str) -> dict[str, bytes]:
    """Return the 32-byte topic of each of a contract's events."""
    entries = artifact(name)["abi"]
    return {e["name"]: keccak256(_signature(e)) for e in entries if e["type"] == "event"}


@cache
def contract(name: str) -> type[Contract]:
    """Return web3's class of a contract, bound to no node."""
    from web3 import Web3  # noqa: PLC0415  takes a second to load; readers do without

    found = artifact(name)
    return Web3().eth.contract(abi=found["abi"], bytecode=found["bytecode"])


def encode_call(name: str, function: str, *arguments: Argument) -> bytes:
    """Return the call data. Raises web3's errors for arguments that do not fit."""
    from eth_utils.address import to_checksum_address  # noqa: PLC0415  see `contract`

    # web3 wants the checksum in every address; the other texts our functions take are role labels.
    given = [to_checksum_address(a) if isinstance(a, str) and a[:2] == "0x" else a for a in arguments]
    return _bytes(contract(name).encode_abi(function, args=given))


def selector(name: str, function: str) -> bytes:
    """Return the 4 bytes that a call of a function starts with."""
    entries = artifact(name)["abi"]
    (found,) = (e for e in entries if e["type"] == "function" and e["name"] == function)
    return keccak256(_signature(found))[:4]


def encode_creation(name: str, *arguments: Argument) -> bytes:
    """Return the data of the transaction that creates a contract."""
    return _bytes(contract(name).constructor(*arguments).data_in_transaction)


def decode_result(name: str, function: str, data: bytes) -> list[Value]:
    """Return what a function gave. Raises `ChainDamaged` if these bytes cannot be its result."""
    found = contract(name).get_function_by_name(function)
    types = [output["type"] for output in found.abi["outputs"]]
    try:
        return _decode(types, data)
    except Exception as error:
        raise ChainDamaged(f"{name}.{function} returned {len(data)} bytes that are not its result") from error


def decode_call(name: str, data: bytes) -> str | None:
    """Return `function(argument=1, ...)` for the data of a call, or nothing if the contract has no such."""
    for entry in artifact(name)["abi"]:
        if entry["type"] == "function" and keccak256(_signature(entry))[:4] == data[:4]:
            values = _decode([each["type"] for each in entry["inputs"]], data[4:])
            return f"{entry['name']}({_arguments(entry, values)})"
    return None


def decode_event(name: str, event: str, data: bytes) -> dict[str, Value]:
    """Return the fields of an event that are in its data, not in its topics. Raises `ChainDamaged`."""
    (found,) = (e for e in artifact(name)["abi"] if e["type"] == "event" and e["name"] == event)
    inputs = [each for each in found["inputs"] if not each["indexed"]]
    try:
        values = _decode([each["type"] for each in inputs], data)
    except Exception as error:
        raise ChainDamaged(f"{name}.{event}: {len(data)} bytes that are not its data") from error
    return {each["name"]: value for each, value in zip(inputs, values, strict=True)}


def decode_revert(data: bytes) -> str | None:
    """Return `Name(value=1, ...)` for what a reverted call returned, or nothing if it is no known error."""
    for error in _errors():
        if keccak256(_signature(error))[:4] != data[:4]:
            continue
        try:
            values = _decode([each["type"] for each in error["inputs"]], data[4:])
        except Exception:  # noqa: BLE001, S112  another error of the same selector may fit
            continue
        return f"{error['name']}({_arguments(error, values)})"
    return None


@cache
def _errors() -> list[dict[str, Any]]:
    """Every custom error of the contracts, then Solidity's own."""
    own = [entry for name in CONTRACTS for entry in artifact(name)["abi"] if entry["type"] == "error"]
    return [*own, *_BUILT_IN]


def _signature(entry: dict[str, Any]) -> bytes:
    return f"{entry['name']}({','.join(each['type'] for each in entry['inputs'])})".encode()


def _decode(types: list[str], data: bytes) -> list[Value]:
    from eth_abi.abi import decode  # noqa: PLC0415  see `contract`
    from eth_utils.address import to_checksum_address  # noqa: PLC0415

    values = decode(types, data)
    return [
        to_checksum_address(value) if type_ == "address" else value
        for type_, value in zip(types, values, strict=True)
    ]


def _arguments(entry: dict[str, Any], values: list[Value]) -> str:
    named = zip(entry["inputs"], values, strict=True)
    return ", ".join(f"{each['name'].rstrip('_')}={_show(value)}" for each, value in named)


def _show(value: Value) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _bytes(text: Any) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x"))
