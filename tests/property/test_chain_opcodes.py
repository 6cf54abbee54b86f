"""Stack opcodes of our own against py-evm's: the same results, gas and failures, for random programs."""

from __future__ import annotations

from typing import Any

from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.opcodes import STACK_OPCODES, LedgerVM

#: Ours, and others that meet what ours left on the stack: arithmetic, memory, hashing, jumps, storage, calls.
OTHERS = [
    0x01,
    0x03,
    0x04,
    0x0A,
    0x10,
    0x14,
    0x15,
    0x16,
    0x19,
    0x1A,
    0x1B,
    0x1C,
    0x20,
    0x34,
    0x51,
    0x52,
    0x53,
]
OTHERS += [0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x5E, 0xA1, 0xF3, 0xFD, 0xFE]
PROGRAMS = st.lists(
    st.one_of(st.sampled_from(sorted(STACK_OPCODES)), st.sampled_from(OTHERS), st.integers(0, 255)),
    max_size=120,
).map(bytes)
FUNDED = b"\1" * 20


def state_of(vm: type[PragueVM]) -> Any:
    """A fresh state in which one account has money."""

    class Chain(MiningChain):  # type: ignore[misc]
        chain_id = 1
        vm_configuration = ((0, vm),)

    account = {"balance": 10**18, "nonce": 0, "code": b"", "storage": {}}
    parameters = {"gas_limit": 30_000_000, "difficulty": 0, "timestamp": 1}
    return Chain.from_genesis(AtomicDB(), parameters, {FUNDED: account}).get_vm().state


def outcome(vm: type[PragueVM], code: bytes, gas: int) -> tuple[Any, ...]:
    """What is left of running a program: failure, output, gas, stack, logs and the state's root."""
    state = state_of(vm)
    message = Message(gas=gas, to=b"\2" * 20, sender=FUNDED, value=0, data=b"\7" * 40, code=code)
    context = state.get_transaction_context_class()(gas_price=0, origin=FUNDED)
    done = state.computation_class.apply_computation(state, message, context)
    stack = [int.from_bytes(v, "big") if isinstance(v, bytes) else v for v in done._stack.values]
    failure = type(done.error).__name__ if done.is_error else None
    state.persist()
    return failure, done.output, done.get_gas_remaining(), stack, done.get_raw_log_entries(), state.state_root


@settings(max_examples=400, deadline=None)
@given(PROGRAMS, st.integers(0, 5_000))
def test_random_programs_end_the_same(code: bytes, gas: int) -> None:
    assert outcome(LedgerVM, code, gas) == outcome(PragueVM, code, gas)


def test_every_stack_opcode_at_both_ends_of_the_stack() -> None:
    for opcode in sorted(STACK_OPCODES):
        for depth in (0, 1, 15, 16, 17, 1023, 1024):
            code = b"".join(b"\x61" + n.to_bytes(2, "big") for n in range(depth)) + bytes([opcode])
            assert outcome(LedgerVM, code, 10_000) == outcome(PragueVM, code, 10_000), (hex(opcode), depth)


NUMBERS = st.one_of(st.integers(0, 2**256 - 1), st.sampled_from([0, 1, 255, 256, 257, 2**255, 2**256 - 1]))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0x01, 0x03, 0x10, 0x11, 0x14, 0x15, 0x16, 0x17, 0x19, 0x1B, 0x1C]), NUMBERS, NUMBERS)
def test_arithmetic_at_its_edges(opcode: int, first: int, second: int) -> None:
    code = b"".join(b"\x7f" + n.to_bytes(32, "big") for n in (second, first)) + bytes([opcode])
    assert outcome(LedgerVM, code, 100) == outcome(PragueVM, code, 100)


def test_a_push_cut_off_by_the_codes_end() -> None:
    for size in range(1, 33):
        for given_bytes in range(size + 1):
            code = bytes([0x5F + size]) + b"\xab" * given_bytes
            assert outcome(LedgerVM, code, 100) == outcome(PragueVM, code, 100), (size, given_bytes)
