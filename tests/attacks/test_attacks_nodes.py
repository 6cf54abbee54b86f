"""A node that answers nonsense, to a reader's `verify --node` and to a witness: a sentence, and no verdict.

The ledger and its chain are real. Between them and who asks stands a server that forwards every call, and puts
something else in the place of one answer.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from workflows_rows import ALPHA, record_line, records_file

from ledger.audit.verifier import Trusted, verify_evidence
from ledger.chain.rpc import HttpNode
from ledger.crypto.notes import Note
from ledger.errors import ChainUnavailable, LedgerError
from ledger.workflows.assessing import assess
from ledger.workflows.checkpoints import make_checkpoint, operator_key
from ledger.workflows.governing import set_suspended
from ledger.workflows.importing import import_file
from ledger.workflows.own_node import ask_node
from ledger.workflows.proving import prove
from ledger.workflows.recomputing import STALE, Recomputer
from ledger.workflows.witness import Answer, open_witness
from ledger.workflows.witness_request import request_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office"]
BLOCK = {"number": "0x1", "hash": "0x" + "ab" * 32, "timestamp": "0x5"}
#: What is no answer to any of these calls.
NONSENSE: dict[str, Any] = {
    "an empty text": "",
    "no digits": "0x",
    "a number": 5,
    "a negative number": -5,
    "a negative quantity": "-0x5",
    "a huge number": 10**400,
    "a huge quantity": "0x" + "f" * 70,
    "no hexadecimal": "0xzz",
    "truncated hexadecimal": "0xabc",
    "yes": True,
    "a list": [None],
    "an object": {},
    "a page": "<html><body>502 Bad Gateway</body></html>",
    "a block without a hash": {"number": "0x1", "timestamp": "0x5"},
    "a block of a truncated hash": BLOCK | {"hash": "0xab"},
    "a block with a negative time": BLOCK | {"timestamp": "-0x5"},
    "a block beyond the calendar": BLOCK | {"timestamp": "0x" + "f" * 16},
    "a block with a number of another kind": BLOCK | {"number": 1},
}
#: What is no JSON-RPC at all.
BODIES = {
    "a page": b"<html><body>It works!</body></html>",
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "nested without end": b"[" * 100_000,
    "half an answer": b'{"jsonrpc":"2.0","id":1,"resu',
    "bytes": bytes(range(256)),
}


@contextmanager
def liar(ledger: Ledger, lie: Callable[[str, Any], Any], body: bytes | None = None) -> Iterator[str]:
    """A server's address. `lie(method, result)` is what it answers; or it answers every call with `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            calls = asked if isinstance(asked, list) else [asked]
            found = [
                {"jsonrpc": "2.0", "id": each["id"],
                 "result": lie(each["method"], ledger.node.request(each["method"], *each["params"]))}
                for each in calls
            ]  # fmt: skip
            answer = json.dumps(found if isinstance(asked, list) else found[0]).encode()
            answer = answer if body is None else body
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def instead_of(method: str, nonsense: Any) -> Callable[[str, Any], Any]:
    return lambda asked, result: nonsense if asked == method else result


@pytest.fixture
def ledger(office: Ledger, tmp_path: Path) -> Ledger:
    path = records_file(tmp_path / "r.csv", record_line("A"))
    import_file(office, path, "records", office.authorities["GACC"])
    office.follower.catch_up()
    return office


def asked(ledger: Ledger, witness: Any) -> Answer:
    text = make_checkpoint(ledger).checkpoint.text()
    note = Note(text, (operator_key(ledger).sign(text),))
    return witness.add_checkpoint(request_body(0, [], note), int(time.time()))


def test_a_readers_node_that_answers_nonsense_gives_no_verdict(ledger: Ledger) -> None:
    data = prove(ledger, ALPHA, ledger.today())
    with liar(ledger, lambda _, result: result) as honest:
        assert verify_evidence(data, Trusted(node=ask_node(honest))).vouched.complete
    for method in ("eth_chainId", "eth_getBlockByNumber", "eth_getCode", "eth_call"):
        for what, nonsense in [*NONSENSE.items(), ("null", None)]:
            with liar(ledger, instead_of(method, nonsense)) as url:
                if (method, what) == ("eth_getCode", "a huge quantity"):
                    continue  # well-formed: code is only asked for being there
                with pytest.raises(LedgerError) as raised:
                    verify_evidence(data, Trusted(node=ask_node(url)))
                assert "node" in str(raised.value) or "127.0.0.1" in str(raised.value), (method, what)
    for what, body in BODIES.items():
        with liar(ledger, lambda _, result: result, body) as url, pytest.raises(LedgerError) as raised:
            verify_evidence(data, Trusted(node=ask_node(url)))
        assert str(raised.value), what


def test_a_witnesss_node_that_answers_nonsense_makes_it_cosign_nothing(
    ledger: Ledger, tmp_path: Path
) -> None:
    """And accuses nobody: a node that is broken is no proof against the operator."""
    lies: list[tuple[str, Any]] = [("", None)]
    said: list[str] = []

    def lie(method: str, result: Any) -> Any:
        return lies[-1][1] if method == lies[-1][0] else result

    with liar(ledger, lie) as url:
        keys, node = [operator_key(ledger).verifier], HttpNode(url)
        for number, (method, what) in enumerate(
            (method, what) for method in ("eth_getBlockByNumber", "eth_getLogs") for what in NONSENSE
        ):
            lies.append(("", None))
            recomputer = Recomputer(node, ledger.deployment)
            lies.append((method, NONSENSE[what]))
            if method == "eth_getLogs" and what in ("an empty text", "an object"):
                continue  # no logs: well-formed, and so a lie and no nonsense
            witness = open_witness(
                tmp_path / str(number), "witness.example/f", keys, said.append, [recomputer]
            )
            answer = asked(ledger, witness)
            assert (answer.status, b"try again later" in answer.body) == (503, True), (method, what, answer)
        assert said == []
        lies.append(("eth_chainId", "-0x5"))
        with pytest.raises(LedgerError, match="answers what no node answers"):
            Recomputer(node, ledger.deployment)
    for body in BODIES.values():
        with liar(ledger, lambda _, result: result, body) as url, pytest.raises(LedgerError):
            Recomputer(HttpNode(url), ledger.deployment)


def test_a_block_long_passed_is_not_cosigned(ledger: Ledger, tmp_path: Path) -> None:
    """The operator signs what was so two hours ago, as of now: a witness's node knows a later block."""
    later: list[int] = [0]

    def lie(method: str, result: Any) -> Any:
        # Its latest block, as if the chain had gone on: the one before it stays what it is.
        moved = method == "eth_getBlockByNumber" and isinstance(result, dict) and later[0] and latest(result)
        return result | {"timestamp": hex(int(result["timestamp"], 16) + later[0])} if moved else result

    def latest(block: dict[str, Any]) -> bool:
        calls[0] += 1
        return calls[0] % 2 == 0  # the block itself is asked for first, the latest after it

    calls = [0]
    with liar(ledger, lie) as url:
        recomputer = Recomputer(HttpNode(url), ledger.deployment)
        witness = open_witness(
            tmp_path / "w", "witness.example/f", [operator_key(ledger).verifier], lambda _: None, [recomputer]
        )
        later[0], calls[0] = STALE + 3600, 0
        answer = asked(ledger, witness)
        assert answer.status == 503
        assert b"seconds older than the latest: sign what the ledger is now" in answer.body
        later[0] = STALE
        assert asked(ledger, witness).status == 200, "an hour is as long as a checkpoint is renewed"
    with pytest.raises(ChainUnavailable):
        recomputer.catch_up()


def _without(logs: Any, contract: str) -> Any:
    return [each for each in logs if each["address"].lower() != contract.lower()]


@pytest.mark.parametrize(
    "how", ["once", "always", "assessments always", "governing always", "another block", "logs of another"]
)
def test_a_witnesss_node_that_leaves_logs_out_accuses_nobody(
    ledger: Ledger, tmp_path: Path, how: str
) -> None:
    """A replica that lags answers a range with nothing: the operator is honest, and is not called a liar."""
    assess(ledger)
    set_suspended(ledger, "STA", True)
    said, left = list[str](), [1 if how == "once" else 10_000]
    contract = ledger.deployment.score_book if "assessments" in how else ledger.deployment.authorities

    def lie(method: str, result: Any) -> Any:
        if method == "eth_getBlockByNumber" and how == "another block" and reads[0]:
            return result and result | {"hash": "0x" + "ab" * 32}
        if method != "eth_getLogs" or not result or left[0] <= 0 or how == "another block":
            return result
        if how == "logs of another":
            return [each | {"blockHash": "0x" + "ab" * 32} for each in _without(result, contract)]
        if len({each["blockNumber"] for each in result}) == 1 and how == "governing always":
            return result  # by its hash, where a replica that lags must refuse or be right
        left[0] -= 1
        return [] if how in ("once", "always") else _without(result, contract)

    reads = [0]
    with liar(ledger, lie) as url:
        recomputer = Recomputer(HttpNode(url), ledger.deployment)
        keys = [operator_key(ledger).verifier]
        witness = open_witness(tmp_path / "w", "witness.example/f", keys, said.append, [recomputer])
        reads[0] = 1
        answer = asked(ledger, witness)
        if how == "once":
            assert (answer.status, said) == (200, []), answer
            return
        assert answer.status == 503, answer
        assert b"the witness's own node" in answer.body
        assert b"disagrees with itself" in answer.body
        assert all(each.startswith("NODE: ") for each in said)
        assert not list((tmp_path / "w").glob("*.differs*"))
        left[0] = reads[0] = 0
        assert asked(ledger, witness).status == 200, "the node is right again, with no restart"
