"""A witness that answers the operator's verb with what is no answer: a sentence, in bounded time and memory."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from ledger.crypto.checkpoints import Checkpoint
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey
from ledger.errors import LedgerError
from ledger.workflows import witnessing
from ledger.workflows.kept_checkpoints import Kept
from ledger.workflows.witnessing import WitnessAt, cosign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOG = SigningKey("log.example/1", ED25519, b"l" * 32)
WITNESS = SigningKey("witness.example/1", COSIGNATURE, b"w" * 32)
POINT = Checkpoint(LOG.name, 5, bytes(32))
SIZE = "Content-Type: text/x.tlog.size\r\n"
#: Head and body of an answer, the second without an end where it is None; and what is said of it.
ANSWERS: dict[str, tuple[str, bytes | None, str]] = {
    "a size of 5,000 digits": (f"409 Conflict\r\n{SIZE}Content-Length: 5000\r\n", b"9" * 5000, ": 409: 999"),
    "a size in other digits": (f"409 Conflict\r\n{SIZE}Content-Length: 2\r\n", b"\xc2\xb2", ": 409: "),
    "a size it said before": (f"409 Conflict\r\n{SIZE}Content-Length: 1\r\n", b"3", ": 409: 3"),
    "a body of 3 GB": (f"200 OK\r\nContent-Length: {3 << 30}\r\n", b"x" * (1 << 20), "more than 65536 bytes"),
    "a packed body": (
        "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n",
        b"abc",
        "not a signed note",
    ),
    "a length that is none": ("200 OK\r\nContent-Length: abc\r\n", b"", "witness.example/1 at http"),
    "no HTTP": ("\x00\xff", b"", "does not answer"),
    "a body that drips": ("200 OK\r\nContent-Length: 1000000\r\n", None, "not answered within 1 seconds"),
    "a head that drips": ("200 OK\r\nX: ", None, "not answered within 1 seconds"),
}


@contextlib.contextmanager
def hostile(head: str, body: bytes | None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            end = "" if head.endswith("X: ") else "\r\n"
            with contextlib.suppress(OSError):
                self.wfile.write(f"HTTP/1.1 {head}{end}".encode("latin-1"))
                if body is not None:
                    self.wfile.write(body)
                until = time.monotonic() + 4
                while body is None and time.monotonic() < until:
                    self.wfile.write(b"x")
                    time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("what", ANSWERS)
def test_a_hostile_witness_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(witnessing, "WHOLE_SECONDS", 1.0)
    head, body, says = ANSWERS[what]
    text = POINT.text()
    kept = Kept(tmp_path / "checkpoints" / "1.checkpoint", POINT, Note(text, (LOG.sign(text),)))
    with hostile(head, body) as url:
        begun = time.monotonic()
        with pytest.raises(LedgerError) as raised:
            cosign(lambda _old, _new: [], kept, [WitnessAt(WITNESS.verifier, url)])
        assert time.monotonic() - begun < 3
    assert says in str(raised.value)
    assert not kept.path.exists(), "nothing was cosigned"
