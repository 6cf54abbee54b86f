"""What holds the API's door without asking for anything: headers, bodies and answers without an end, idle crowds."""

from __future__ import annotations

import http.client
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
sys.path.insert(0, str(Path(__file__).parent.parent / "api"))

from served_ledger import Running

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


def test_who_is_being_answered_is_not_closed_for_a_crowd(door: tuple[str, int]) -> None:
    body = b"{}"
    with socket.create_connection(door, timeout=SOON) as busy:
        head = f"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        busy.sendall(head.encode() + body)
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
