"""A client of Ethereum JSON-RPC: one call, a batch, or logs over a range of blocks.

A `Node` answers JSON-RPC calls, whether over HTTP (`HttpNode`) or in this process (`embedded.EmbeddedNode`).
Results are the JSON values of the execution API (github.com/ethereum/execution-apis): quantities and data as
`0x` strings. Errors say whether a retry helps: `ChainUnavailable` (no answer: try again, every call here may
be repeated) or `RpcRefused` (an answer that says no). This module imports no Ethereum library: quick starts.
"""

from __future__ import annotations

import http.client
import json
import threading
from base64 import b64encode
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from ledger.errors import ChainDamaged, ChainRefused, ChainUnavailable, Misconfigured, WrongClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Calls in one HTTP request. Nodes bound batches: geth at 1,000 calls, several providers at 100.
CALLS_PER_BATCH = 100
#: Answers larger than this are refused rather than read: a node that sends them is broken or hostile.
MAX_ANSWER_BYTES = 1 << 30
#: JSON-RPC code with which a served embedded chain says that its data are damaged.
DAMAGED = -32042
#: ... that it makes no block by its clock.
WRONG_CLOCK = -32043
#: HTTP statuses after which the same request may succeed later.
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRANSPORT = (OSError, http.client.HTTPException)


class RpcRefused(ChainRefused):
    """A node's error answer. `rpc_code` is JSON-RPC's; `data` the bytes a reverted call returned, if any."""

    def __init__(self, message: str, rpc_code: int, data: bytes = b"") -> None:
        super().__init__(message)
        self.rpc_code = rpc_code
        self.data = data


class Node(Protocol):
    """What the ledger needs of a chain: JSON-RPC calls, from any thread."""

    @property
    def where(self) -> str:
        """Where this node is, for people: its address or data folder, without secrets."""

    def request(self, method: str, *params: object) -> Any:
        """Call one method. Returns the JSON result. Raises `ChainUnavailable`, `RpcRefused`."""

    def requests(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call several `(method, *params)`; results in the same order. The first error answer is raised."""

    def close(self) -> None:
        """Give back connections and locks; using the node afterwards is an error."""


class HttpNode:
    """A node over HTTP(S), with kept-alive connections shared between threads.

    `token` goes out as a bearer token, a name and password in the address as basic authentication. A
    connection that the node closed while idle is replaced once, silently; any other failure is a
    `ChainUnavailable`. Credentials in the address never appear in messages.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 60.0) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:  # a bracket without its other; what it says of it may hold a password
            raise Misconfigured("not an http(s) address of a node") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"not an http(s) address of a node: {parts.scheme}://{parts.hostname or ''}")
        try:
            port = parts.port
        except ValueError:
            raise Misconfigured(f"the node's address has a bad port: {parts.hostname}") from None
        self.where = f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connect: Callable[[], http.client.HTTPConnection] = lambda: (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )(parts.hostname or "", port, timeout=timeout)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        self._idle: list[http.client.HTTPConnection] = []
        self._guard = threading.Lock()
        self._ids = count(1)

    def request(self, method: str, *params: object) -> Any:
        """Call one method. Raises `ChainUnavailable` without an answer, `RpcRefused` on an error answer."""
        call = self._call(method, params)
        answer = self._post(json.dumps(call, separators=(",", ":")).encode())
        if not isinstance(answer, dict) or answer.get("id") not in (call["id"], None):
            raise ChainUnavailable(f"{self.where} answered {method} with something that is not JSON-RPC")
        return _result(answer, method)

    def requests(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call several methods in batches of `CALLS_PER_BATCH`; results in order, the first error raised."""
        results: list[Any] = []
        for start in range(0, len(calls), CALLS_PER_BATCH):
            results += self._batch(calls[start : start + CALLS_PER_BATCH])
        return results

    def close(self) -> None:
        """Close the idle connections."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _call(self, method: str, params: Sequence[object]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}

    def _batch(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        sent = [self._call(method, params) for method, *params in calls]
        answers = self._post(json.dumps(sent, separators=(",", ":")).encode())
        if isinstance(answers, dict):  # an error about the batch as a whole
            _result(answers, "a batch")
        if not isinstance(answers, list):
            raise ChainUnavailable(f"{self.where} answered a batch with something that is not JSON-RPC")
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        if any(call["id"] not in by_id for call in sent):
            raise ChainUnavailable(f"{self.where} left calls of a batch unanswered")
        return [_result(by_id[call["id"]], call["method"]) for call in sent]

    def _post(self, body: bytes) -> Any:
        status, raw = self._exchange(body)
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            answer = None
        if status == 200 and answer is not None:
            return answer
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict) and status != 429:
            return answer  # several nodes send JSON-RPC errors under 4xx and 5xx
        if status == 200:
            raise ChainUnavailable(f"{self.where} answered with something that is not JSON")
        if status in _TRY_AGAIN:
            raise ChainUnavailable(f"{self.where} answered HTTP {status}")
        raise RpcRefused(f"{self.where} answered HTTP {status}", rpc_code=-status)

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                return self._over(connection, body)
            except TimeoutError as error:
                raise self._unavailable(error) from None
            except _TRANSPORT:
                pass  # closed while idle, most likely: once more on a new one (every call may be repeated)
        try:
            return self._over(self._connect(), body)
        except _TRANSPORT as error:
            raise self._unavailable(error) from None

    def _over(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, bytes]:
        try:
            connection.request("POST", self._path, body=body, headers=self._headers)
            response = connection.getresponse()
            raw = response.read(MAX_ANSWER_BYTES + 1)
        except BaseException:
            connection.close()
            raise
        if len(raw) > MAX_ANSWER_BYTES:
            connection.close()
            raise RpcRefused(f"{self.where} answered with more than {MAX_ANSWER_BYTES} bytes", rpc_code=-413)
        if response.will_close:
            connection.close()
        else:
            with self._guard:
                self._idle.append(connection)
        return response.status, raw

    def _unavailable(self, error: BaseException) -> ChainUnavailable:
        why = str(error) or type(error).__name__
        return ChainUnavailable(f"no answer from the node at {self.where}: {why}")


def _result(answer: Mapping[str, Any], method: str) -> Any:
    """Return an answer's result, or raise its error with whatever data a contract returned."""
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise ChainUnavailable(f"the node answered {method} with neither result nor error")
        return answer["result"]
    if not isinstance(error, dict):
        raise RpcRefused(f"{method}: {error}", rpc_code=-32603)
    code = error.get("code")
    message = f"{method}: {error.get('message', 'refused without a reason')}"
    if code == WRONG_CLOCK:
        raise WrongClock(str(error.get("message")))
    if code == DAMAGED:
        raise ChainDamaged(message)
    raise RpcRefused(message, code if isinstance(code, int) else -32603, _revert_data(error.get("data")))


def _revert_data(data: object) -> bytes:
    """The returned bytes of a revert, in the shapes nodes use: hex text, `Reverted 0x...`, or an object."""
    if isinstance(data, dict):
        return _revert_data(data.get("data") or data.get("result"))
    if isinstance(data, str) and "0x" in data:
        try:
            return bytes.fromhex(data[data.index("0x") + 2 :])
        except ValueError:
            return b""
    return b""


def get_logs(node: Node, addresses: Sequence[str], first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yield the logs of `addresses` in blocks `first`..`last`, in chain order.

    Nodes bound the range, the number or the size of what one call returns, each with its own code and words,
    so any refusal of more than one block is taken as "less, please" and the range is halved. A refusal of one
    block is raised as it is.
    """
    pending = [(first, last)]
    while pending:
        low, high = pending.pop()
        wanted = {"address": list(addresses), "fromBlock": hex(low), "toBlock": hex(high)}
        try:
            logs = node.request("eth_getLogs", wanted)
        except RpcRefused:
            if low >= high:
                raise
            middle = (low + high) // 2
            pending += [(middle + 1, high), (low, middle)]
            continue
        yield from logs
