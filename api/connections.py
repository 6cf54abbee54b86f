"""Connections that end: each phase has its time, and a full house makes room for who comes with a request.

uvicorn knows one time limit, for a connection that rests between two requests. Here a request's header must
be whole `header` seconds after the connection or its first byte, its body `body` seconds after the header,
and an answer must go on being read. Beyond `connections` the one that has waited longest without a request is
closed, so that health and whoever asks for something are served while others only hold connections open.
"""

from __future__ import annotations

import resource
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

import h11
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.body import BODY_SECONDS
from api.errors import MEDIA_TYPE, problem

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

#: Bytes of an answer that must have left since the last look, `reading` seconds ago.
_READ_BYTES: Final = 16 << 10


class Limits(NamedTuple):
    """Seconds for each phase of a connection, and how many connections there are at most."""

    header: float = 10.0
    #: The API itself says 408 before that, where it reads the body.
    body: float = BODY_SECONDS + 5
    reading: float = 20.0
    connections: int = min(512, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


def protocol_of(limits: Limits) -> type[H11Protocol]:
    """Return the protocol for uvicorn's `http`, for one server."""
    waiting: dict[Bounded, None] = {}

    class Protocol(Bounded):
        _limits = limits
        _waiting = waiting

    return Protocol


class _Flow(FlowControl):
    """Knows when reading last went on."""

    resumed = float("-inf")

    def resume_reading(self) -> None:
        if self.read_paused:
            self.resumed = time.monotonic()
        super().resume_reading()


class Bounded(H11Protocol):
    """A connection whose phases have their times; `protocol_of` says which."""

    _limits: Limits
    #: The connections without a request under way, the one that waits longest first.
    _waiting: dict[Bounded, None]
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _phase: tuple[str, RequestResponseCycle | None] = ("idle", None)
    #: Whether a request waits here for the answer before it to leave.
    _held = False
    _flow: _Flow

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the time for the first request; make room if there is none."""
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        if len(self.connections) > self._limits.connections:
            longest = next(iter(self._waiting), self)
            self._waiting.pop(longest, None)
            longest.transport.abort()
        self._watch("header")

    def data_received(self, data: bytes) -> None:
        """Take bytes, and see which phase they end."""
        super().data_received(data)
        self._watch("idle" if self._held else "header")

    def handle_events(self) -> None:
        """Begin a pipelined request once the answer before it has left: who reads nothing takes no place."""
        resting = self.cycle is not None and self.cycle.response_complete
        if resting and self.conn.trailing_data[0] and self.transport.get_write_buffer_size():
            self._held = True
            self._unset_keepalive_if_required()
            self.flow.pause_reading()
            # Have `resume_writing` called when all has left, and not before.
            self.transport.set_write_buffer_limits(high=0)
        else:
            super().handle_events()

    def resume_writing(self) -> None:
        """Go on with the request that was held back."""
        super().resume_writing()
        if self._held and not self.transport.get_write_buffer_size():
            self._held = False
            self.transport.set_write_buffer_limits()
            self.flow.resume_reading()
            if not self.transport.is_closing():
                self.handle_events()
                self._watch("header")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Let who only ends its own sending have the answer to what it sent whole."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        if answering:
            cycle.keep_alive = False
        return answering

    def on_response_complete(self) -> None:
        """Rest until the next request; what is not read yet must go on being read."""
        super().on_response_complete()
        self._watch("idle")
        self._see_it_read()

    def pause_writing(self) -> None:
        """Watch a reader that is slower than the answer is made."""
        super().pause_writing()
        self._see_it_read()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._waiting.pop(self, None)
        for timer in (self._late, self._unread):
            if timer is not None:
                timer.cancel()

    def _watch(self, without_request: str) -> None:
        """Arm the time of the phase the connection is in now, unless it is in it already."""
        cycle = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        phase = "answer" if under_way else without_request
        if cycle is not None and self.conn.their_state is h11.SEND_BODY:
            phase = "body"
        if under_way or self.transport.is_closing():
            self._waiting.pop(self, None)
        else:
            self._waiting.setdefault(self)
        if (phase, cycle) == self._phase:
            return
        self._phase = (phase, cycle)
        if self._late is not None:
            self._late.cancel()
        seconds = {"header": self._limits.header, "body": self._limits.body}.get(phase)
        self._late = None if seconds is None else self.loop.call_later(seconds, self._end)

    def _end(self) -> None:
        """Close a connection whose time is over; who has begun a request is told why.

        The time of a body counts from when we read on: until then its request waits in its key's line.
        """
        if self._phase[0] == "body":
            since = time.monotonic() if self.flow.read_paused else self._flow.resumed
            left = since + self._limits.body - time.monotonic()
            if left > 0:
                self._late = self.loop.call_later(left, self._end)
                return
        if self._phase[0] == "header" and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.")
        else:
            self.transport.abort()

    def send_400_response(self, _: str) -> None:
        """Say that this is no HTTP, unless an answer has begun already."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(HTTPStatus.BAD_REQUEST, "This is no HTTP/1.1 request that can be read.")
        else:
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if no upgrade had been asked for: that is no operator's matter."""

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer what never became a request, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = bytes(problem(status, status.phrase.lower().replace(" ", "-"), detail).body)
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: {MEDIA_TYPE}\r\nConnection: close\r\n"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()
        self._see_it_read()

    def _see_it_read(self) -> None:
        if self._unread is None:
            self._look_again(self.transport.get_write_buffer_size())

    def _look_again(self, left: int) -> None:
        if left:
            self._unread = self.loop.call_later(self._limits.reading, self._look, left)

    def _look(self, before: int) -> None:
        """Abort a connection whose answer is hardly read; its bytes would be held for ever."""
        self._unread = None
        left = self.transport.get_write_buffer_size()
        if left and before - left < min(_READ_BYTES, before):
            self.transport.abort()
        else:
            self._look_again(left)
