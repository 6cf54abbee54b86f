"""Connections that end: each phase has its time, and a full house makes room for who comes with a request.

uvicorn knows one time limit, for a connection that rests between two requests. Here a request's header must
be whole `header` seconds after the connection or its first byte, its body `body` seconds after the header,
and an answer must go on being read. Beyond `connections` the one that has waited longest without a request is
closed, so that health and whoever asks for something are served while others only hold connections open.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.body import BODY_SECONDS

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

#: Bytes of an answer that must have left since the last look, `reading` seconds ago.
_READ_BYTES: Final = 16 << 10
_LATE: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


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


class Bounded(H11Protocol):
    """A connection whose phases have their times; `protocol_of` says which."""

    _limits: Limits
    #: The connections without a request under way, the one that waits longest first.
    _waiting: dict[Bounded, None]
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _phase: tuple[str, RequestResponseCycle | None] = ("idle", None)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the time for the first request; make room if there is none."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            longest = next(iter(self._waiting), self)
            self._waiting.pop(longest, None)
            longest.transport.abort()
        self._watch("header")

    def data_received(self, data: bytes) -> None:
        """Take bytes, and see which phase they end."""
        super().data_received(data)
        self._watch("header")

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
        """Close a connection whose time is over; who has begun a request is told why."""
        if self._phase[0] == "header" and self.conn.trailing_data[0] and not self.transport.is_closing():
            self.transport.write(_LATE)
            self.transport.close()
            self._see_it_read()
        else:
            self.transport.abort()

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
