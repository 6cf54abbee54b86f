"""The contracts' interfaces, read from their committed artifacts: selectors, topics, errors, ABI encoding.

Source: Solidity's Contract ABI Specification. Encoding covers what the contracts take and give: integers,
bool, address, fixed bytes, bytes, string, and arrays of bytes. Nothing here is typed in twice: every
selector and topic is the hash of a signature in an artifact.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ledger.chain.accounts import checksummed
from ledger.crypto.hashing import keccak256
from ledger.errors import ChainDamaged, Misconfigured

#: Beside the package in a working tree; running needs no compiler.
ARTIFACTS = Path(__file__).resolve().parents[2] / "contracts" / "artifacts"
CONTRACTS = ("AccessManager", "Authorities", "CreditLedger", "ScoreBook")

#: What a function takes: an integer, bool, `0x` address, bytes, or a list of fixed bytes.
Argument: TypeAlias = "int | bool | str | bytes | list[bytes]"
#: What a function gives: an integer, bool, checksummed address, bytes or text.
Value: TypeAlias = "int | bool | str | bytes"

#: What Solidity itself reverts with (Solidity manual, "Panic via assert and Error via require").
_BUILT_IN = {"Error(string)": ["string"], "Panic(uint256)": ["uint256"]}


class Function(NamedTuple):
    """A function: its 4-byte selector and the types it takes and gives."""

    name: str
    selector: bytes
    inputs: list[str]
    outputs: list[str]


class Error(NamedTuple):
    """A custom error: its name and (name, type) per value."""

    name: str
    inputs: list[tuple[str, str]]


class Artifact(NamedTuple):
    """A compiled contract. `events` are 32-byte topics by name, `errors` stand under their selector."""

    name: str
    bytecode: bytes
    functions: dict[str, Function]
    events: dict[str, bytes]
    errors: dict[bytes, Error]
    constructor: list[str]


@cache
def artifact(name: str) -> Artifact:
    """Load a contract's artifact. Raises `Misconfigured` if it is not where the project keeps it."""
    path = ARTIFACTS / f"{name}.json"
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the contract artifact {path} cannot be read: {error}") from None
    entries = content["abi"]
    return Artifact(
        name=name,
        bytecode=bytes.fromhex(content["bytecode"][2:]),
        functions={e["name"]: _function(e) for e in entries if e["type"] == "function"},
        events={e["name"]: keccak256(_signature(e)) for e in entries if e["type"] == "event"},
        errors={keccak256(_signature(e))[:4]: _error(e) for e in entries if e["type"] == "error"},
        constructor=next((_types(e["inputs"]) for e in entries if e["type"] == "constructor"), []),
    )


def _types(parameters: list[dict[str, Any]]) -> list[str]:
    return [p["type"] for p in parameters]


def _signature(entry: dict[str, Any]) -> bytes:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})".encode()


def _function(entry: dict[str, Any]) -> Function:
    selector = keccak256(_signature(entry))[:4]
    return Function(entry["name"], selector, _types(entry["inputs"]), _types(entry["outputs"]))


def _error(entry: dict[str, Any]) -> Error:
    return Error(entry["name"], [(p["name"], p["type"]) for p in entry["inputs"]])


def encode_call(contract: str, function: str, *arguments: Argument) -> bytes:
    """Return the call data: selector and encoded arguments."""
    found = artifact(contract).functions[function]
    return found.selector + encode(found.inputs, arguments)


def decode_result(contract: str, function: str, data: bytes) -> list[Value]:
    """Return what a function gave. Raises `ChainDamaged` if these bytes cannot be its result."""
    outputs = artifact(contract).functions[function].outputs
    try:
        return decode(outputs, data)
    except ValueError as error:
        raise ChainDamaged(
            f"{contract}.{function} returned {len(data)} bytes that are not its result"
        ) from error


def decode_revert(data: bytes) -> str | None:
    """Return `Name(value=1, ...)` for what a reverted call returned, or nothing if it is no known error."""
    selector, rest = data[:4], data[4:]
    for error in _errors(selector):
        try:
            values = decode([type_ for _, type_ in error.inputs], rest)
        except ValueError:
            continue
        shown = (f"{name}={_show(value)}" for (name, _), value in zip(error.inputs, values, strict=True))
        return f"{error.name}({', '.join(shown)})"
    return None


def _errors(selector: bytes) -> list[Error]:
    """Every error with this selector, the contracts' own first."""
    found = [artifact(name).errors[selector] for name in CONTRACTS if selector in artifact(name).errors]
    for signature, types in _BUILT_IN.items():
        if keccak256(signature.encode())[:4] == selector:
            found.append(Error(signature.split("(")[0], [("", type_) for type_ in types]))
    return found


def _show(value: Value) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def encode(types: list[str], arguments: tuple[Argument, ...]) -> bytes:
    """Return the encoding of a tuple: fixed parts and offsets first, then the parts of variable length."""
    if len(types) != len(arguments):
        raise ValueError(f"{len(types)} arguments expected, {len(arguments)} given")
    head, tail = b"", b""
    for type_, argument in zip(types, arguments, strict=True):
        if type_ in ("bytes", "string") or type_.endswith("[]"):
            head += (32 * len(types) + len(tail)).to_bytes(32, "big")
            tail += _array_of_bytes(argument) if type_ == "bytes[]" else _variable(argument)
        else:
            head += _word(type_, argument)
    return head + tail


def _array_of_bytes(argument: Argument) -> bytes:
    if not isinstance(argument, list):
        raise TypeError(f"a list of bytes expected, not {argument!r}")
    return len(argument).to_bytes(32, "big") + encode(["bytes"] * len(argument), tuple(argument))


def _variable(argument: Argument) -> bytes:
    if isinstance(argument, list):
        return len(argument).to_bytes(32, "big") + b"".join(item.ljust(32, b"\0") for item in argument)
    if isinstance(argument, str):
        argument = argument.encode()
    if not isinstance(argument, bytes):
        raise TypeError(f"bytes expected, not {argument!r}")
    return len(argument).to_bytes(32, "big") + argument + b"\0" * (-len(argument) % 32)


def _word(type_: str, argument: Argument) -> bytes:
    if isinstance(argument, bytes):
        if not type_.startswith("bytes") or len(argument) != int(type_[5:]):
            raise ValueError(f"{len(argument)} bytes given for a {type_}")
        return argument.ljust(32, b"\0")
    if isinstance(argument, str):
        return bytes.fromhex(argument.removeprefix("0x")).rjust(32, b"\0")
    if isinstance(argument, int) and argument >> (int(type_[4:]) if type_.startswith("uint") else 1) == 0:
        return argument.to_bytes(32, "big")
    raise ValueError(f"{argument!r} does not fit a {type_}")


def decode(types: list[str], data: bytes) -> list[Value]:
    """Return the values of an encoded tuple. Raises `ValueError` if `data` is not one."""
    if len(data) < 32 * len(types):
        raise ValueError("too short")
    return [_value(type_, data, 32 * index) for index, type_ in enumerate(types)]


def _value(type_: str, data: bytes, at: int) -> Value:
    word = data[at : at + 32]
    number = int.from_bytes(word, "big")
    if type_ in ("bytes", "string"):
        length = int.from_bytes(data[number : number + 32], "big")
        content = data[number + 32 : number + 32 + length]
        if len(content) != length:
            raise ValueError("too short")
        return content.decode("utf-8", "replace") if type_ == "string" else content
    if type_ == "address":
        return checksummed(word[12:])
    if type_ == "bool":
        return bool(number)
    if type_.startswith("uint"):
        return number
    if type_.startswith("bytes"):
        return word[: int(type_[5:])]
    raise ValueError(f"no decoding for {type_}")
