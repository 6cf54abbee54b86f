"""A witness over HTTP: `POST /add-checkpoint`, and `GET /logs/<log id>/checkpoint` for who watches it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ledger.errors import LedgerError
from ledger.timed_http import BoundedServer, TimedHandler
from ledger.workflows.witness import MAX_BODY, Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import ThreadingHTTPServer

    from ledger.workflows.witness import Witness

#: Seconds for a request to arrive, from its first byte; and for a connection to rest between two.
REQUEST_SECONDS: Final = 15.0
IDLE_SECONDS: Final = 15.0
#: Connections served at a time; who comes later is turned away.
CONNECTIONS: Final = 64
_PREFIX: Final = "/logs/"
_SUFFIX: Final = "/checkpoint"
_HEX: Final = frozenset("0123456789abcdef")


def make_witness_server(
    witness: Witness, host: str, port: int, clock: Callable[[], float] = time.time
) -> ThreadingHTTPServer:
    """Return the server, bound and not yet serving; port 0 takes a free one (`server_address`)."""

    class Handler(TimedHandler):
        request_seconds, idle_seconds = REQUEST_SECONDS, IDLE_SECONDS

        def do_POST(self) -> None:  # noqa: N802  the base class calls it so
            said = self.headers.get("Content-Length", "")
            length = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else -1
            if self.path != "/add-checkpoint":
                self._answer(Answer(404, b"no such call\n"), close=True)
            elif not 0 <= length <= MAX_BODY:
                self._answer(
                    Answer(413 if length > MAX_BODY else 411, b"a body of known, small length\n"), close=True
                )
            else:
                self._answer(witness.add_checkpoint(self.rfile.read(length), int(clock())))

        def do_GET(self) -> None:  # noqa: N802  the base class calls it so
            name = self.path.removeprefix(_PREFIX).removesuffix(_SUFFIX)
            known = self.path == f"{_PREFIX}{name}{_SUFFIX}" and len(name) == 64 and _HEX.issuperset(name)
            try:
                note = witness.latest(name) if known else None
            except LedgerError:
                self._answer(Answer(500, b"what was cosigned of this log is lost or damaged\n"))
                return
            self._answer(Answer(200, str(note).encode()) if note else Answer(404, b"no such checkpoint\n"))

        def _answer(self, answer: Answer, *, close: bool = False) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            if close:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name the library has
            """Say nothing per request: alarms are what a witness has to say."""

    return BoundedServer((host, port), Handler, CONNECTIONS)
