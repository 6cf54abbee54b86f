"""The opcodes contracts spend their time in, without py-evm's layers: same results, much sooner.

py-evm calls four or five Python functions for an addition. Here the opcodes that make up nearly all of
what is executed (arithmetic, stack, memory, jumps, hashing, and the call of the SHA-256 precompile) are
one function each; everything else stays py-evm's. Gas, results and failures are the same by construction
and by test: random programs and the ledger's own transactions are executed by both, and gas used, output,
logs and state root compared.

Stack values are integers; py-evm's own opcodes also push bytes, so every reader here converts. A failure
here is, as in py-evm, an exception that burns the call's gas, so the order of checks inside one opcode
does not matter.
"""

# ruff: noqa: SLF001  working on py-evm's own stack and memory is the point of this module
from __future__ import annotations

import hashlib
import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eth.exceptions import FullStack, InsufficientStack, InvalidJumpDestination, OutOfGas
from eth.vm import opcode_values as op
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES

from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = (1 << 256) - 1
_JUMPDEST = 0x5B
_BASE, _VERY_LOW, _LOW, _MID, _HIGH = 2, 3, 5, 8, 10
_STACK_LIMIT, _DEPTH_LIMIT = 1024, 1024
_SHA256_ADDRESS, _WARM = 2, 100


class FastComputation(PragueComputation):  # type: ignore[misc]  # py-evm has no types
    """py-evm's Prague computation with the table below laid over its own."""

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self.jump_destinations = _jump_destinations(message.code)


@lru_cache(maxsize=64)
def _jump_destinations(code: bytes) -> frozenset[int]:
    """Positions of JUMPDEST that are instructions, not the data of a PUSH (Yellow Paper 9.4.3)."""
    found, at = set(), 0
    while at < len(code):
        instruction = code[at]
        if instruction == _JUMPDEST:
            found.add(at)
        at += 1 + (instruction - 0x5F if 0x60 <= instruction <= 0x7F else 0)
    return frozenset(found)


def _charge(computation: Any, gas: int) -> None:
    meter = computation._gas_meter
    if meter.gas_remaining < gas:
        raise OutOfGas(f"needed {gas}, remaining {meter.gas_remaining}")
    meter.gas_remaining -= gas


def _pop(values: list[Any], count: int) -> list[int]:
    """Take `count` values, topmost first."""
    if len(values) < count:
        raise InsufficientStack(f"wanted {count} stack items, had {len(values)}")
    taken = values[-count:]
    del values[-count:]
    taken.reverse()
    return [int.from_bytes(value, "big") if value.__class__ is bytes else value for value in taken]


# ---------------------------------------------------------------------- arithmetic and comparison


def _unary(gas: int, compute: Callable[[int], int]) -> Callable[[Any], None]:
    def opcode(computation: Any) -> None:
        _charge(computation, gas)
        values = computation._stack.values
        if not values:
            raise InsufficientStack("wanted 1 stack item, had none")
        a = values[-1]
        values[-1] = compute(int.from_bytes(a, "big") if a.__class__ is bytes else a)

    return opcode


def _binary(gas: int, compute: Callable[[int, int], int]) -> Callable[[Any], None]:
    def opcode(computation: Any) -> None:
        meter = computation._gas_meter
        if meter.gas_remaining < gas:
            raise OutOfGas(f"needed {gas}, remaining {meter.gas_remaining}")
        meter.gas_remaining -= gas
        values = computation._stack.values
        if len(values) < 2:
            raise InsufficientStack(f"wanted 2 stack items, had {len(values)}")
        a = values.pop()
        b = values[-1]
        if a.__class__ is bytes:
            a = int.from_bytes(a, "big")
        if b.__class__ is bytes:
            b = int.from_bytes(b, "big")
        values[-1] = compute(a, b)

    return opcode


def _push(size: int) -> Callable[[Any], None]:
    gas = _VERY_LOW if size else _BASE

    def opcode(computation: Any) -> None:
        meter = computation._gas_meter
        if meter.gas_remaining < gas:
            raise OutOfGas(f"needed {gas}, remaining {meter.gas_remaining}")
        meter.gas_remaining -= gas
        values = computation._stack.values
        if len(values) >= _STACK_LIMIT:
            raise FullStack("stack limit reached")
        code = computation.code
        start = code.program_counter
        end = code.program_counter = start + size
        # Beyond the code's end there are zeros, so what is cut off is shifted in.
        given = code._raw_code_bytes[start:end]
        values.append(int.from_bytes(given, "big") << 8 * (size - len(given)))

    return opcode


def _dup(position: int) -> Callable[[Any], None]:
    def opcode(computation: Any) -> None:
        meter = computation._gas_meter
        if meter.gas_remaining < _VERY_LOW:
            raise OutOfGas(f"needed {_VERY_LOW}, remaining {meter.gas_remaining}")
        meter.gas_remaining -= _VERY_LOW
        values = computation._stack.values
        if not position <= len(values) < _STACK_LIMIT:
            raise InsufficientStack(f"DUP{position} with {len(values)} stack items")
        values.append(values[-position])

    return opcode


def _swap(position: int) -> Callable[[Any], None]:
    at = -position - 1

    def opcode(computation: Any) -> None:
        meter = computation._gas_meter
        if meter.gas_remaining < _VERY_LOW:
            raise OutOfGas(f"needed {_VERY_LOW}, remaining {meter.gas_remaining}")
        meter.gas_remaining -= _VERY_LOW
        values = computation._stack.values
        if len(values) <= position:
            raise InsufficientStack(f"SWAP{position} with {len(values)} stack items")
        values[-1], values[at] = values[at], values[-1]

    return opcode


def _pop_one(computation: Any) -> None:
    _charge(computation, _BASE)
    values = computation._stack.values
    if not values:
        raise InsufficientStack("wanted 1 stack item, had none")
    values.pop()


def _jumpdest(computation: Any) -> None:
    _charge(computation, 1)


def _jump(computation: Any) -> None:
    _charge(computation, _MID)
    (target,) = _pop(computation._stack.values, 1)
    if target not in computation.jump_destinations:
        raise InvalidJumpDestination("invalid jump destination")
    computation.code.program_counter = target


def _jumpi(computation: Any) -> None:
    _charge(computation, _HIGH)
    target, condition = _pop(computation._stack.values, 2)
    if condition:
        if target not in computation.jump_destinations:
            raise InvalidJumpDestination("invalid jump destination")
        computation.code.program_counter = target


# ---------------------------------------------------------------------- memory, data, hashing


def _grow(computation: Any, start: int, size: int) -> bytearray:
    """Return the memory, grown (and paid for) to hold `size` bytes from `start`."""
    memory = computation._memory
    if size and start + size > len(memory._bytes):
        computation.extend_memory(start, size)
    grown: bytearray = memory._bytes
    return grown


def _mload(computation: Any) -> None:
    _charge(computation, _VERY_LOW)
    values = computation._stack.values
    (start,) = _pop(values, 1)
    values.append(int.from_bytes(_grow(computation, start, 32)[start : start + 32], "big"))


def _mstore(computation: Any) -> None:
    _charge(computation, _VERY_LOW)
    start, value = _pop(computation._stack.values, 2)
    _grow(computation, start, 32)[start : start + 32] = value.to_bytes(32, "big")


def _sha3(computation: Any) -> None:
    values = computation._stack.values
    start, size = _pop(values, 2)
    memory = _grow(computation, start, size)
    _charge(computation, 30 + 6 * ((size + 31) // 32))
    values.append(int.from_bytes(keccak256(bytes(memory[start : start + size])), "big"))


def _calldataload(computation: Any) -> None:
    _charge(computation, _VERY_LOW)
    values = computation._stack.values
    (start,) = _pop(values, 1)
    given = computation.msg.data_as_bytes[start : start + 32]
    values.append(int.from_bytes(given, "big") << 8 * (32 - len(given)))


def _calldatacopy(computation: Any) -> None:
    target, start, size = _pop(computation._stack.values, 3)
    memory = _grow(computation, target, size)
    _charge(computation, _VERY_LOW + 3 * ((size + 31) // 32))
    memory[target : target + size] = computation.msg.data_as_bytes[start : start + size].ljust(size, b"\0")


# ---------------------------------------------------------------------- the SHA-256 precompile

_py_evm_staticcall = PRAGUE_OPCODES[op.STATICCALL]


def _staticcall(computation: Any) -> None:
    """STATICCALL; to the SHA-256 precompile without building a message and a computation for it."""
    values = computation._stack.values
    if len(values) < 6 or values[-2] != _SHA256_ADDRESS or computation.msg.depth >= _DEPTH_LIMIT:
        _py_evm_staticcall(computation=computation)
        return
    wanted, _, start, size, target, room = _pop(values, 6)
    _grow(computation, start, size)
    memory = _grow(computation, target, room)
    _charge(computation, _WARM)
    remaining = computation._gas_meter.gas_remaining
    given = min(wanted, remaining - remaining // 64)  # EIP-150
    cost = 60 + 12 * ((size + 31) // 32)
    if cost > given:
        _charge(computation, given)
        computation.return_data = b""
        values.append(0)
        return
    _charge(computation, cost)
    digest = hashlib.sha256(memory[start : start + size]).digest()
    computation.return_data = digest
    written = min(room, 32)
    memory[target : target + written] = digest[:written]
    values.append(1)


FastComputation.opcodes = {
    **PRAGUE_OPCODES,
    op.ADD: _binary(_VERY_LOW, lambda a, b: (a + b) & _WORD),
    op.SUB: _binary(_VERY_LOW, lambda a, b: (a - b) & _WORD),
    op.MUL: _binary(_LOW, lambda a, b: (a * b) & _WORD),
    op.DIV: _binary(_LOW, lambda a, b: a // b if b else 0),
    op.AND: _binary(_VERY_LOW, operator.and_),
    op.OR: _binary(_VERY_LOW, operator.or_),
    op.XOR: _binary(_VERY_LOW, operator.xor),
    op.LT: _binary(_VERY_LOW, lambda a, b: 1 if a < b else 0),
    op.GT: _binary(_VERY_LOW, lambda a, b: 1 if a > b else 0),
    op.EQ: _binary(_VERY_LOW, lambda a, b: 1 if a == b else 0),
    op.SHL: _binary(_VERY_LOW, lambda a, b: b << a & _WORD if a < 256 else 0),
    op.SHR: _binary(_VERY_LOW, lambda a, b: b >> a if a < 256 else 0),
    op.ISZERO: _unary(_VERY_LOW, lambda a: 0 if a else 1),
    op.NOT: _unary(_VERY_LOW, lambda a: _WORD - a),
    op.POP: _pop_one,
    op.JUMP: _jump,
    op.JUMPI: _jumpi,
    op.JUMPDEST: _jumpdest,
    op.MLOAD: _mload,
    op.MSTORE: _mstore,
    op.SHA3: _sha3,
    op.CALLDATALOAD: _calldataload,
    op.CALLDATACOPY: _calldatacopy,
    op.STATICCALL: _staticcall,
    **{op.PUSH1 - 1 + size: _push(size) for size in range(33)},
    **{op.DUP1 - 1 + position: _dup(position) for position in range(1, 17)},
    **{op.SWAP1 - 1 + position: _swap(position) for position in range(1, 17)},
}
