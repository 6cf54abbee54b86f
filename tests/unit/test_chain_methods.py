"""The JSON-RPC method table, read by web3.py over the loopback server; and damage on disk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_helpers import Ledger, deployed
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

from ledger.chain.abi import event_topics
from ledger.chain.embedded import open_embedded
from ledger.chain.embedded.rules import CHAIN_ID
from ledger.chain.embedded.server import ChainServer
from ledger.chain.logs import read_facts
from ledger.chain.rpc import RpcRefused
from ledger.errors import ChainDamaged


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    made = deployed(tmp_path_factory.mktemp("chain"))
    made.register(40)
    made.record([1, 1, 2, 3])
    made.record([5, 8, 40], authority=2)
    yield made
    made.node.close()


@pytest.fixture(scope="module")
def web3(ledger: Ledger) -> Iterator[Web3]:
    server = ChainServer(ledger.node)
    yield Web3(HTTPProvider(server.url))
    server.stop()


def test_an_ordinary_script_reads_the_chain(web3: Web3) -> None:
    assert web3.is_connected()
    assert web3.eth.chain_id == CHAIN_ID
    assert web3.client_version.startswith("credit-ledger/")
    assert web3.net.version == str(CHAIN_ID)
    assert web3.eth.syncing is False
    assert not web3.eth.accounts
    assert web3.eth.max_priority_fee == 0
    assert web3.eth.gas_price == web3.eth.fee_history(1, "latest")["baseFeePerGas"][-1]


def test_blocks_hang_together(web3: Web3) -> None:
    last = web3.eth.block_number
    for number in range(1, last + 1):
        block = web3.eth.get_block(number, full_transactions=True)
        assert block["parentHash"] == web3.eth.get_block(number - 1)["hash"]
        assert web3.eth.get_block(block["hash"])["number"] == number
        assert web3.eth.get_block_transaction_count(number) == len(block["transactions"]) == 1
        (transaction,) = block["transactions"]
        assert web3.eth.get_transaction(transaction["hash"]) == transaction
        receipt = web3.eth.get_transaction_receipt(transaction["hash"])
        assert (receipt["blockHash"], receipt["from"]) == (block["hash"], transaction["from"])
        assert receipt["gasUsed"] == receipt["cumulativeGasUsed"] == block["gasUsed"]
    assert web3.eth.get_block("earliest")["number"] == 0
    assert web3.eth.get_block("latest")["number"] == web3.eth.get_block("finalized")["number"] == last


def test_a_created_contract_is_named_in_its_receipt(web3: Web3, ledger: Ledger) -> None:
    first = web3.eth.get_block(1)["transactions"][0]
    assert web3.eth.get_transaction_receipt(first)["contractAddress"] == ledger.deployment.access_manager
    assert web3.eth.get_transaction(first).get("to") is None


def test_block_receipts_are_the_receipts(web3: Web3) -> None:
    for number in (0, 5, web3.eth.block_number):
        block = web3.eth.get_block(number)
        receipts = web3.provider.make_request("eth_getBlockReceipts", [hex(number)])["result"]
        assert [r["transactionHash"] for r in receipts] == [h.to_0x_hex() for h in block["transactions"]]


def test_the_logs_of_a_contract_through_its_abi(web3: Web3, ledger: Ledger) -> None:
    import json

    from ledger.chain.abi import ARTIFACTS

    abi = json.loads((ARTIFACTS / "CreditLedger.json").read_bytes())["abi"]
    contract = web3.eth.contract(ledger.deployment.credit_ledger, abi=abi)
    runs = contract.events.Recorded().get_logs(from_block=0)
    assert [(r["args"]["enterprise"], r["args"]["authority"], len(r["args"]["records"])) for r in runs] == [
        (1, 1, 128),
        (2, 1, 64),
        (3, 1, 64),
        (5, 2, 64),
        (8, 2, 64),
        (40, 2, 64),
    ]
    assert contract.functions.head(40).call() == ledger.contracts.head(40) == runs[-1]["args"]["head"]
    narrowed = contract.events.Recorded().get_logs(from_block=0, argument_filters={"enterprise": [2, 8]})
    assert [r["args"]["enterprise"] for r in narrowed] == [2, 8]
    mine = contract.events.Recorded().get_logs(from_block=0, argument_filters={"authority": 2})
    assert len(mine) == 3


def test_filters(ledger: Ledger) -> None:
    def logs(**wanted: Any) -> list[Any]:
        return list(ledger.node.request("eth_getLogs", {"fromBlock": "0x0", **wanted}))

    address = ledger.deployment.credit_ledger.lower()
    topic = "0x" + event_topics("CreditLedger")["Registered"].hex()
    nobody = "0x" + "77" * 20
    registered = logs(topics=[topic])
    assert len(registered) == 40
    assert logs(address=address, topics=[[topic, "0x" + "00" * 32]]) == registered
    assert logs(address=[nobody, address], topics=[topic, None]) == registered
    assert logs(address=nobody) == []
    assert logs(topics=[None, None, None, None]) == []
    assert logs(topics=[topic, "0x" + (7).to_bytes(32, "big").hex()])[0]["topics"][1].endswith("07")
    block = registered[0]
    assert logs(blockHash=block["blockHash"], topics=[topic]) == registered
    assert logs(fromBlock=block["blockNumber"], toBlock=block["blockNumber"], topics=[topic]) == registered
    assert logs(fromBlock="0xffff", toBlock="0xfffff") == []
    assert len(logs()) > len(registered)
    times = {log["blockTimestamp"] for log in registered}
    assert times == {ledger.node.request("eth_getBlockByNumber", block["blockNumber"], False)["timestamp"]}


def test_state_at_earlier_blocks(web3: Web3, ledger: Ledger) -> None:
    address = ledger.deployment.credit_ledger
    assert web3.eth.get_code(address, 2) == b""
    assert len(web3.eth.get_code(address, 3)) > 1000
    assert web3.eth.get_transaction_count(ledger.keystore.address("deployer"), 2) == 2
    assert ledger.contracts.enterprise_count(3) == 0
    assert ledger.contracts.enterprise_count() == 40
    assert web3.eth.get_balance(ledger.operator.address, 0) > web3.eth.get_balance(ledger.operator.address)
    book = ledger.deployment.authorities
    assert any(int.from_bytes(web3.eth.get_storage_at(book, slot), "big") == 7 for slot in range(6))


def test_what_is_not_there(ledger: Ledger) -> None:
    nothing = "0x" + "99" * 32
    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt"):
        assert ledger.node.request(method, nothing) is None
    assert ledger.node.request("eth_getBlockByHash", nothing, False) is None
    assert ledger.node.request("eth_getBlockByNumber", "0xffffff", False) is None
    state_root = ledger.node.request("eth_getBlockByNumber", "latest", False)["stateRoot"]
    assert ledger.node.request("eth_getBlockByHash", state_root, False) is None  # there, and no block
    with pytest.raises(RpcRefused, match="not found"):
        ledger.node.request("eth_getBalance", ledger.operator.address, "0xffffff")


def test_a_revert_carries_its_data(web3: Web3, ledger: Ledger) -> None:
    call = ledger.contracts.register(1, [os.urandom(32)])
    request = {"from": ledger.operator.address, "to": call.to, "data": "0x" + call.data.hex()}
    with pytest.raises(RpcRefused) as caught:
        ledger.node.request("eth_call", request, "latest")
    assert caught.value.rpc_code == 3
    assert len(caught.value.data) == 36
    answer = web3.provider.make_request("eth_call", [request, "latest"])
    assert answer["error"]["data"] == "0x" + caught.value.data.hex()


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_nothing", [], -32601),
        ("eth_sign", ["0x00", "0x00"], -32601),
        ("eth_getBlockByNumber", [], -32602),
        ("eth_getBlockByNumber", ["banana", False], -32602),
        ("eth_getBlockByNumber", [None, False], -32602),
        ("eth_getBlockByNumber", ["0x1", False, 1, 2], -32602),
        ("eth_getBlockByHash", ["0x12", False], -32602),
        ("eth_getBalance", ["0x12", "latest"], -32602),
        ("eth_getBalance", ["0x" + "zz" * 20, "latest"], -32602),
        ("eth_getLogs", ["0x0"], -32602),
        ("eth_getLogs", [{"address": 5}], -32602),
        ("eth_getLogs", [{"topics": "0x00"}], -32602),
        ("eth_getLogs", [{"topics": ["0x00"]}], -32602),
        ("eth_getLogs", [{"fromBlock": 5}], -32602),
        ("eth_getLogs", [{"blockHash": "0x" + "00" * 32}], -32000),
        ("eth_call", [[], "latest"], -32602),
        ("eth_call", [{"to": "0x00"}, "latest"], -32602),
        ("eth_call", [{"to": "0x" + "00" * 20, "value": "0x" + "f" * 70}, "latest"], -32602),
        ("eth_getStorageAt", ["0x" + "00" * 20, "5", "latest"], -32602),
        ("eth_sendRawTransaction", ["00"], -32602),
        ("eth_sendRawTransaction", [5], -32602),
        ("eth_feeHistory", ["0x1", "0xffffffff", []], -32000),
    ],
)
def test_bad_calls_are_refused_by_code(ledger: Ledger, method: str, params: list[Any], code: int) -> None:
    with pytest.raises(RpcRefused) as caught:
        ledger.node.request(method, *params)
    assert caught.value.rpc_code == code


def test_web3_sees_the_refusal(web3: Web3) -> None:
    with pytest.raises(Web3RPCError):
        web3.eth.send_raw_transaction(b"\x02\xc0")


def test_the_view_of_the_block_to_come(ledger: Ledger) -> None:
    """A call at `pending` runs at the clock's time, one at `latest` at the last block's."""
    code = "0x" + bytes.fromhex("425f5260205ff3").hex()  # return block.timestamp
    times = [int(ledger.node.request("eth_call", {"data": code}, at), 16) for at in ("latest", "pending")]
    assert times[0] == int(ledger.node.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    assert times[1] > times[0]


# ---------------------------------------------------------------------- damage


def altered(folder: Path, find: bytes, *, flip: int = 40) -> int:
    """Change one byte in every value that contains `find`; return how many were changed."""
    with sqlite3.connect(folder / "chain.db") as sql:
        rows = [(k, v) for k, v in sql.execute("SELECT k, v FROM kv") if find in v]
        for key, value in rows:
            at = value.index(find) + flip
            changed = value[:at] + bytes((value[at] ^ 1,)) + value[at + 1 :]
            sql.execute("UPDATE kv SET v=? WHERE k=?", (changed, key))
    sql.close()
    return len(rows)


def test_one_changed_byte_of_a_logs_data_is_named(tmp_path: Path) -> None:
    ledger = deployed(tmp_path)
    ledger.register(3)
    number = ledger.record([1, 2, 3]).block_number
    head = ledger.contracts.head(2)
    ledger.node.close()
    # The head stands in the receipt and, in the same form, in the contract's storage: alter only the
    # receipt's.
    with sqlite3.connect(tmp_path / "chain.db") as sql:
        for key, value in sql.execute("SELECT k, v FROM kv").fetchall():
            if head in value and len(value) > 600:
                at = value.index(head) + 40
                sql.execute(
                    "UPDATE kv SET v=? WHERE k=?",
                    (value[:at] + bytes((value[at] ^ 1,)) + value[at + 1 :], key),
                )
    sql.close()
    node = open_embedded(tmp_path, [])
    with pytest.raises(ChainDamaged, match=f"block {number}: its receipt"):
        list(read_facts(node, ledger.deployment.addresses, 0, number))
    with pytest.raises(ChainDamaged, match=f"block {number}"):
        node.request("eth_getBlockReceipts", hex(number))
    assert len(list(read_facts(node, ledger.deployment.addresses, 0, number - 1))) > 20
    node.close()


def test_a_served_chain_reports_its_damage(tmp_path: Path) -> None:
    from ledger.chain.rpc import HttpNode

    ledger = deployed(tmp_path)
    commitment = os.urandom(32)
    ledger.operator.execute(ledger.contracts.register(1, [commitment]), 300_000)
    ledger.node.close()
    assert altered(tmp_path, commitment, flip=3) >= 1
    node = open_embedded(tmp_path, [])
    server = ChainServer(node)
    with pytest.raises(ChainDamaged, match="block 17"):
        HttpNode(server.url).request("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    server.stop()
    node.close()


def test_damaged_headers_state_and_code_are_noticed(tmp_path: Path) -> None:
    ledger = deployed(tmp_path)
    ledger.register(3)
    block = ledger.node.request("eth_getBlockByNumber", "0xf", False)
    code = ledger.node.request("eth_getCode", ledger.deployment.score_book, "latest")
    ledger.node.close()
    assert altered(tmp_path, bytes.fromhex(block["stateRoot"][2:]), flip=5) == 1
    assert altered(tmp_path, bytes.fromhex(code[2:])[200:260], flip=5) >= 1
    node = open_embedded(tmp_path, [])
    for method, params in (
        ("eth_getBlockByNumber", ("0xf", False)),
        ("eth_getCode", (ledger.deployment.score_book, "0x5")),
        ("eth_call", ({"to": ledger.deployment.score_book, "data": "0xeacdc5ff"}, "0x5")),
    ):
        with pytest.raises(ChainDamaged):
            node.request(method, *params)
    node.close()


def test_a_missing_block_is_named(tmp_path: Path) -> None:
    ledger = deployed(tmp_path)
    block = ledger.node.request("eth_getBlockByNumber", "0x7", False)
    ledger.node.close()
    with sqlite3.connect(tmp_path / "chain.db") as sql:
        sql.execute("DELETE FROM kv WHERE k=?", (bytes.fromhex(block["hash"][2:]),))
    sql.close()
    node = open_embedded(tmp_path, [])
    with pytest.raises(ChainDamaged, match="block 7"):
        node.request("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    node.close()
