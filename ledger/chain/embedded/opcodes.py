"""The opcodes that touch nothing but the stack (moving, bits, sums, comparison), each in one Python function.

They are nine of ten that the ledger's contracts execute, and py-evm goes through five functions for each.
Nothing else is replaced: jumps, memory, storage, calls and tries are py-evm's. Gas, results and failures are
the same: a property test runs random programs both ways, and in another stock py-evm imports our blocks
(decision 11).
"""

# ruff: noqa: SLF001  working on py-evm's own stack is the point of this module
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from eth.exceptions import FullStack, InsufficientStack, OutOfGas
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES
from eth.vm.forks.prague.state import PragueState

#: Executes one opcode on a computation of py-evm.
Opcode = Callable[[Any], None]

_POP, _JUMPDEST, _PUSH0, _DUP1, _SWAP1 = 0x50, 0x5B, 0x5F, 0x80, 0x90
_BASE, _VERY_LOW, _FREE = 2, 3, 1
_LIMIT = 1024
_WORD = (1 << 256) - 1
#: Opcodes that take the two topmost values, the topmost first, and leave one. All cost 3 gas.
_BINARY: dict[int, Callable[[int, int], int]] = {
    0x01: lambda a, b: (a + b) & _WORD,  # ADD
    0x03: lambda a, b: (a - b) & _WORD,  # SUB
    0x10: lambda a, b: a < b,  # LT
    0x11: lambda a, b: a > b,  # GT
    0x14: lambda a, b: a == b,  # EQ
    0x16: lambda a, b: a & b,  # AND
    0x17: lambda a, b: a | b,  # OR
    0x1B: lambda a, b: (b << a) & _WORD if a < 256 else 0,  # SHL
    0x1C: lambda a, b: b >> a if a < 256 else 0,  # SHR
}
#: Opcodes that replace the topmost value. All cost 3 gas.
_UNARY: dict[int, Callable[[int], int]] = {
    0x15: lambda a: a == 0,  # ISZERO
    0x19: lambda a: a ^ _WORD,  # NOT
}


def _charge(computation: Any, gas: int) -> None:
    meter = computation._gas_meter
    if meter.gas_remaining < gas:
        raise OutOfGas(f"needed {gas}, remaining {meter.gas_remaining}")
    meter.gas_remaining -= gas


def _int(value: int | bytes) -> int:
    """py-evm's own opcodes leave bytes on the stack too."""
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def _binary(compute: Callable[[int, int], int]) -> Opcode:
    def opcode(computation: Any) -> None:
        _charge(computation, _VERY_LOW)
        values = computation._stack.values
        if len(values) < 2:
            raise InsufficientStack(f"two values wanted, {len(values)} on the stack")
        first = _int(values.pop())
        values[-1] = int(compute(first, _int(values[-1])))

    return opcode


def _unary(compute: Callable[[int], int]) -> Opcode:
    def opcode(computation: Any) -> None:
        _charge(computation, _VERY_LOW)
        values = computation._stack.values
        if not values:
            raise InsufficientStack("a value wanted, none on the stack")
        values[-1] = int(compute(_int(values[-1])))

    return opcode


def _push(size: int) -> Opcode:
    gas = _VERY_LOW if size else _BASE

    def opcode(computation: Any) -> None:
        _charge(computation, gas)
        values = computation._stack.values
        if len(values) >= _LIMIT:
            raise FullStack("stack limit reached")
        code = computation.code
        start = code.program_counter
        code.program_counter = start + size
        given = code._raw_code_bytes[start : start + size]
        # Beyond the code's end there are zeros, so what is cut off is shifted in.
        values.append(int.from_bytes(given, "big") << 8 * (size - len(given)))

    return opcode


def _dup(position: int) -> Opcode:
    def opcode(computation: Any) -> None:
        _charge(computation, _VERY_LOW)
        values = computation._stack.values
        if len(values) >= _LIMIT:
            raise FullStack("stack limit reached")
        if len(values) < position:
            raise InsufficientStack(f"DUP{position} with {len(values)} stack items")
        values.append(values[-position])

    return opcode


def _swap(position: int) -> Opcode:
    at = -position - 1

    def opcode(computation: Any) -> None:
        _charge(computation, _VERY_LOW)
        values = computation._stack.values
        if len(values) <= position:
            raise InsufficientStack(f"SWAP{position} with {len(values)} stack items")
        values[-1], values[at] = values[at], values[-1]

    return opcode


def _pop(computation: Any) -> None:
    _charge(computation, _BASE)
    values = computation._stack.values
    if not values:
        raise InsufficientStack("POP with an empty stack")
    values.pop()


def _jumpdest(computation: Any) -> None:
    _charge(computation, _FREE)


STACK_OPCODES: dict[int, Opcode] = {
    _POP: _pop,
    _JUMPDEST: _jumpdest,
    **{number: _binary(compute) for number, compute in _BINARY.items()},
    **{number: _unary(compute) for number, compute in _UNARY.items()},
    **{_PUSH0 + size: _push(size) for size in range(33)},
    **{_DUP1 + position - 1: _dup(position) for position in range(1, 17)},
    **{_SWAP1 + position - 1: _swap(position) for position in range(1, 17)},
}


class LedgerComputation(PragueComputation):  # type: ignore[misc]  # py-evm has no types
    """Prague's computation with the opcodes from here."""

    opcodes: ClassVar[dict[int, Opcode]] = {**PRAGUE_OPCODES, **STACK_OPCODES}


class LedgerState(PragueState):  # type: ignore[misc]
    """Prague's state, computing with `LedgerComputation`; by when, is for `bounded` alone."""

    computation_class = LedgerComputation
    deadline = math.inf


class LedgerVM(PragueVM):  # type: ignore[misc]
    """Prague's rules."""

    _state_class = LedgerState
