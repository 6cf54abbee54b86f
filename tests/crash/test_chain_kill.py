"""kill -9 while blocks are made: every block that was acknowledged is there afterwards, and nothing is broken."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.chain.accounts import Transaction
from ledger.chain.embedded import open_embedded
from ledger.chain.embedded.rules import CHAIN_ID
from ledger.chain.keystore import Keystore

KILLS = 20
#: Mines without end; a transaction's hash is printed after, and only after, the chain has acknowledged it.
WRITER = """
import os, sys
from pathlib import Path
from ledger.chain.accounts import Transaction
from ledger.chain.embedded import open_embedded
from ledger.chain.embedded.rules import CHAIN_ID
from ledger.chain.keystore import Keystore
folder = Path(sys.argv[1])
keystore = Keystore.open_or_create(folder / "keystore.json", "pass")
node = open_embedded(folder, [keystore.address("operator")])
nonce = int(node.request("eth_getTransactionCount", keystore.address("operator"), "latest"), 16)
while True:
    creation = bytes.fromhex("600160005500") + os.urandom(120)  # stores 1: state to write
    transaction = Transaction(CHAIN_ID, nonce, 0, 10**10, 200_000, "", creation)
    raw, _ = keystore.sign_transaction("operator", transaction)
    done = node.request("eth_sendRawTransaction", "0x" + raw.hex())
    os.write(1, (done + "\\n").encode())
    nonce += 1
"""


@pytest.mark.timeout(600)
def test_twenty_kills_lose_no_acknowledged_block(tmp_path: Path) -> None:
    rng = random.Random(os.urandom(8))
    keystore = Keystore.open_or_create(tmp_path / "keystore.json", "pass")
    acknowledged: list[str] = []
    for _ in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it is at work
        time.sleep(rng.uniform(0, 0.25))
        writer.send_signal(signal.SIGKILL)
        said = first + writer.stdout.read()
        writer.wait()
        acknowledged += [line for line in said.decode().split("\n") if len(line) == 66]
        check(tmp_path, keystore, acknowledged)
    assert len(acknowledged) >= 2 * KILLS
    assert len(set(acknowledged)) == len(acknowledged)


def check(folder: Path, keystore: Keystore, acknowledged: list[str]) -> None:
    """Assert that the chain is whole, has all that was acknowledged, and goes on; add what more it has."""
    node = open_embedded(folder, [])
    head = int(node.request("eth_blockNumber"), 16)
    parent = None
    mined = []
    for number in range(head + 1):
        block = node.request("eth_getBlockByNumber", hex(number), False)
        assert parent in (None, block["parentHash"])
        parent = block["hash"]
        mined += block["transactions"]
        receipts = node.request("eth_getBlockReceipts", hex(number))
        assert [r["transactionHash"] for r in receipts] == block["transactions"]
        assert all(r["status"] == "0x1" for r in receipts)
    assert set(acknowledged) <= set(mined)
    address = keystore.address("operator")
    assert int(node.request("eth_getTransactionCount", address, "latest"), 16) == len(mined) == head
    raw, _ = keystore.sign_transaction(
        "operator", Transaction(CHAIN_ID, head, 0, 10**10, 21_000, address, b"")
    )
    acknowledged += [
        done for done in mined if done not in acknowledged
    ]  # mined, and killed before it could say so
    acknowledged.append(node.request("eth_sendRawTransaction", "0x" + raw.hex()))  # and it goes on
    node.close()
