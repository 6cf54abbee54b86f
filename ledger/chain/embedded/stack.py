"""The opcodes that only move the stack (PUSH, DUP, SWAP, POP, JUMPDEST), each in one Python function.

They are most of what the ledger's contracts execute, and py-evm goes through five functions for each. Nothing
else is replaced: arithmetic, memory, storage, calls and tries are py-evm's. Gas, results and failures are the
same: a property test runs random programs both ways, and another has stock py-evm import our blocks. It makes
an import to the embedded chain about a quarter faster (decision 11).
"""

# ruff: noqa: SLF001  working on py-evm's own stack is the point of this module
from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from eth.exceptions import FullStack, InsufficientStack, OutOfGas
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES
from eth.vm.forks.prague.state import PragueState

if TYPE_CHECKING:
    from collections.abc import Callable

    Opcode = Callable[[Any], None]

_POP, _JUMPDEST, _PUSH0, _DUP1, _SWAP1 = 0x50, 0x5B, 0x5F, 0x80, 0x90
_BASE, _VERY_LOW, _FREE = 2, 3, 1
_LIMIT = 1024


def _charge(computation: Any, gas: int) -> None:
    meter = computation._gas_meter
    if meter.gas_remaining < gas:
        raise OutOfGas(f"needed {gas}, remaining {meter.gas_remaining}")
    meter.gas_remaining -= gas


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
    **{_PUSH0 + size: _push(size) for size in range(33)},
    **{_DUP1 + position - 1: _dup(position) for position in range(1, 17)},
    **{_SWAP1 + position - 1: _swap(position) for position in range(1, 17)},
}


class LedgerComputation(PragueComputation):  # type: ignore[misc]  # py-evm has no types
    """Prague's computation with the stack's opcodes from here."""

    opcodes: ClassVar[dict[int, Opcode]] = {**PRAGUE_OPCODES, **STACK_OPCODES}


class LedgerState(PragueState):  # type: ignore[misc]
    """Prague's state, computing with `LedgerComputation`."""

    computation_class = LedgerComputation


class LedgerVM(PragueVM):  # type: ignore[misc]
    """Prague's rules."""

    _state_class = LedgerState
