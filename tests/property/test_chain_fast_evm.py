"""The fast opcodes and the bulk trie against py-evm's own: same gas, output, failures, logs, storage and roots."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from eth.chains.base import Chain
from eth.db.atomic import AtomicDB
from eth.vm import opcode_values as op
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.spurious_dragon._utils import collect_touched_accounts
from eth.vm.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from ledger.chain.embedded.blocks import EMPTY_ROOT
from ledger.chain.embedded.evm import LedgerVM
from ledger.chain.embedded.trie import lookup, update
from ledger.chain.rlp import encode
from ledger.crypto.hashing import keccak256

SENDER, CONTRACT, OTHER = b"\x11" * 20, b"\x22" * 20, b"\x33" * 20
TIME = 1_800_000_000


def _chain(vm: Any) -> Any:
    class TestChain(Chain):
        chain_id = 77
        vm_configuration = ((0, vm),)

    account = {"balance": 10**20, "nonce": 1, "code": b"", "storage": {}}
    parameters = {
        "difficulty": 0,
        "gas_limit": 30_000_000,
        "timestamp": TIME,
        "coinbase": bytes(20),
        "nonce": bytes(8),
        "mix_hash": bytes(32),
        "extra_data": b"",
    }
    return TestChain.from_genesis(AtomicDB(), parameters, dict.fromkeys((SENDER, CONTRACT, OTHER), account))


CHAINS = [_chain(PragueVM), _chain(LedgerVM)]


def run(chain: Any, code: bytes, data: bytes, gas: int) -> tuple[Any, ...]:
    """Execute code in the contract; everything that can be seen of it afterwards."""
    head = chain.get_canonical_head()
    header = chain.create_header_from_parent(head, timestamp=TIME + 5, gas_limit=head.gas_limit)
    state = chain.get_vm(header).state
    for slot in range(3):
        state.set_storage(CONTRACT, slot, slot * 7)
    state.lock_changes()
    message = Message(gas=gas, to=CONTRACT, sender=SENDER, value=0, data=data, code=code)
    context = state.get_transaction_context_class()(gas_price=1, origin=SENDER)
    done = state.computation_class.apply_message(state, message, context)
    for account in collect_touched_accounts(done):  # as at the end of a transaction (EIP-161)
        if state.account_exists(account) and state.account_is_empty(account):
            state.delete_account(account)
    error = type(done.error).__name__ if done.is_error else None
    burns = done.is_error and done.should_burn_gas
    logs = done.get_log_entries()
    refund = done.get_gas_refund()
    seen = (done.get_gas_remaining(), bytes(done.output), burns, logs, refund, state.make_state_root())
    return (*seen, None if burns else error)


#: How many operands each opcode takes; programs give it that many, so that most of them run to their end.
ARITY = {
    **dict.fromkeys(
        [
            "ADD",
            "SUB",
            "MUL",
            "DIV",
            "SDIV",
            "MOD",
            "SMOD",
            "AND",
            "OR",
            "XOR",
            "LT",
            "GT",
            "SLT",
            "SGT",
            "EQ",
            "SHL",
            "SHR",
            "SAR",
            "BYTE",
            "SIGNEXTEND",
        ],
        2,
    ),
    **dict.fromkeys(
        ["ISZERO", "NOT", "POP", "MLOAD", "CALLDATALOAD", "SLOAD", "TLOAD", "BALANCE", "EXTCODEHASH"], 1
    ),
    **dict.fromkeys(["SHA3", "MSTORE", "MSTORE8", "SSTORE", "TSTORE", "LOG0", "EXP"], 2),
    **dict.fromkeys(["ADDMOD", "MULMOD", "MCOPY", "CALLDATACOPY", "CODECOPY", "RETURNDATACOPY", "LOG1"], 3),
    **dict.fromkeys(
        ["CALLDATASIZE", "CODESIZE", "GAS", "PC", "MSIZE", "CALLER", "ADDRESS", "RETURNDATASIZE", "JUMPDEST"],
        0,
    ),
    "LOG2": 4,
    "LOG3": 5,
}
MEMORY = [
    "MLOAD",
    "MSTORE",
    "MSTORE8",
    "SHA3",
    "MCOPY",
    "CALLDATACOPY",
    "CODECOPY",
    "RETURNDATACOPY",
    "LOG0",
    "LOG1",
    "LOG2",
    "LOG3",
]

SILENT = [
    "POP",
    "MSTORE",
    "MSTORE8",
    "SSTORE",
    "TSTORE",
    "LOG0",
    "LOG1",
    "LOG2",
    "LOG3",
    "MCOPY",
    "CALLDATACOPY",
    "CODECOPY",
    "RETURNDATACOPY",
    "JUMPDEST",
]

EDGES = [0, 1, 2, 31, 32, 33, 64, 96, 255, 256, 257, 1000, 2**32, 2**64, 2**255, 2**256 - 1]
PRICES = [0, 59, 60, 71, 72, 73, 83, 84, 96, 107, 108, 109, 5000, 2**64]
PRECOMPILES = [2, 2, 2, 2, 1, 3, 4, 9, int.from_bytes(OTHER, "big")]


def push(value: int) -> bytes:
    raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes((op.PUSH1 - 1 + len(raw),)) + raw


def pushes(values: Iterable[int]) -> bytes:
    return b"".join(map(push, values))


def called(to: int, gas: int, memory: tuple[int, ...], kind: str) -> bytes:
    value = push(0) if kind == "CALL" else b""
    return pushes(memory) + value + push(to) + push(gas) + bytes((getattr(op, kind),))


def word(rng: Random) -> int:
    return rng.choice([rng.randrange(41), rng.choice(EDGES), rng.getrandbits(256), rng.getrandbits(64)])


def piece(rng: Random) -> bytes:
    """An opcode with the operands it needs (and rarely without), a call of a precompile, or a jump."""
    kind = rng.randrange(100)
    if kind < 60:
        name = rng.choice(sorted(ARITY))
        taken = [rng.randrange(131) if name in MEMORY else word(rng) for _ in range(ARITY[name])]
        if len(taken) > 1 and rng.random() < 0.2:
            taken[-2] = taken[-1]
        return pushes(taken) + bytes((getattr(op, name),))
    if kind < 75:
        return bytes((rng.choice([op.DUP1, op.SWAP1]) + rng.randrange(16),))
    if kind < 83:
        size = rng.randrange(33)
        return bytes((op.PUSH1 - 1 + size,)) + rng.randbytes(size)
    if kind < 92:
        memory = tuple(rng.randrange(131) for _ in range(4))
        how = rng.choice(["STATICCALL"] * 4 + ["CALL", "DELEGATECALL"])
        return called(rng.choice(PRECOMPILES), rng.choice(PRICES), memory, how)
    if kind < 98:  # over an invalid opcode when taken
        return push(rng.choice([1, 1, word(rng)])) + bytes(
            (op.PC, op.PUSH1, 6, op.ADD, op.JUMPI, 0x5B, op.JUMPDEST)
        )
    return rng.choice(
        [push(rng.randrange(60)) + bytes((op.JUMP,)), bytes((op.POP,)) * 18, b"\xfe", push(2**70)]
    )


def ending(rng: Random) -> bytes:
    """Show what is on the stack and in memory."""
    shown = b"".join(bytes((op.PUSH2, 1, 32 * n, op.MSTORE)) for n in range(5))
    return shown + rng.choice(
        [
            bytes((op.MSIZE, op.PUSH0, op.RETURN)),
            bytes((op.MSIZE, op.PUSH0, op.REVERT)),
            push(7) + bytes((op.SSTORE,)),
            bytes((op.PUSH2, 1)),  # cut short by the code's end
        ]
    )


def program(rng: Random) -> bytes:
    start = pushes(word(rng) for _ in range(17))
    return start + b"".join(piece(rng) for _ in range(rng.randrange(25))) + ending(rng)


FIXED = {
    "a jump": bytes((op.PUSH1, 4, op.JUMP, op.STOP, op.JUMPDEST)),
    "a jump into the data of a push": bytes((op.PUSH1, 3, op.JUMP, op.PUSH1, op.JUMPDEST, op.JUMPDEST)),
    "a jump to no JUMPDEST": bytes((op.PUSH1, 3, op.JUMP, op.STOP)),
    "a jump behind the code": bytes((op.PUSH1, 99, op.JUMP)),
    "a loop until the gas is gone": bytes((op.JUMPDEST, op.PUSH1, 0, op.JUMP)),
    "a full stack": bytes((op.PUSH0,)) * 1024,
    "a full stack and DUP": bytes((op.PUSH0,)) * 1024 + bytes((op.DUP1,)),
    "a full stack and PUSH": bytes((op.PUSH0,)) * 1025,
    "memory nobody can pay": pushes((0, 2**40)) + bytes((op.MSTORE,)),
    "hashing nothing far away": pushes((0, 2**200)) + bytes((op.SHA3,)),
    "copying nothing far away": pushes((0, 0, 2**200)) + bytes((op.CALLDATACOPY,)),
    **{
        f"{name} of an empty stack": bytes((getattr(op, name),))
        for name in ("ADD", "NOT", "POP", "DUP1", "SWAP1")
    },
    **{
        f"{name} with one operand": push(3) + bytes((getattr(op, name),))
        for name in ("ADD", "JUMPI", "MSTORE")
    },
    **{f"DUP{n} of {n - 1}": bytes((op.PUSH0,)) * (n - 1) + bytes((op.DUP1 + n - 1,)) for n in (2, 16)},
    **{f"SWAP{n} of {n}": bytes((op.PUSH0,)) * n + bytes((op.SWAP1 + n - 1,)) for n in (1, 16)},
}


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_do_the_same_on_both(seed: int) -> None:
    rng = Random(seed)
    for _ in range(30):
        code, data = program(rng), rng.randbytes(rng.randrange(70))
        gas = rng.choice([400_000, 400_000, 400_000, rng.randrange(3000)])
        slow, fast = (run(chain, code, data, gas) for chain in CHAINS)
        assert fast == slow, (code.hex(), data.hex(), gas)


@pytest.mark.parametrize("name", FIXED)
def test_edges_are_the_same_on_both(name: str) -> None:
    for gas in (1, 5, 8, 9, 12, 50, 3000, 100_000):
        slow, fast = (run(chain, FIXED[name], b"", gas) for chain in CHAINS)
        assert fast == slow, gas


@pytest.mark.parametrize("name", sorted(set(ARITY) - {"TLOAD", "BALANCE", "RETURNDATACOPY"}))
def test_every_opcode_on_all_pairs_of_edges(name: str) -> None:
    """One program with all pairs, every result kept in memory; then with exactly the gas it needs, and one less."""
    edges = [v for v in EDGES if v < 300] if name in MEMORY else EDGES
    pairs = [(a, b) for a in edges for b in edges] if ARITY[name] > 1 else [(a, a) for a in edges]
    code = b""
    for at, pair in enumerate(pairs):
        code += pushes([5, 1, 1, *pair][-ARITY[name] :] if ARITY[name] else [])
        code += bytes((getattr(op, name),))
        if name not in SILENT:
            code += push(1024 + 32 * at) + bytes((op.MSTORE,))
    code += bytes((op.MSIZE, op.PUSH0, op.RETURN))
    slow, fast = (run(chain, code, b"\xc3" * 40, 5_000_000) for chain in CHAINS)
    assert fast == slow
    assert not slow[2]
    for short in (0, 1):
        gas = 5_000_000 - slow[0] - short
        again, quick = (run(chain, code, b"\xc3" * 40, gas) for chain in CHAINS)
        assert quick == again
        assert again[2] or not short


def test_hashing_by_precompile_with_any_gas() -> None:
    """SHA-256 of two words, asked for with all gas there is: every boundary of price, 63/64 and failure."""
    tail = bytes((op.RETURNDATASIZE, op.ADD)) + push(3) + bytes((op.SSTORE,))
    for gas in range(110, 320):
        code = called(2, 2**64, (32, 0, 64, 0), "STATICCALL") + (tail if gas % 2 else b"")
        slow, fast = (run(chain, code, b"", gas) for chain in CHAINS)
        assert fast == slow, gas


def test_the_opcodes_compared_are_really_the_fast_ones() -> None:
    """The property above would hold for two equal tables, too."""
    slow, fast = (chain.vm_configuration[0][1]._state_class.computation_class.opcodes for chain in CHAINS)
    assert sum(slow[code] is not fast[code] for code in slow) >= 80


keys = st.one_of(
    st.integers(0, 300).map(lambda n: keccak256(bytes((n % 256, n // 256)))),
    st.integers(0, 5000).map(lambda n: n.to_bytes(32, "big")),
    st.integers(0, 50).map(lambda n: bytes((n,)) + bytes(31)),
)
values = st.one_of(st.just(1), st.integers(1, 2**256 - 1)).map(encode)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.dictionaries(keys, values, min_size=1, max_size=30), max_size=5), st.lists(keys, max_size=5)
)
def test_bulk_updates_give_the_roots_of_single_ones(
    rounds: list[dict[bytes, bytes]], asked: list[bytes]
) -> None:
    reference, stored, root = HexaryTrie({}), dict[bytes, bytes](), EMPTY_ROOT
    for changes in rounds:
        for key, value in changes.items():
            reference[key] = value
        root, nodes = update(stored.__getitem__, root, changes)
        stored.update(nodes)
        assert root == reference.root_hash
    for key in [*asked, *(key for changes in rounds for key in changes)]:
        assert lookup(stored.__getitem__, root, key) == reference[key]


def test_storage_that_is_cleared_gives_the_same_root() -> None:
    """Removal falls back to py-evm's trie, in the middle of a block and after one."""
    roots = []
    for chain in CHAINS:
        state = chain.get_vm(
            chain.create_header_from_parent(chain.get_canonical_head(), timestamp=TIME + 9)
        ).state
        for step in range(60):
            state.set_storage(CONTRACT, step, step + 1)
        state.lock_changes()
        first = state.make_state_root()
        state.persist()
        for step in range(0, 60, 2):
            state.set_storage(CONTRACT, step, 0)
            state.set_storage(CONTRACT, step + 100, step)
        state.lock_changes()
        second = state.make_state_root()
        state.delete_storage(CONTRACT)
        state.set_storage(CONTRACT, 5, 5)
        state.lock_changes()
        roots.append((first, second, state.make_state_root(), state.get_storage(CONTRACT, 3)))
        state.persist()
    assert roots[0] == roots[1]
    assert len(set(roots[0][:3])) == 3


def test_a_reverted_deletion_gives_the_storage_back() -> None:
    results = []
    for chain in CHAINS:
        state = chain.get_vm(
            chain.create_header_from_parent(chain.get_canonical_head(), timestamp=TIME + 9)
        ).state
        state.set_storage(CONTRACT, 1, int.from_bytes(b"\x07" * 32, "big"))
        state.lock_changes()
        state.make_state_root()
        before = state.snapshot()
        state.delete_storage(CONTRACT)
        state.set_storage(CONTRACT, 2, 9)
        state.revert(before)
        state.lock_changes()
        results.append(
            (state.get_storage(CONTRACT, 1), state.get_storage(CONTRACT, 2), state.make_state_root())
        )
    assert results[0] == results[1]
    assert results[0][:2] == (int.from_bytes(b"\x07" * 32, "big"), 0)


def test_random_storage_traffic_over_many_blocks() -> None:
    for seed in range(3):
        rng = Random(seed)
        roots: list[list[bytes]] = [[], []]
        traffic = [
            [
                (rng.randrange(40), rng.choice([0, rng.randrange(2**256), 1]))
                for _ in range(rng.randrange(1, 25))
            ]
            for _ in range(12)
        ]
        for chain, seen in zip(CHAINS, roots, strict=True):
            state = chain.get_vm(
                chain.create_header_from_parent(chain.get_canonical_head(), timestamp=TIME + 9)
            ).state
            for writes in traffic:
                for slot, value in writes:
                    state.set_storage(OTHER, slot, value)
                state.lock_changes()
                seen.append(state.make_state_root())
                state.persist()
        assert roots[0] == roots[1]
