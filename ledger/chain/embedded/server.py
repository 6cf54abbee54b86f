"""Serving the embedded chain as Ethereum JSON-RPC on loopback, so that other processes share it.

Reading is free to whoever reaches the loopback interface; writing needs the token in the data folder. A
browser is kept out: the Host header must name loopback (DNS rebinding), and no answer lets another origin
read it.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from ledger.chain.embedded.methods import WRITING
from ledger.chain.files import write_private
from ledger.chain.rpc import DAMAGED, WRONG_CLOCK, RpcRefused
from ledger.errors import ChainDamaged, LedgerError, WrongClock

if TYPE_CHECKING:
    from ledger.chain.embedded.node import EmbeddedNode

ADDRESS_FILE = "chain.json"
TOKEN_FILE = "chain.token"  # noqa: S105  a file's name
#: Bytes of one request: a few of the largest transactions as hexadecimal text.
MAX_BODY = 4 << 20
#: Calls in one batch, as in geth.
MAX_BATCH = 1000
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], node: EmbeddedNode, token: str) -> None:
        self.node = node
        self.bearer = f"Bearer {token}".encode()
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    server_version = "credit-ledger"
    sys_version = ""
    timeout = 600
    wbufsize = -1  # status, headers and body leave in one piece
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer one call or a batch."""
        body = self._body()
        if body is None:
            return
        writer = hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.bearer)
        try:
            asked = json.loads(body)
        except ValueError:
            self._send(200, _failure(None, _PARSE, "parse error"))
            return
        if isinstance(asked, list):
            if not 0 < len(asked) <= MAX_BATCH:
                self._send(200, _failure(None, _INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} calls"))
                return
            answers = [self._answer(call, writer) for call in asked]
            self._send(200, [answer for answer in answers if answer is not None])
        else:
            self._send(200, self._answer(asked, writer))

    def _body(self) -> bytes | None:
        """The request's body, or nothing after having refused the request."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        length = self.headers.get("Content-Length", "")
        if host not in _HOSTS:
            self._refuse(403, "this address serves loopback only")
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

    def _answer(self, call: Any, writer: bool) -> dict[str, Any] | None:
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _failure(None, _INVALID_REQUEST, "invalid request")
        method, params, number = call["method"], call.get("params") or [], call.get("id")
        if not isinstance(params, list):
            return _failure(number, _INVALID_REQUEST, "parameters are a list")
        if method in WRITING and not writer:
            return _failure(number, _FORBIDDEN, "writing needs the token in the data folder")
        try:
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


def _code_of(error: LedgerError) -> int:
    if isinstance(error, WrongClock):
        return WRONG_CLOCK
    return DAMAGED if isinstance(error, ChainDamaged) else _INTERNAL


def _failure(number: Any, code: int, message: str, data: bytes = b"") -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data:
        error["data"] = "0x" + data.hex()
    return {"jsonrpc": "2.0", "id": number, "error": error}
