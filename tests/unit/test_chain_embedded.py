"""The embedded chain: what a node's rules ask, what is on disk after it closes, and who may own it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from chain_helpers import deployed, fresh, funded
from eth.chains.base import Chain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM

from ledger.chain.accounts import Transaction, sign_transaction
from ledger.chain.embedded import EmbeddedNode, open_embedded
from ledger.chain.embedded.rules import BLOCK_GAS, CHAIN_ID, ENDOWMENT
from ledger.chain.keystore import Keystore
from ledger.chain.rpc import RpcRefused
from ledger.chain.submitter import Reverted
from ledger.errors import Busy, ChainDamaged, ChainUnavailable

DEV_KEYS = ["0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    ledger = deployed(tmp_path_factory.mktemp("shared"))
    yield ledger
    ledger.node.close()


def nonce(node: EmbeddedNode, address: str) -> int:
    return int(node.request("eth_getTransactionCount", address, "latest"), 16)


def send(node: EmbeddedNode, keystore: Keystore, **fields: Any) -> str:
    sender = keystore.address("governor")
    usual = {
        "chain_id": CHAIN_ID,
        "nonce": nonce(node, sender),
        "max_priority_fee": 0,
        "max_fee": 10**10,
        "gas": 100_000,
        "to": keystore.address("operator"),
        "data": b"",
    }
    raw, _ = keystore.sign_transaction("governor", Transaction(**(usual | fields)))
    return str(node.request("eth_sendRawTransaction", "0x" + raw.hex()))


def test_only_the_given_addresses_have_anything(shared: Any) -> None:
    for address in funded(shared.keystore):
        assert int(shared.node.request("eth_getBalance", address, "0x0"), 16) == ENDOWMENT
    for address in DEV_KEYS:
        assert shared.node.request("eth_getBalance", address, "latest") == "0x0"
    assert shared.node.request("eth_accounts") == []


def test_every_block_is_valid_to_stock_py_evm(shared: Any) -> None:
    """Registering, recording, failing, a removal of storage: an independent chain imports all of it as it stands."""
    shared.register(12)
    shared.record([1, 1, 2, 5, 9, 12])
    shared.record([3, 4])
    with pytest.raises(Reverted, match="WrongNumber"):
        shared.record([3], first=99)
    store = shared.node._store
    ours = shared.node._methods._evm._backend.chain

    class Stock(Chain):
        chain_id = CHAIN_ID
        vm_configuration = ((0, PragueVM),)

    genesis = ours.get_canonical_block_header_by_number(0)
    base = AtomicDB()
    for key, value in store._sql.execute(
        "SELECT k, v FROM kv"
    ):  # the genesis state, and nodes not yet asked for
        if len(key) == 32:
            base[key] = value
    stock = Stock.from_genesis_header(base, genesis)
    head = int(shared.node.request("eth_blockNumber"), 16)
    for number in range(1, head + 1):
        block = ours.get_canonical_block_by_number(number)
        imported = stock.import_block(block).imported_block
        assert imported.hash == block.hash
    assert head > 15


def test_blocks_have_the_clocks_time_and_never_the_same(shared: Any) -> None:
    before = int(time.time())
    for _ in range(3):
        send(shared.node, shared.keystore)
    head = int(shared.node.request("eth_blockNumber"), 16)
    times = [
        int(shared.node.request("eth_getBlockByNumber", hex(n), False)["timestamp"], 16)
        for n in range(head + 1)
    ]
    assert times == sorted(set(times))
    assert before <= times[-1] <= max(int(time.time()), times[-4] + 3)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"chain_id": 1}, "invalid chain id"),
        ({"nonce": 0}, "nonce too low"),
        ({"nonce": 10**6}, "nonce too high"),
        ({"gas": 16_777_217}, "gas limit too high"),
        ({"gas": 20_999}, "intrinsic gas too low"),
        ({"gas": 40_000, "data": b"\1" * 1000}, "intrinsic gas too low"),  # the floor of EIP-7623
        ({"max_fee": 0}, "less than block base fee"),
        ({"value": 2 * ENDOWMENT}, "insufficient funds"),
        ({"data": b"\0" * 131_072, "gas": 10**7}, "oversized data"),
    ],
)
def test_what_the_pool_refuses_leaves_no_trace(shared: Any, fields: dict[str, Any], why: str) -> None:
    send(shared.node, shared.keystore)
    head = shared.node.request("eth_getBlockByNumber", "latest", False)["hash"]
    with pytest.raises(RpcRefused, match=why) as caught:
        send(shared.node, shared.keystore, **fields)
    assert caught.value.rpc_code == -32000
    assert shared.node.request("eth_getBlockByNumber", "latest", False)["hash"] == head
    send(shared.node, shared.keystore)


def test_bytes_that_are_no_transaction(shared: Any) -> None:
    raw, _ = sign_transaction(b"\7" * 32, Transaction(CHAIN_ID, 0, 0, 10**10, 21_000, DEV_KEYS[0], b""))
    for bad in (b"", b"\x02", raw[:-1], raw + b"\0", b"\x03" + raw[1:], os.urandom(100)):
        with pytest.raises(RpcRefused):
            shared.node.request("eth_sendRawTransaction", "0x" + bad.hex())


def test_sending_again_what_was_mined(shared: Any) -> None:
    keystore, node = shared.keystore, shared.node
    number = nonce(node, keystore.address("governor"))
    fields = Transaction(CHAIN_ID, number, 0, 10**10, 21_000, keystore.address("operator"), b"")
    raw, _ = keystore.sign_transaction("governor", fields)
    node.request("eth_sendRawTransaction", "0x" + raw.hex())
    with pytest.raises(RpcRefused, match=r"nonce too low|already known"):
        node.request("eth_sendRawTransaction", "0x" + raw.hex())


def test_a_failed_transaction_is_mined_with_status_0(shared: Any) -> None:
    data = shared.contracts.register(77, [bytes(32)]).data  # the governor may not register
    done = send(shared.node, shared.keystore, to=shared.deployment.credit_ledger, data=data)
    receipt = shared.node.request("eth_getTransactionReceipt", done)
    assert (receipt["status"], receipt["logs"]) == ("0x0", [])


def test_estimates_suffice_and_are_tight(shared: Any) -> None:
    call = shared.contracts.register(
        shared.contracts.enterprise_count() + 1, [os.urandom(32) for _ in range(20)]
    )
    request = {"from": shared.operator.address, "to": call.to, "data": "0x" + call.data.hex()}
    estimate = int(shared.node.request("eth_estimateGas", request), 16)
    used = shared.operator.execute(call, estimate).gas_used
    assert used <= estimate <= used * 1.2
    plain = {"from": shared.operator.address, "to": DEV_KEYS[0]}
    assert shared.node.request("eth_estimateGas", plain) == hex(21_000)
    with pytest.raises(RpcRefused, match="reverted"):
        shared.node.request("eth_estimateGas", {**request, "from": DEV_KEYS[0]})


def test_reopening_finds_everything(tmp_path: Path) -> None:
    ledger = deployed(tmp_path)
    ledger.register(5)
    receipt = ledger.record([1, 2, 3])
    root, block = ledger.contracts.root(), ledger.node.request("eth_getBlockByNumber", "latest", True)
    ledger.node.close()
    with pytest.raises(ChainUnavailable):
        ledger.node.request("eth_blockNumber")
    node = open_embedded(tmp_path, [])
    assert node.request("eth_getBlockByNumber", "latest", True) == block
    assert node.request("eth_getTransactionReceipt", receipt.transaction_hash)["status"] == "0x1"
    ledger.contracts.node = node
    assert ledger.contracts.root() == root
    node.close()
    node.close()


def test_one_owner(tmp_path: Path) -> None:
    node, _ = fresh(tmp_path)
    with pytest.raises(Busy, match=str(os.getpid())) as caught:
        open_embedded(tmp_path, [])
    assert caught.value.retry_helps
    node.close()
    open_embedded(tmp_path, []).close()


def test_an_owner_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    script = (
        "import sys, os; from pathlib import Path; from ledger.chain.embedded.lock import ChainLock\n"
        "lock = ChainLock(Path(sys.argv[1]) / 'chain.lock'); print('held', flush=True); os.kill(os.getpid(), 9)"
    )
    held = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert held.stdout == "held\n"
    node, _ = fresh(tmp_path)
    node.close()


def test_a_flush_is_all_or_nothing(tmp_path: Path) -> None:
    """A disk that fails while a block is written: the block is not there, and the next one is."""
    node, keystore = fresh(tmp_path)
    send(node, keystore)
    head = node.request("eth_getBlockByNumber", "latest", True)
    real = node._store._sql

    class Failing:
        def execute(self, statement: str, *arguments: Any) -> Any:
            if statement == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return real.execute(statement, *arguments)

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    node._store._sql = Failing()  # type: ignore[assignment]
    with pytest.raises(ChainUnavailable, match="disk I/O error"):
        send(node, keystore)
    node._store._sql = real
    assert node.request("eth_getBlockByNumber", "latest", True) == head
    send(node, keystore)
    assert int(node.request("eth_blockNumber"), 16) == 2
    node.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "chain.db").write_bytes(b"not a database, and long enough to be taken for one" * 50)
    with pytest.raises(ChainDamaged, match="cannot be opened"):
        fresh(tmp_path)
    (tmp_path / "chain.db").unlink()
    node, _ = fresh(tmp_path)  # the lock was given back
    node.close()


def test_an_empty_block_limit_holds_several_batches() -> None:
    assert BLOCK_GAS >= 3 * 15_000_000
