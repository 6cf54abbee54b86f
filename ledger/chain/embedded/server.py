"""Serving the embedded chain as Ethereum JSON-RPC on loopback, so that other processes share it.

Reading is free to whoever reaches the loopback interface; writing needs the token in the data folder. A
browser is kept out: the Host header must name loopback (DNS rebinding), an Origin is refused, and so is
anything but `application/json`, which a page of another origin cannot send unasked.

Who has no token gets a stated amount of work: `READER_GAS` for a call that executes code, `BATCH_GAS` for all
of a request, one such call at a time, `READER_BLOCKS` of logs; and none once it has left. So nobody holds up
the process that writes. A request must be here `REQUEST_SECONDS` after its first byte, a connection may rest
for `IDLE_SECONDS`, and there are `CONNECTIONS` at most.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from ledger.chain.embedded.methods import WRITING
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
#: Gas of one call, and of all calls of one request, that is executed for a caller without the token. The
#: contracts' views take less than a tenth of the first.
READER_GAS, BATCH_GAS = 2_000_000, 20_000_000
#: Blocks whose logs a caller without the token is told at once.
READER_BLOCKS = 100_000
#: Seconds for a request to arrive, from its first byte; and for a connection to rest between two.
REQUEST_SECONDS, IDLE_SECONDS = 20.0, 60.0
#: Connections served at a time; who comes later is turned away.
CONNECTIONS = 64
_EXECUTING = frozenset({"eth_call", "eth_estimateGas"})
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PARSE, _INVALID_REQUEST, _INTERNAL, _FORBIDDEN = -32700, -32600, -32603, -32001


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
        work = None if writer else _Work()
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            self._send(200, _failure(None, _PARSE, "parse error"))
            return
        if isinstance(asked, list):
            if not 0 < len(asked) <= MAX_BATCH:
                self._send(200, _failure(None, _INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} calls"))
                return
            answers = []
            for call in asked:
                if work is not None and self._left():
                    self.close_connection = True
                    return
                answers.append(self._answer(call, work))
            self._send(200, [answer for answer in answers if answer is not None])
        else:
            self._send(200, self._answer(asked, work))

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
        elif int(length) > MAX_BODY:
            self._refuse(413, f"a request has at most {MAX_BODY} bytes")
        else:
            return self.rfile.read(int(length))
        return None

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True  # the body was not read
        self._send(status, _failure(None, _INVALID_REQUEST, why))

    def _answer(self, call: Any, work: _Work | None) -> dict[str, Any] | None:
        """Answer a call: without the token, within the `work` that is left."""
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _failure(None, _INVALID_REQUEST, "invalid request")
        method, params, number = call["method"], call.get("params") or [], call.get("id")
        if not isinstance(params, list):
            return _failure(number, _INVALID_REQUEST, "parameters are a list")
        if method in WRITING and work is not None:
            return _failure(number, _FORBIDDEN, "writing needs the token in the data folder")
        try:
            if work is None:
                result = self.server.node.request(method, *params)
            elif method in _EXECUTING:
                bounded = work.execute(params)
                with self.server.executing:
                    result = self.server.node.request(method, *bounded)
            else:
                if method == "eth_getLogs":
                    _bound_logs(self.server.node, params)
                result = self.server.node.request(method, *params)
        except RpcRefused as error:
            return _failure(number, error.rpc_code, str(error), error.data)
        except LedgerError as error:
            return _failure(number, _code_of(error), str(error))
        return {"jsonrpc": "2.0", "id": number, "result": result} if "id" in call else None

    def _send(self, status: int, answer: Any) -> None:
        body = b"" if answer is None else json.dumps(answer, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Write nothing: addresses and methods are not worth a line, and errors go to the caller."""


class _Work:
    """What is left of the work that one request of a caller without the token may ask for."""

    def __init__(self) -> None:
        self._gas = BATCH_GAS

    def execute(self, params: list[Any]) -> list[Any]:
        """Return the parameters of a call with its gas bounded. Raises `RpcRefused` when none is left."""
        if not params or not isinstance(params[0], dict):
            return params
        if self._gas < READER_GAS:
            raise RpcRefused(f"one request executes {BATCH_GAS} gas at most: ask for less", _INVALID_REQUEST)
        self._gas -= READER_GAS
        wanted = params[0].get("gas")
        try:
            gas = READER_GAS if wanted is None else min(int(str(wanted), 16), READER_GAS)
        except ValueError:
            return params
        return [{**params[0], "gas": hex(gas)}, *params[1:]]


def _bound_logs(node: EmbeddedNode, params: list[Any]) -> None:
    """Raise `RpcRefused` for logs of more blocks than a caller without the token is told at once."""
    if not params or not isinstance(params[0], dict) or "blockHash" in params[0]:
        return
    try:
        first, last = (int(str(params[0].get(key, "latest")), 16) for key in ("fromBlock", "toBlock"))
    except ValueError:  # a tag such as `latest`: then the chain's height is what bounds it
        if params[0].get("fromBlock") not in {"earliest", "0x0"}:
            return
        first, last = 0, int(str(node.request("eth_blockNumber")), 16)
    if last - first >= READER_BLOCKS:
        raise RpcRefused(f"logs of {READER_BLOCKS} blocks at most: ask for them in parts", _INVALID_REQUEST)


def _code_of(error: LedgerError) -> int:
    if isinstance(error, WrongClock):
        return WRONG_CLOCK
    return DAMAGED if isinstance(error, ChainDamaged) else _INTERNAL


def _failure(number: Any, code: int, message: str, data: bytes = b"") -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data:
        error["data"] = "0x" + data.hex()
    return {"jsonrpc": "2.0", "id": number, "error": error}
