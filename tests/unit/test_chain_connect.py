"""Sharing the embedded chain: who opens it, who goes through the owner, and what the server lets through."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_helpers import Ledger, deployed, fresh

from ledger.chain.connect import connect
from ledger.chain.embedded import EmbeddedNode
from ledger.chain.embedded.server import MAX_BATCH, MAX_BODY, ChainServer
from ledger.chain.rpc import HttpNode, RpcRefused
from ledger.chain.submitter import Submitter
from ledger.errors import Busy


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, ChainServer, Path]]:
    folder = tmp_path_factory.mktemp("served")
    ledger = deployed(folder)
    server = ChainServer(ledger.node)  # type: ignore[arg-type]
    yield ledger, server, folder
    server.stop()
    ledger.node.close()


def post(url: str, body: bytes, **headers: str) -> tuple[int, Any]:
    address = url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    connection.putrequest("POST", "/", skip_host="Host" in headers)
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    return response.status, json.loads(raw) if raw else None


def test_another_process_goes_through_the_owner(served: tuple[Ledger, ChainServer, Path]) -> None:
    ledger, server, folder = served
    script = (
        "import sys; from pathlib import Path; from ledger.chain.connect import connect\n"
        "node = connect(Path(sys.argv[1]), [])\n"
        "print(node.where, node.request('eth_blockNumber'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [server.url, ledger.node.request("eth_blockNumber")]


def test_it_may_write_there(served: tuple[Ledger, ChainServer, Path]) -> None:
    ledger, _, folder = served
    node = connect(folder, [])
    assert isinstance(node, HttpNode)
    receipt = Submitter(node, ledger.keystore, "governor").execute(ledger.contracts.checkpoint(), 200_000)
    assert ledger.node.request("eth_getTransactionReceipt", receipt.transaction_hash)["status"] == "0x1"


def test_writing_without_the_token_is_refused(served: tuple[Ledger, ChainServer, Path]) -> None:
    ledger, server, _ = served
    for token in (None, "wrong"):
        node = HttpNode(server.url, token)
        head = node.request("eth_blockNumber")
        with pytest.raises(RpcRefused, match="token"):
            Submitter(node, ledger.keystore, "governor").submit(ledger.contracts.checkpoint(), 200_000)
        with pytest.raises(RpcRefused, match="token"):
            node.requests([("eth_blockNumber",), ("eth_sendRawTransaction", "0x02c0")])
        assert node.request("eth_blockNumber") == head


def test_the_files_of_the_server(served: tuple[Ledger, ChainServer, Path]) -> None:
    _, server, folder = served
    where = json.loads((folder / "chain.json").read_text())
    assert (where["url"], where["pid"]) == (server.url, os.getpid())
    assert stat.S_IMODE((folder / where["token_file"]).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "192.168.0.1"]
)
def test_a_page_that_rebinds_its_name_is_kept_out(
    served: tuple[Ledger, ChainServer, Path], host: str
) -> None:
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    assert post(served[1].url, call, Host=host)[0] == 403
    assert post(served[1].url, call, Host="localhost:1")[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[]", -32600),
        (b"5", -32600),
        (b"{}", -32600),
        (b'{"method": 5}', -32600),
        (b'{"method": "eth_call", "params": {"a": 1}, "id": 1}', -32600),
        (b'{"method": "nothing", "id": 1}', -32601),
        (json.dumps([{"method": "eth_chainId", "id": 1}] * (MAX_BATCH + 1)).encode(), -32600),
    ],
)
def test_bodies_that_are_no_calls(served: tuple[Ledger, ChainServer, Path], body: bytes, code: int) -> None:
    status, answer = post(served[1].url, body)
    assert (status, answer["error"]["code"]) == (200, code)


def test_bodies_of_any_length(served: tuple[Ledger, ChainServer, Path]) -> None:
    url = served[1].url
    assert post(url, b"", **{"Content-Length": str(MAX_BODY + 1)})[0] == 413
    assert post(url, b"", **{"Content-Length": "-1"})[0] == 411
    assert post(url, b"", **{"Content-Length": "many"})[0] == 411
    batch = json.dumps([{"method": "eth_chainId", "id": n} for n in range(MAX_BATCH)]).encode()
    assert len(post(url, batch)[1]) == MAX_BATCH


def test_notifications_are_not_answered(served: tuple[Ledger, ChainServer, Path]) -> None:
    calls = [
        {"method": "eth_chainId"},
        {"method": "eth_chainId", "id": "a"},
        {"method": "eth_chainId", "id": None},
    ]
    _, answers = post(served[1].url, json.dumps(calls).encode())
    assert [answer["id"] for answer in answers] == ["a", None]


def test_a_get_is_refused(served: tuple[Ledger, ChainServer, Path]) -> None:
    connection = http.client.HTTPConnection(served[1].url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 501
    connection.close()


def test_readers_while_someone_writes(served: tuple[Ledger, ChainServer, Path]) -> None:
    ledger, server, _ = served
    wrong: list[Any] = []

    def read() -> None:
        node = HttpNode(server.url)
        for _ in range(20):
            number = int(node.request("eth_blockNumber"), 16)
            block = node.request("eth_getBlockByNumber", hex(number), True)
            if int(block["number"], 16) != number or len(block["transactions"]) != 1:
                wrong.append(block)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        ledger.operator.execute(ledger.contracts.checkpoint(), 200_000)
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_owner_that_does_not_serve_is_named(tmp_path: Path) -> None:
    node, _ = fresh(tmp_path)
    with pytest.raises(Busy, match=str(os.getpid())):
        connect(tmp_path, [], patience=0.3)
    node.close()


def test_waiting_for_an_owner_to_finish(tmp_path: Path) -> None:
    node, _ = fresh(tmp_path)
    threading.Timer(0.3, node.close).start()
    opened = connect(tmp_path, [], patience=10)
    assert isinstance(opened, EmbeddedNode)
    opened.close()


def test_an_address_left_behind_is_not_believed(tmp_path: Path) -> None:
    """`chain.json` of a process that was killed: somebody else may listen there now."""
    node, _ = fresh(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = {"url": f"http://127.0.0.1:{other.getsockname()[1]}", "pid": 1, "token_file": "chain.token"}
        (tmp_path / "chain.json").write_text(json.dumps(where))
        (tmp_path / "chain.token").write_text("secret")
        with pytest.raises(Busy):
            connect(tmp_path, [], patience=0)
    node.close()
    opened = connect(tmp_path, [])
    assert isinstance(opened, EmbeddedNode)
    opened.close()


def test_stopping_takes_the_address_away(tmp_path: Path) -> None:
    node, _ = fresh(tmp_path)
    server = ChainServer(node)
    assert (tmp_path / "chain.json").exists()
    server.stop()
    assert not (tmp_path / "chain.json").exists()
    assert node.request("eth_blockNumber") == "0x0"
    node.close()


def test_a_node_elsewhere(tmp_path: Path) -> None:
    node = connect(tmp_path, [], "http://localhost:9/")
    assert node.where == "http://localhost:9"
    assert not list(tmp_path.iterdir())
