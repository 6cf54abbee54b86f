"""The fast opcodes and the bulk trie against py-evm's own: same gas, output, failures, logs, storage and roots."""

from __future__ import annotations

import random
from typing import Any

from eth.chains.base import Chain
from eth.db.atomic import AtomicDB
from eth.vm import opcode_values as op
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.spurious_dragon._utils import collect_touched_accounts
from eth.vm.message import Message
from hypothesis import example, given, settings
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


def push(value: int) -> bytes:
    raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes((op.PUSH1 - 1 + len(raw),)) + raw


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

small = st.integers(0, 130)
word = st.one_of(
    st.integers(0, 40),
    st.sampled_from([2**256 - 1, 2**255, 2**64, 2**32 + 1, 255, 256, 257, 31, 32, 33, 64, 96, 1000]),
    st.integers(0, 2**256 - 1),
)


def given_operands(name: str) -> st.SearchStrategy[bytes]:
    """The opcode after as many pushes as it takes; rarely one less, or a place no memory reaches."""
    operand = st.one_of(*[small] * 30, word) if name in MEMORY else word
    count = st.sampled_from([ARITY[name]] * 30 + [max(ARITY[name] - 1, 0)])
    operands = count.flatmap(lambda n: st.lists(operand, min_size=n, max_size=n))
    return operands.map(lambda v: b"".join(map(push, v)) + bytes((getattr(op, name),)))


instruction = st.sampled_from(sorted(ARITY)).flatmap(given_operands)
stack = st.integers(1, 16).flatmap(
    lambda n: st.sampled_from([bytes((op.DUP1 + n - 1,)), bytes((op.SWAP1 + n - 1,))])
)
pushed = st.tuples(st.integers(1, 32), st.binary(min_size=32, max_size=32)).map(
    lambda v: bytes((op.PUSH1 - 1 + v[0],)) + v[1][: v[0]]
)
precompile = st.tuples(
    st.sampled_from([2, 2, 2, 2, 1, 3, 4, 9, int.from_bytes(OTHER, "big")]),
    st.sampled_from([0, 59, 60, 71, 72, 73, 83, 84, 96, 107, 108, 109, 5000, 2**64]),
    st.tuples(small, small, small, small),
    st.sampled_from(["STATICCALL"] * 4 + ["CALL", "DELEGATECALL"]),
).map(lambda v: called(*v))


def called(to: int, gas: int, memory: tuple[int, ...], kind: str) -> bytes:
    value = push(0) if kind == "CALL" else b""
    return b"".join(map(push, memory)) + value + push(to) + push(gas) + bytes((getattr(op, kind),))


jump = st.tuples(word, st.integers(0, 90)).map(  # over an invalid opcode when taken, to nowhere otherwise
    lambda v: push(v[0] & 1) + bytes((op.PC, op.PUSH1, 6, op.ADD, op.JUMPI, 0x5B, op.JUMPDEST))
)
wild = st.one_of(
    st.integers(0, 60).map(lambda n: push(n) + bytes((op.JUMP,))),
    st.sampled_from(sorted(ARITY)).map(lambda name: bytes((getattr(op, name),))),
)
piece = st.one_of(*[instruction] * 8, *[stack] * 3, *[pushed] * 2, *[precompile] * 2, jump, wild)
ending = st.sampled_from(
    [
        push(0) + bytes((op.MSTORE,)) + push(160) + push(0) + bytes((op.RETURN,)),
        push(7) + bytes((op.SSTORE,)),
        push(40) + push(3) + bytes((op.REVERT,)),
        b"\xfe",
        bytes((op.PUSH2, 1)),  # cut short by the code's end
    ]
)
start = st.lists(pushed, min_size=17, max_size=17).map(b"".join)
program = st.tuples(start, st.lists(piece, max_size=25).map(b"".join), ending).map(b"".join)
amount = st.one_of(*[st.just(400_000)] * 5, st.integers(0, 3000))


@settings(max_examples=500, deadline=None)
@given(program, st.binary(max_size=70), amount)
@example(bytes((op.PUSH1, 4, op.JUMP, op.STOP, op.JUMPDEST)), b"", 1000)
@example(bytes((op.PUSH1, 3, op.JUMP, op.PUSH1, op.JUMPDEST, op.JUMPDEST)), b"", 1000)  # into a PUSH's data
@example(bytes((op.JUMPDEST, op.PUSH1, 0, op.JUMP)), b"", 500)  # until the gas is gone
@example(bytes((op.PUSH0,)) * 1024 + bytes((op.DUP1,)), b"", 100_000)  # one too many
@example(bytes((op.PUSH0,)) * 1025, b"", 100_000)
def test_a_program_does_the_same_on_both(code: bytes, data: bytes, gas: int) -> None:
    slow, fast = (run(chain, code, data, gas) for chain in CHAINS)
    assert fast == slow


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
        rng = random.Random(seed)
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
