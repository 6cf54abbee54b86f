"""Serving the embedded chain as Ethereum JSON-RPC on loopback, so that other processes share it.

Reading is free to whoever reaches the loopback interface; writing needs the token in the data folder. A
browser is kept out: the Host header must name loopback (DNS rebinding), an Origin is refused, and so is
anything but `application/json`, which a page of another origin cannot send unasked.

Who has no token gets a stated amount of work: `READER_GAS` for a call that executes code, `BATCH_GAS` for all
of a request, for `READER_SECONDS`, one such call at a time; `READER_BLOCKS` of logs; and for all of a request
`ALL_SECONDS` and `READER_BYTES` of answers (see `work`); and none once it has left. After one that executed
code no other begins for as long as it took: that time is the writer's. A request must be here
`REQUEST_SECONDS` after its first byte, a connection may rest for `IDLE_SECONDS`, and there are `CONNECTIONS`
at most.
"""

from __future__ import annotations

import hmac
import json
import math
import os
import secrets
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from ledger.chain.embedded.methods import WRITING
from ledger.chain.embedded.work import INVALID_REQUEST, READER_BYTES, Work, bound_logs
from ledger.chain.rpc import DAMAGED, WRONG_CLOCK, RpcRefused
from ledger.errors import ChainDamaged, LedgerError, WrongClock
from ledger.files import write_private
from ledger.timed_http import BoundedServer, TimedHandler

if TYPE_CHECKING:
    from ledger.chain.embedded.node import EmbeddedNode

ADDRESS_FILE = "chain.json"
TOKEN_FILE = "chain.token"  # noqa: S105  a file's name
#: Bytes of one request: a few of the largest transactions as hexadecimal text.
MAX_BODY = 4 << 20
#: Calls in one batch, as in geth.
MAX_BATCH = 1000
#: Seconds for a request to arrive, from its first byte; and for a connection to rest between two.
REQUEST_SECONDS, IDLE_SECONDS = 20.0, 60.0
#: Connections served at a time; who comes later is turned away.
CONNECTIONS = 64
_EXECUTING = frozenset({"eth_call", "eth_estimateGas"})
#: Digits of a length that is read at all.
_LONGEST_LENGTH = 12
_IDS = frozenset({str, int, float, type(None)})
#: What a number that is too large for one is read as; it is no JSON.
_INFINITE = (math.inf, -math.inf)
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PARSE, _INTERNAL, _FORBIDDEN = -32700, -32603, -32001


class ChainServer:
    """Serves a node until `stop`; meanwhile `chain.json` in its folder says where and by which process."""

    def __init__(self, node: EmbeddedNode, port: int = 0) -> None:
        token = secrets.token_urlsafe(32)
        self._http = _Server(("127.0.0.1", port), node, token)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._address = node.folder / ADDRESS_FILE
        write_private(node.folder / TOKEN_FILE, token.encode())
        self._thread = threading.Thread(target=self._http.serve_forever, name="chain-rpc", daemon=True)
        self._thread.start()
        written = {"url": self.url, "pid": os.getpid(), "token_file": TOKEN_FILE}
        write_private(self._address, json.dumps(written).encode())

    def stop(self) -> None:
        """Stop serving and take the address away. The node stays open."""
        self._address.unlink(missing_ok=True)
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Server(BoundedServer):
    def __init__(self, address: tuple[str, int], node: EmbeddedNode, token: str) -> None:
        self.node = node
        self.bearer = f"Bearer {token}".encode()
        self.executing = threading.Lock()
        super().__init__(address, _Handler, CONNECTIONS)


class _Handler(TimedHandler):
    request_seconds, idle_seconds = REQUEST_SECONDS, IDLE_SECONDS
    server: _Server
    server_version = "credit-ledger"
    sys_version = ""
    wbufsize = -1  # status, headers and body leave in one piece
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # noqa: N802  the base class calls it so
        """Answer one call or a batch."""
        body = self._body()
        if body is None:
            return
        writer = hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.bearer)
        work = None if writer else Work()
        try:
            asked = json.loads(body, parse_constant=_no_number)
        except (ValueError, RecursionError):
            self._send(200, _json(_failure(None, _PARSE, "parse error")))
            return
        if not isinstance(asked, list):
            self._send(200, self._written(asked, work) or b"")
            return
        if not 0 < len(asked) <= MAX_BATCH:
            answer = _failure(None, INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} calls")
            self._send(200, _json(answer))
            return
        answers = []
        for call in asked:
            if work is not None and self._left():
                self.close_connection = True
                return
            answers.append(self._written(call, work))
        self._send(200, b"[" + b",".join(each for each in answers if each is not None) + b"]")

    def _written(self, call: Any, work: Work | None) -> bytes | None:
        """Answer a call in JSON: without the token, in the bytes that are left. None: no answer is due."""
        answer = self._answer(call, work)
        if answer is None:
            return None
        written = _json(answer)
        if work is not None and not work.fits(written):
            why = f"one request is answered with {READER_BYTES} bytes at most: ask for less"
            return _json(_failure(answer["id"], INVALID_REQUEST, why))
        return written

    def _left(self) -> bool:
        """Whether the client has closed the connection, so that nobody waits for an answer."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _body(self) -> bytes | None:
        """The request's body, or nothing after having refused the request."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if host not in _HOSTS:
            self._refuse(403, "this address serves loopback only")
        elif self.headers.get("Origin") is not None:
            self._refuse(403, "web pages are not served: no request with an Origin")
        elif kind != "application/json":
            self._refuse(415, "calls are application/json")
        elif not length.isdecimal():
            self._refuse(411, "a Content-Length is needed")
        elif len(length) > _LONGEST_LENGTH or int(length) > MAX_BODY:
            self._refuse(413, f"a request has at most {MAX_BODY} bytes")
        else:
            return self.rfile.read(int(length))
        return None

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True  # the body was not read
        self._send(status, _json(_failure(None, INVALID_REQUEST, why)))

    def _answer(self, call: Any, work: Work | None) -> dict[str, Any] | None:
        """Answer a call: without the token, within the `work` that is left."""
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _failure(None, INVALID_REQUEST, "invalid request")
        method, params, number = call["method"], call.get("params"), call.get("id")
        if type(number) not in _IDS or number in _INFINITE:
            return _failure(None, INVALID_REQUEST, "an id is text, a number or null")
        params = [] if params is None else params
        if not isinstance(params, list):
            return _failure(number, INVALID_REQUEST, "parameters are a list")
        if method in WRITING and work is not None:
            return _failure(number, _FORBIDDEN, "writing needs the token in the data folder")
        try:
            if work is None:
                result = self.server.node.request(method, *params)
            else:
                result = self._within(work, method, params)
        except RpcRefused as error:
            return _failure(number, error.rpc_code, str(error), error.data)
        except LedgerError as error:
            return _failure(number, _code_of(error), str(error))
        except Exception:  # noqa: BLE001  whatever was asked has an answer, and closes no connection
            return _failure(number, _INTERNAL, f"{method}: these parameters cannot be answered")
        return {"jsonrpc": "2.0", "id": number, "result": result} if "id" in call else None

    def _within(self, work: Work, method: str, params: list[Any]) -> Any:
        """Return a method's result, within the work that is left."""
        node = self.server.node
        work.go_on()
        if method not in _EXECUTING:
            if method == "eth_getLogs":
                bound_logs(node, params)
            return node.request(method, *params)
        bounded = work.execute(params)
        with self.server.executing:
            begun = time.monotonic()
            try:
                with work.measured():
                    return node.request(method, *bounded, seconds=work.seconds)
            finally:
                time.sleep(time.monotonic() - begun)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Write nothing: addresses and methods are not worth a line, and errors go to the caller."""


def _json(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _code_of(error: LedgerError) -> int:
    if isinstance(error, WrongClock):
        return WRONG_CLOCK
    return DAMAGED if isinstance(error, ChainDamaged) else _INTERNAL


def _failure(number: Any, code: int, message: str, data: bytes = b"") -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data:
        error["data"] = "0x" + data.hex()
    return {"jsonrpc": "2.0", "id": number, "error": error}
