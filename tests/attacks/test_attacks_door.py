"""What reaches the chain's door without its token: a web page, an endless loop, requests without an end."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from ledger.chain.embedded import server as door
from ledger.chain.embedded import work
from ledger.chain.embedded.methods import PERCENTILES
from ledger.chain.embedded.server import CONNECTIONS, ChainServer
from ledger.chain.embedded.work import BATCH_GAS, READER_BLOCKS, READER_GAS, READER_SECONDS
from ledger.workflows import witness_server
from ledger.workflows.witness import Witness
from ledger.workflows.witness_server import make_witness_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office"]
#: JUMPDEST PUSH1 0 JUMP: a loop without an end, as the code of a contract to be created.
LOOP = {"data": "0x5b600056"}


@pytest.fixture
def served(office: Ledger) -> Iterator[ChainServer]:
    server = ChainServer(office.node)  # type: ignore[arg-type]
    yield server
    server.stop()


def call(method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}


def post(server: ChainServer, asked: Any, **headers: str) -> tuple[int, Any]:
    host = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    sent = {"Content-Type": "application/json"} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    connection.request("POST", "/", body, {key: value for key, value in sent.items() if value})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", ""])
def test_a_web_page_is_refused_whatever_it_asks(served: ChainServer, origin: str) -> None:
    host = served.url.removeprefix("http://")
    with socket.create_connection(tuple(host.split(":"))) as plain:  # type: ignore[arg-type]
        body = json.dumps(call("eth_call", LOOP)).encode()
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n"
        plain.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = plain.recv(4096)
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"no request with an Origin" in answer


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"],
)
def test_what_a_page_can_send_unasked_is_refused(served: ChainServer, kind: str) -> None:
    status, answer = post(served, call("eth_chainId"), Content_Type=kind)
    assert (status, answer["error"]["message"]) == (415, "calls are application/json")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_served(served: ChainServer, kind: str) -> None:
    assert post(served, call("eth_chainId"), Content_Type=kind)[0] == 200


@pytest.mark.parametrize("gas", [{}, {"gas": "0xffffffffffff"}, {"gas": hex(READER_GAS)}])
@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
def test_a_loop_without_end_has_one_calls_work(served: ChainServer, method: str, gas: dict[str, str]) -> None:
    begun = time.monotonic()
    status, answer = post(served, call(method, LOOP | gas))
    assert status == 200
    assert "out of gas" in answer["error"]["message"].lower()
    assert time.monotonic() - begun < 20


def test_a_batch_of_loops_has_one_requests_work(served: ChainServer) -> None:
    allowed = BATCH_GAS // READER_GAS
    _, answers = post(served, [call("eth_call", LOOP)] * (allowed + 3))
    assert [each["error"]["message"][:11] for each in answers[allowed:]] == ["one request"] * 3


#: Of each precompile that is Python in many steps, a call of less than 2,000,000 gas; the last three took
#: 6, 20 and 45 s.
SLOW = {
    0x05: f"{1:064x}{1024:064x}{1:064x}02" + "ff" * 1024 + "03",
    0x06: "00" * 128,
    0x07: "00" * 96,
    0x0A: "00" * 192,
    0x0B: "00" * 256,
    0x0C: "00" * 160,
    0x0D: "00" * 512,
    0x0E: "00" * 288,
    0x10: "00" * 64,
    0x11: "00" * 128,
    0x08: "00" * 192 * 57,
    0x09: f"{1_990_000:08x}" + "00" * 208 + "01",
    0x0F: "00" * 384 * 60,
}


@pytest.mark.parametrize("number", SLOW)
def test_what_takes_longer_than_its_gas_says_is_not_for_strangers(served: ChainServer, number: int) -> None:
    direct = {"to": f"0x{number:040x}", "data": "0x" + SLOW[number]}
    # PUSH0 four times, PUSH1 number, PUSH3 gas, STATICCALL: what refuses is no failed call of a contract's.
    within = {"data": f"0x5f5f5f5f60{number:02x}620fffff" + "fa00"}
    for method, asked in (("eth_call", direct), ("eth_call", within), ("eth_estimateGas", direct)):
        begun = time.monotonic()
        _, answer = post(served, call(method, asked))
        assert (
            answer["error"]["message"] == f"precompile 0x{number:02x} is executed for who has the token only"
        )
        assert time.monotonic() - begun < 3


def test_hashes_and_signatures_are_for_everybody(served: ChainServer) -> None:
    asked = [call("eth_call", {"to": f"0x{number:040x}", "data": "0x00"}) for number in range(1, 5)]
    answers = post(served, asked)[1]
    assert all("result" in each for each in answers)
    assert answers[1]["result"] == "0x" + hashlib.sha256(b"\0").hexdigest()


def test_whatever_a_stranger_executes_ends_in_time(
    served: ChainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where contracts call themselves, and a call's failure is a contract's to carry on from."""
    monkeypatch.setattr(work, "READER_SECONDS", 0.2)
    # JUMPDEST, a CALL of the sender's empty account with 100 gas, POP, again.
    calling = {"data": "0x5b5f5f5f5f5f336064f1505f56"}
    for asked in (LOOP, calling):
        begun = time.monotonic()
        answer, after, other = post(served, [call("eth_call", asked)] * 2 + [call("eth_blockNumber")])[1]
        assert answer["error"]["message"] == "execution takes longer than who has no token is given"
        assert after["error"]["message"] == "one request executes code for 0.2 s at most: ask for less"
        assert "result" in other
        assert time.monotonic() - begun < READER_SECONDS


def test_one_request_is_worked_on_for_a_time(served: ChainServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "ALL_SECONDS", 0.05)
    answers = post(served, [call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})] * 1000)[1]
    assert "result" in answers[0]
    assert answers[-1]["error"]["message"] == "one request is worked on for 0.05 s at most: ask for less"


def test_answers_of_one_request_are_bounded_in_bytes(
    served: ChainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = json.dumps(post(served, call("eth_getBlockByNumber", "0x0"))[1], separators=(",", ":"))
    monkeypatch.setattr(work, "READER_BYTES", 3 * len(one))
    answers = post(served, [call("eth_getBlockByNumber", "0x0")] * 5)[1]
    assert ["result" in each for each in answers] == [True, True, True, False, False]
    assert "bytes at most: ask for less" in answers[-1]["error"]["message"]
    assert answers[-1]["id"] == 1


def test_a_fee_history_has_a_hundred_percentiles_at_most(served: ChainServer) -> None:
    asked = [call("eth_feeHistory", "0x400", "latest", [1] * many) for many in (PERCENTILES, PERCENTILES + 1)]
    within, beyond = post(served, asked)[1]
    assert {len(each) for each in within["result"]["reward"]} == {PERCENTILES}
    assert beyond["error"]["message"] == "invalid parameters: percentiles are a list of 100 at most"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (call("eth_getLogs", {"fromBlock": [1], "toBlock": "latest"}), -32602),
        (call("eth_getLogs", {"fromBlock": {}, "toBlock": {}}), -32602),
        (call("eth_getLogs", {"blockHash": [1]}), -32602),
        (call("eth_getLogs", {"topics": {}}), -32602),
        (call("eth_call", {"to": []}), -32602),
        (call("eth_call", {"from": 0, "data": []}), -32602),
        (call("eth_feeHistory", True, "latest"), -32602),
        (call("eth_feeHistory", 5, "latest", {"a": 1}), -32602),
        (call("eth_getBlockByNumber", {"blockNumber": [1]}), -32602),
        (call("eth_chainId") | {"params": {}}, -32600),
        (call("eth_chainId") | {"params": 0}, -32600),
        (call("eth_chainId") | {"id": [1]}, -32600),
        (call("eth_chainId") | {"id": True}, -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":NaN}', -32700),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":Infinity}', -32700),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1e999}', -32600),
    ],
)
def test_parameters_of_another_type_are_an_answer(served: ChainServer, asked: Any, code: int) -> None:
    assert post(served, asked)[1]["error"]["code"] == code


def test_a_length_of_thousands_of_digits_is_an_answer(served: ChainServer) -> None:
    assert post(served, b"[]", Content_Length="9" * 5000)[0] == 413


def test_work_ends_when_the_client_has_left_and_writing_goes_on(served: ChainServer, office: Ledger) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    body = json.dumps([call("eth_call", LOOP)] * 10).encode()
    head = f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    for _ in range(3):
        with socket.create_connection((host, int(port))) as gone:
            gone.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    begun = time.monotonic()
    office.sender.drain()
    assert office.node.request("eth_blockNumber")
    assert time.monotonic() - begun < 15


def test_logs_of_the_whole_chain_are_told_in_parts(served: ChainServer) -> None:
    for first, last in (("0x0", hex(READER_BLOCKS)), ("0x5", hex(READER_BLOCKS + 5))):
        _, answer = post(served, call("eth_getLogs", {"fromBlock": first, "toBlock": last}))
        assert "in parts" in answer["error"]["message"]
    assert "result" in post(served, call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}))[1]


@pytest.mark.parametrize("more", [{"blockHash": None}, {"fromBlock": "0x1", "toBlock": "latest"}])
def test_no_spelling_of_the_whole_chain_is_told_at_once(
    served: ChainServer, monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
) -> None:
    monkeypatch.setattr(work, "READER_BLOCKS", 2)
    asked = {"fromBlock": "earliest", "toBlock": "latest"} | more
    assert "in parts" in post(served, call("eth_getLogs", asked))[1]["error"]["message"]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"[" * 100_000 + b"]" * 100_000])
def test_nesting_without_end_is_an_answer(served: ChainServer, body: bytes, capsys: Any) -> None:
    assert post(served, body)[1]["error"]["code"] in {-32700, -32600}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "sent", [b"POST / HT", b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n["]
)
def test_a_request_without_an_end_is_cut_off(
    served: ChainServer, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(door._Handler, "request_seconds", 0.5)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(sent)
        for _ in range(20):  # a byte now and then does not prolong it
            time.sleep(0.1)
            try:
                slow.sendall(b" ")
            except OSError:
                break
        try:
            rest = slow.recv(4096)
        except ConnectionResetError:
            rest = b""
    assert b"200 OK" not in rest


def test_more_connections_than_are_served_are_turned_away_and_room_comes_back(served: ChainServer) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port)), timeout=10) for _ in range(CONNECTIONS)]
    time.sleep(0.5)
    with socket.create_connection((host, int(port)), timeout=10) as late:
        assert late.recv(1) == b""
    for each in idle:
        each.close()
    deadline = time.monotonic() + 10
    while not served_again(served):
        assert time.monotonic() < deadline, "no room came back"
        time.sleep(0.1)


def served_again(server: ChainServer) -> bool:
    try:
        return post(server, call("eth_chainId"))[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_whoever_has_the_token_is_not_bounded(served: ChainServer, office: Ledger) -> None:
    token = (office.settings.data_dir / "chain.token").read_text()
    _, answer = post(
        served, call("eth_call", LOOP | {"gas": hex(READER_GAS + 1_000_000)}), Authorization=f"Bearer {token}"
    )
    assert "out of gas" in answer["error"]["message"].lower()
    assert threading.active_count() < 200


def test_a_witness_ends_connections_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUEST_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(witness_server, name, 0.5)
    monkeypatch.setattr(witness_server, "CONNECTIONS", 4)
    server = make_witness_server(Witness.__new__(Witness), "127.0.0.1", 0)  # no request here reaches it
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = ("127.0.0.1", server.server_address[1])
    sent = [b"", b"POST /add-ch", b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n\r\n1"]
    slow = [socket.create_connection(address, timeout=10) for _ in range(4)]
    for each, begun in zip(slow, [*sent, b"GET"], strict=True):
        each.sendall(begun)
    time.sleep(0.2)
    with socket.create_connection(address, timeout=10) as late:
        assert late.recv(1) == b"", "four are served, and no fifth"
    for _ in range(6):  # a byte now and then does not prolong it
        for each in slow[1:]:
            with contextlib.suppress(OSError):
                each.sendall(b" ")
        time.sleep(0.1)
    for each in slow:
        with contextlib.suppress(ConnectionResetError):
            assert each.recv(4096) == b""
    with socket.create_connection(address, timeout=10) as served_now:
        served_now.sendall(b"GET /nothing HTTP/1.1\r\nHost: w\r\n\r\n")
        assert served_now.recv(4096).startswith(b"HTTP/1.1 404")
    server.shutdown()
    server.server_close()
    thread.join()
