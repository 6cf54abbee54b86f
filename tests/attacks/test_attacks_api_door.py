"""What holds the API's door without asking for anything: headers, bodies and answers without an end, idle crowds."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
sys.path.insert(0, str(Path(__file__).parent.parent / "api"))

from served_ledger import Running, Served

from api import logs
from api.connections import Limits
from api.server import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn

    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office"]
LIMITS = Limits(header=0.6, body=0.6, reading=0.6, connections=20)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
#: What none of these may last, with room for a machine that is busy.
SOON = 10.0


@pytest.fixture(scope="module")
def server(lasting_office: Ledger) -> uvicorn.Server:
    return make_server(lasting_office, "127.0.0.1", 0, limits=LIMITS)


@pytest.fixture(scope="module")
def door(server: uvicorn.Server) -> Iterator[tuple[str, int]]:
    with pytest.MonkeyPatch.context() as quiet, Running(server) as url:
        quiet.setattr(logs._Stderr, "write", lambda _, text: len(text))  # a line may come between two tests
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


def healthy(door: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*door, timeout=SOON)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status == 200


def until_closed(plain: socket.socket, drip: bytes = b"") -> tuple[float, bytes]:
    """Seconds until the other side ends the connection, sending a byte now and then; and what it said."""
    began, said = time.monotonic(), b""
    plain.settimeout(0.1)
    while time.monotonic() < began + SOON:
        try:
            if drip:
                plain.sendall(drip)
            part = plain.recv(65536)
            if not part:
                break
            said += part
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began, said


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", HEALTH[:-2], HEALTH[:-2] + b"X-Long: "],
    ids=["nothing", "a byte", "no end", "half a field"],
)
@pytest.mark.parametrize("drip", [b"", b"x"], ids=["silent", "dripping"])
def test_a_header_without_an_end_is_cut_off(door: tuple[str, int], sent: bytes, drip: bytes) -> None:
    with socket.create_connection(door) as slow:
        slow.sendall(sent)
        seconds, said = until_closed(slow, drip if sent else b"")
    assert seconds < SOON
    assert said == b"" or said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))


def test_so_is_that_of_a_second_request(door: tuple[str, int]) -> None:
    with socket.create_connection(door) as slow:
        slow.sendall(HEALTH)
        assert slow.recv(4096).startswith(b"HTTP/1.1 200")
        slow.sendall(HEALTH[:-2])
        seconds, said = until_closed(slow)
    assert seconds < SOON
    assert b"408" in said


@pytest.mark.parametrize(
    "path", ["/healthz", "/v1/records"], ids=["that nobody reads", "that is read by nobody known"]
)
def test_a_body_without_an_end_is_cut_off(door: tuple[str, int], path: str) -> None:
    with socket.create_connection(door) as slow:
        slow.sendall(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n[".encode()
        )
        seconds, _ = until_closed(slow, b" ")
    assert seconds < SOON


def test_an_answer_that_is_not_read_is_given_up(server: uvicorn.Server, door: tuple[str, int]) -> None:
    with socket.create_connection(door) as deaf:
        deaf.settimeout(1)
        asking = b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 50
        began = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT012  the buffers on the way fill, then the connection is reset
            while time.monotonic() < began + SOON:
                try:
                    deaf.sendall(asking)
                except TimeoutError:
                    if not server.server_state.connections:
                        raise ConnectionResetError from None
        assert time.monotonic() < began + SOON
    assert healthy(door)


def test_a_crowd_that_asks_for_nothing_takes_health_from_nobody(
    server: uvicorn.Server, door: tuple[str, int]
) -> None:
    crowd = []
    for number in range(3 * LIMITS.connections):
        crowd.append(socket.create_connection(door, timeout=SOON))
        crowd[-1].sendall(HEALTH[:-2] if number % 2 else b"")
        if number % 10 == 9:
            assert healthy(door)
            assert len(server.server_state.connections) <= LIMITS.connections + 1
    for each in crowd:
        each.close()


def test_who_is_being_answered_is_not_closed_for_a_crowd(
    server: uvicorn.Server, door: tuple[str, int]
) -> None:
    body, before = b"{}", server.server_state.total_requests
    with socket.create_connection(door, timeout=SOON) as busy:
        head = f"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        busy.sendall(head.encode() + body)
        until = time.monotonic() + SOON
        while server.server_state.total_requests == before and time.monotonic() < until:
            time.sleep(0.001)  # who has not asked yet waits like the others
        crowd = [socket.create_connection(door, timeout=SOON) for _ in range(2 * LIMITS.connections)]
        assert busy.recv(4096).startswith(b"HTTP/1.1 401")
    for each in crowd:
        each.close()


def test_requests_in_time_are_served_one_after_another(door: tuple[str, int]) -> None:
    """The time of a phase ends with it: a connection may last longer than any of them."""
    with socket.create_connection(door, timeout=SOON) as plain:
        for _ in range(6):
            plain.sendall(HEALTH[:10])
            time.sleep(0.2)
            plain.sendall(HEALTH[10:])
            answer = http.client.HTTPResponse(plain)
            answer.begin()
            assert answer.status == 200
            answer.read()


def deaf(door: tuple[str, int], asking: bytes) -> socket.socket:
    """Ask again and again through one connection, and read nothing."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(door)
    plain.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        plain.send(asking * 400)  # more than the buffers on the way hold
    return plain


def test_answers_that_nobody_reads_take_no_place(lasting_office: Ledger) -> None:
    server = make_server(lasting_office, "127.0.0.1", 0)
    with Running(server) as url:
        host, port = url.removeprefix("http://").split(":")
        asking = b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
        crowd = [deaf((host, int(port)), asking) for _ in range(5)]
        began = time.monotonic()
        while time.monotonic() < began + SOON:
            time.sleep(0.2)
            found = list(server.server_state.connections)
            if len(found) == len(crowd) and all(each.transport.get_write_buffer_size() for each in found):
                break
        time.sleep(0.5)
        assert all(each.transport.get_write_buffer_size() for each in found), "each has an answer unread"
        assert all(each.cycle.response_complete for each in found), "and none a request under way"
        for each in crowd:
            each.close()


def test_a_house_full_of_unread_answers_takes_health_from_nobody(door: tuple[str, int]) -> None:
    crowd = []
    for number in range(3 * LIMITS.connections):
        path = b"/metrics" if number % 2 else b"/v1/openapi.json"
        crowd.append(deaf(door, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n"))
        if number % 10 == 9:
            assert healthy(door)
    for each in crowd:
        each.close()


def test_pipelined_requests_are_answered_one_after_another(door: tuple[str, int]) -> None:
    asked = 30
    with socket.create_connection(door, timeout=SOON) as plain:
        plain.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * asked)
        said = b""
        while said.count(b"HTTP/1.1 200 OK") < asked or not said.rstrip().endswith(b"}"):
            said += plain.recv(1 << 20)
    assert said.count(b"HTTP/1.1 200 OK") == asked


def test_a_body_that_waits_in_line_is_not_cut_off(
    lasting_office: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.turns.AT_ONCE", 1)
    limits = Limits(body=2.0)
    with Running(make_server(lasting_office, "127.0.0.1", 0, limits=limits)) as url:
        token = Served(lasting_office, url).key("authority:GACC")
        host, port = url.removeprefix("http://").split(":")
        body = b"[" + b" " * 200_000 + b"]"
        head = (
            f"POST /v1/records HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        line = [socket.create_connection((host, int(port)), timeout=SOON) for _ in range(3)]
        for each in line:
            each.sendall(head.encode() + body[:-1])
            time.sleep(0.1)
        for each in line[:2]:
            time.sleep(1.2)
            each.sendall(b"]")
            assert each.recv(4096).startswith(b"HTTP/1.1 422")
        line[2].sendall(b"]")
        assert line[2].recv(4096).startswith(b"HTTP/1.1 422")
        for each in line:
            each.close()


def test_who_ends_only_its_sending_is_answered(door: tuple[str, int], lasting_office: Ledger) -> None:
    token = Served(lasting_office, "").key("authority:GACC")
    with socket.create_connection(door, timeout=SOON) as half:
        head = f"POST /v1/records HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        half.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]".encode())
        half.shutdown(socket.SHUT_WR)
        _, said = until_closed(half)
    assert said.startswith(b"HTTP/1.1 422")


@pytest.mark.parametrize(
    "sent",
    [b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x00\xff\r\n\r\n", HEALTH[:-2] + b"A: " + b"a" * 70_000],
    ids=["no method", "TLS", "a long header"],
)
def test_what_is_no_http_is_a_problem_and_a_line_of_json(
    door: tuple[str, int], sent: bytes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(logs._Stderr, "write", lambda _, text: lines.append(text) or len(text))
    with socket.create_connection(door, timeout=SOON) as plain:
        plain.sendall(sent)
        _, said = until_closed(plain)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["type"].endswith(":bad-request")
    assert all(json.loads(line)["said"] for line in "".join(lines).splitlines())
    assert lines
    assert capfd.readouterr().err == ""


def test_a_wish_for_another_protocol_is_answered_without_a_word_beside_the_log(
    door: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(door, timeout=SOON) as plain:
        plain.sendall(HEALTH[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert plain.recv(4096).startswith(b"HTTP/1.1 200")
    assert capfd.readouterr().err == ""
