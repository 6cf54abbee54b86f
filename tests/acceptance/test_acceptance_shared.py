"""While `start` runs, other shells and other people's tools use the same chain."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from installation import Installation, write_records
from nodes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARTY = "9144030071526726XG"
#: What an auditor might write, with nothing of ours but an address.
SCRIPT = """
import json, sys
from web3 import HTTPProvider, Web3
chain = Web3(HTTPProvider(sys.argv[1]))
block = chain.eth.get_block("latest", full_transactions=True)
logs = chain.eth.get_logs({"fromBlock": 0, "toBlock": "latest", "address": sys.argv[2]})
receipt = chain.eth.get_transaction_receipt(logs[-1]["transactionHash"])
print(json.dumps({"block": block["number"], "logs": len(logs), "status": receipt["status"], "id": chain.eth.chain_id}))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("served") / "data")
    process = made.start(free_port())
    yield made
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert "Traceback" not in output
    assert process.returncode == 0, output


def test_the_verbs_work_from_another_shell(served: Installation, tmp_path: Path) -> None:
    row = {
        "party": PARTY,
        "type": "CU04",
        "decided_on": "2026-09-01",
        "reference": "GZ-1",
        "document": "罚款",
    }
    path = write_records(tmp_path / "rows.csv", [row])
    done = served.json("import", path, "--format", "records", "--authority", "GACC")
    assert done["recorded"] == 1
    assert served.json("score", PARTY)["reasons"][0]["record"] == "GACC-1"
    assert served.json("record", PARTY)["records"][0]["reference"] == "GZ-1"
    served.run("checkpoint")
    assert served.json("audit")["ok"] is True
    assert served.json("status")["outbox"]["recorded"] == 1


def test_an_ordinary_web3_script_reads_blocks_and_logs(served: Installation) -> None:
    chain = json.loads((served.folder / "chain.json").read_text())
    ledger = served.json("status")["chain"]["credit_ledger"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, chain["url"], ledger],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["status"] == 1
    assert found["logs"] >= 3
    assert found["block"] > 10


def test_only_one_process_owns_the_chain(served: Installation) -> None:
    done = served.run("start", code=1)
    assert "another process owns the chain" in done.stderr


def test_what_was_recorded_is_there_after_a_kill(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    process = made.start(free_port())
    row = {"party": PARTY, "type": "CU04", "decided_on": "2026-09-01", "reference": "GZ-1"}
    made.json(
        "import", write_records(tmp_path / "a.csv", [row]), "--format", "records", "--authority", "GACC"
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert made.json("score", PARTY)["score"] == 92
    again = made.start(free_port())
    assert made.json("audit", code=4)["checked"]["records"] == 1
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=60)
