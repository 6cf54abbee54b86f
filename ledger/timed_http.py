"""A small HTTP server of the standard library whose connections end: for the chain's door and for a witness.

A request must be here `request_seconds` after its first byte, whatever drips in; a connection may rest for
`idle_seconds` before one; so many connections are served at a time, and who comes later is turned away.
"""

from __future__ import annotations

import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import socket


class TimedHandler(BaseHTTPRequestHandler):
    """Reads each request within its time."""

    protocol_version = "HTTP/1.1"
    request_seconds: ClassVar[float] = 20.0
    idle_seconds: ClassVar[float] = 60.0

    def setup(self) -> None:
        """Read the connection within its times."""
        super().setup()
        self._timed = _Timed(self.connection, self.request_seconds, self.idle_seconds)
        self.rfile = io.BufferedReader(self._timed)

    def handle_one_request(self) -> None:
        """Wait for a request and answer it."""
        self._timed.begin()
        super().handle_one_request()


class BoundedServer(ThreadingHTTPServer):
    """Serves so many connections at a time, each in a thread of its own."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[TimedHandler], connections: int) -> None:
        self._free = threading.BoundedSemaphore(connections)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, if there is room for one more."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end, then make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a connection that broke, or came to its time's end, is the client's affair."""


class _Timed(io.RawIOBase):
    """A connection's bytes, each request within its time."""

    def __init__(self, connection: socket.socket, request_seconds: float, idle_seconds: float) -> None:
        self._connection = connection
        self._request_seconds, self._idle_seconds = request_seconds, idle_seconds
        self._until: float | None = None

    def begin(self) -> None:
        """Wait for the next request: its time begins with its first byte."""
        self._until = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._idle_seconds if self._until is None else self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long to arrive")
        self._connection.settimeout(left)
        read = self._connection.recv_into(buffer)
        if self._until is None:
            self._until = time.monotonic() + self._request_seconds
        return read
