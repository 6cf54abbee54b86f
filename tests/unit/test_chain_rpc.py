"""The JSON-RPC client against a node that does whatever a test says."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ledger.chain.rpc import CALLS_PER_BATCH, DAMAGED, HttpNode, RpcRefused, get_logs
from ledger.errors import ChainDamaged, ChainRefused, ChainUnavailable, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Reply = tuple[int, bytes] | None  # status and body; nothing: hang up without a word


class Scripted:
    """What a node answers, and what it was asked."""

    def __init__(self, reply: Callable[[Any], Reply]) -> None:
        self.reply = reply
        self.asked: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.close_after_each = False


@contextmanager
def node(reply: Callable[[Any], Reply], **options: Any) -> Iterator[tuple[HttpNode, Scripted]]:
    script = Scripted(reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            script.connections += 1

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append(asked)
            script.headers.append(dict(self.headers))
            answer = script.reply(asked)
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            status, body = answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if script.close_after_each:  # without saying so beforehand, as an idle timeout does
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = HttpNode(f"http://127.0.0.1:{server.server_address[1]}/key", **options)
    try:
        yield client, script
    finally:
        client.close()
        server.shutdown()
        server.server_close()


def ok(asked: Any) -> Reply:
    """Answer every call with its own parameters."""
    if isinstance(asked, list):
        answers = [{"jsonrpc": "2.0", "id": call["id"], "result": call["params"]} for call in asked]
        return 200, json.dumps(answers[::-1]).encode()
    return 200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": asked["params"]}).encode()


def failing(error: dict[str, Any], status: int = 200) -> Callable[[Any], Reply]:
    return lambda asked: (status, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}).encode())


def test_calls_share_a_connection() -> None:
    with node(ok, token="t0k") as (client, script):
        assert [client.request("m", n, {"a": [n]}) for n in range(5)] == [[n, {"a": [n]}] for n in range(5)]
        assert script.connections == 1
        assert script.headers[0]["Authorization"] == "Bearer t0k"


def test_batches_are_split_and_answers_in_any_order_put_in_order() -> None:
    with node(ok) as (client, script):
        calls = [("m", n) for n in range(2 * CALLS_PER_BATCH + 1)]
        assert client.requests(calls) == [[n] for n in range(len(calls))]
        assert [len(part) for part in script.asked] == [CALLS_PER_BATCH, CALLS_PER_BATCH, 1]
        assert client.requests([]) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0x08c379a0", "08c379a0"),
        ("Reverted 0x08c379a0", "08c379a0"),
        ({"data": "0x01ff"}, "01ff"),
        ({"originalError": 1, "result": "0x02"}, "02"),
        (None, ""),
        ("no bytes", ""),
        ("0xzz", ""),
        (["0x01"], ""),
    ],
)
def test_returned_bytes_in_the_shapes_nodes_use(data: Any, expected: str) -> None:
    with node(failing({"code": 3, "message": "execution reverted", "data": data})) as (client, _):
        with pytest.raises(RpcRefused, match="eth_call: execution reverted") as caught:
            client.request("eth_call")
        assert (caught.value.data.hex(), caught.value.rpc_code) == (expected, 3)
        assert not caught.value.retry_helps


def test_an_error_in_a_batch_is_raised() -> None:
    def reply(asked: Any) -> Reply:
        answers = [
            {
                "id": call["id"],
                **({"error": {"code": 3, "message": "no", "data": "0x07"}} if n == 1 else {"result": n}),
            }
            for n, call in enumerate(asked)
        ]
        return 200, json.dumps(answers).encode()

    with node(reply) as (client, _), pytest.raises(RpcRefused, match="no") as caught:
        client.requests([("a",), ("b",), ("c",)])
    assert caught.value.data == b"\7"


def test_an_error_about_the_whole_batch_is_raised() -> None:
    answer = json.dumps({"id": None, "error": {"code": -32600, "message": "batch too large"}}).encode()
    with node(lambda _: (200, answer)) as (client, _), pytest.raises(RpcRefused, match="batch too large"):
        client.requests([("a",)])


def test_a_call_left_out_of_a_batch_is_noticed() -> None:
    def reply(asked: Any) -> Reply:
        return 200, json.dumps([{"id": asked[0]["id"], "result": 1}]).encode()

    with node(reply) as (client, _), pytest.raises(ChainUnavailable, match="unanswered"):
        client.requests([("a",), ("b",)])


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b'"x"', b"{}", b'{"id": 12345, "result": 1}', b'{"id": null}'],
)
def test_what_is_not_json_rpc_may_be_tried_again(answer: bytes) -> None:
    with node(lambda _: (200, answer)) as (client, _), pytest.raises(ChainUnavailable) as caught:
        client.request("m")
    assert caught.value.retry_helps


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_overload_may_be_tried_again(status: int) -> None:
    with node(lambda _: (status, b"busy")) as (client, _), pytest.raises(ChainUnavailable, match=str(status)):
        client.request("m")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_by_http(status: int) -> None:
    with node(lambda _: (status, b"no")) as (client, _), pytest.raises(ChainRefused, match=str(status)):
        client.request("m")


@pytest.mark.parametrize("status", [400, 500])
def test_json_rpc_errors_under_an_http_error(status: int) -> None:
    with node(failing({"code": -32601, "message": "unknown"}, status)) as (client, _):
        with pytest.raises(RpcRefused, match="unknown") as caught:
            client.request("m")
        assert caught.value.rpc_code == -32601


def test_damage_that_a_served_chain_reports() -> None:
    with (
        node(failing({"code": DAMAGED, "message": "block 7"})) as (client, _),
        pytest.raises(ChainDamaged, match="block 7"),
    ):
        client.request("m")


def test_a_connection_closed_while_idle_is_replaced() -> None:
    with node(ok) as (client, script):
        script.close_after_each = True
        assert [client.request("m", n) for n in range(4)] == [[n] for n in range(4)]
        assert script.connections == 4


def test_a_node_that_hangs_up_is_unavailable() -> None:
    with node(lambda _: None) as (client, script), pytest.raises(ChainUnavailable, match="no answer"):
        client.request("m")
    assert len(script.asked) == 1


def test_nobody_listening() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ChainUnavailable, match="no answer"):
        HttpNode(f"http://127.0.0.1:{port}").request("m")


def test_a_node_that_says_nothing_in_time() -> None:
    done = threading.Event()

    def slow(_: Any) -> Reply:
        done.wait(5)
        return None

    with node(slow, timeout=0.2) as (client, _):
        with pytest.raises(ChainUnavailable, match="timed out"):
            client.request("m")
        done.set()


def test_many_threads_get_their_own_answers() -> None:
    wrong: list[int] = []

    def work(base: int, client: HttpNode) -> None:
        wrong.extend(n for n in range(base, base + 30) if client.request("m", n) != [n])

    with node(ok) as (client, script):
        threads = [threading.Thread(target=work, args=(1000 * t, client)) for t in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert script.connections <= 8


@pytest.mark.parametrize("url", ["ftp://x", "localhost:8545", "http://", "http://x:port", ""])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(Misconfigured):
        HttpNode(url)


def test_credentials_are_sent_and_not_shown() -> None:
    client = HttpNode("https://user:p%40ss@node.example/v3/secretkey?token=1")
    assert client.where == "https://node.example"
    with node(ok) as (plain, script):
        address = plain.where.removeprefix("http://")
        HttpNode(f"http://user:p%40ss@{address}").request("m")
        assert script.headers[0]["Authorization"] == "Basic dXNlcjpwQHNz"


class Ranged:
    """A node that holds one log per block and refuses more than `limit` blocks at once."""

    where = "here"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.calls = 0

    def request(self, _method: str, *params: Any) -> Any:
        self.calls += 1
        low, high = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        if high - low + 1 > self.limit:
            raise RpcRefused("query returned more than 10000 results", -32005)
        return [{"blockNumber": hex(n)} for n in range(low, high + 1)]

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(*call) for call in calls]

    def close(self) -> None: ...


@pytest.mark.parametrize("limit", [1, 3, 64, 1000])
def test_ranges_a_node_refuses_are_halved(limit: int) -> None:
    found = [int(log["blockNumber"], 16) for log in get_logs(Ranged(limit), ["0x1"], 5, 300)]
    assert found == list(range(5, 301))


def test_a_refusal_of_one_block_is_raised_soon() -> None:
    ranged = Ranged(0)
    with pytest.raises(RpcRefused, match="10000 results"):
        list(get_logs(ranged, [], 0, 1023))
    assert ranged.calls == 11
