"""A witness, by the statuses of C2SP tlog-witness, its memory, its alarm, and over a real socket."""

from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING

import pytest

from ledger.crypto.checkpoints import Checkpoint, parse_checkpoint
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.crypto.notes import (
    ED25519,
    MAX_BYTES,
    MAX_SIGNATURES,
    Line,
    Note,
    SigningKey,
    parse_lines,
    verify_note,
)
from ledger.errors import Misconfigured
from ledger.workflows.witness import MAX_BODY, Witness, open_witness
from ledger.workflows.witness_memory import log_id
from ledger.workflows.witness_request import request_body
from ledger.workflows.witness_server import make_witness_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORIGIN = "ledger.example/log"
LOG = SigningKey(ORIGIN, ED25519, b"k" * 32)
NOW = 1_790_000_000
MANY = {"short": MAX_SIGNATURES - 1, "long": 0}
TREE = Tree(leaf_hash(b"%d" % n) for n in range(20))
FORKED = Tree(leaf_hash(b"%d" % (n if n < 4 else n + 100)) for n in range(20))


def checkpoint(size: int, tree: Tree = TREE, key: SigningKey = LOG, origin: str = ORIGIN) -> Note:
    text = Checkpoint(origin, size, tree.root(size)).text()
    return Note(text, (key.sign(text),))


def ask(old: int, size: int, tree: Tree = TREE) -> bytes:
    return request_body(old, tree.consistency_proof(old, size), checkpoint(size, tree))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def fresh(tmp_path: Path, said: list[str]) -> Callable[[], Witness]:
    """Open the same witness, as often as asked."""
    return lambda: open_witness(tmp_path / "w", "witness.example/w", [LOG.verifier], said.append)


@pytest.fixture
def witness(fresh: Callable[[], Witness]) -> Witness:
    return fresh()


@pytest.mark.parametrize("text", ["short", "long"])
def test_lines_that_anybody_adds_do_not_spoil_what_is_kept(
    witness: Witness, fresh: Callable[[], Witness], text: str
) -> None:
    made = checkpoint(5)
    if text == "long":
        longer = made.text + "x" * (MAX_BYTES - len(str(made).encode()) - 50) + "\n"
        made = Note(longer, (LOG.sign(longer),))
    padded = made._replace(lines=(*made.lines, *(Line(f"x{n}", b"1234", b"5") for n in range(MANY[text]))))
    answer = witness.add_checkpoint(request_body(0, [], padded), NOW)
    assert answer.status == (200 if text == "short" else 400)
    assert fresh().add_checkpoint(ask(0, 5) if text == "long" else ask(5, 12), NOW).status == 200


def test_what_extends_the_last_checkpoint_is_cosigned(witness: Witness) -> None:
    for old, size in [(0, 5), (5, 12), (12, 12), (12, 20)]:
        answer = witness.add_checkpoint(ask(old, size), NOW + size)
        assert (answer.status, answer.content_type[:10]) == (200, "text/plain")
        (line,) = parse_lines(answer.body)
        note = checkpoint(size)
        (signed,) = verify_note(Note(note.text, (line,)), [witness.key.verifier])
        assert signed.time == NOW + size


def test_it_remembers_over_a_restart_and_says_what_it_holds(fresh: Callable[[], Witness]) -> None:
    fresh().add_checkpoint(ask(0, 5), NOW)
    again = fresh()
    answer = again.add_checkpoint(ask(0, 12), NOW)
    assert answer == (409, b"5\n", "text/x.tlog.size")
    assert again.add_checkpoint(ask(5, 12), NOW).status == 200
    held = again.latest(log_id(ORIGIN))
    assert held
    assert parse_checkpoint(held.text).size == 12
    assert len(verify_note(held, [LOG.verifier, again.key.verifier])) == 2


def test_an_older_checkpoint_is_a_conflict_and_moves_nothing(witness: Witness) -> None:
    witness.add_checkpoint(ask(0, 12), NOW)
    assert witness.add_checkpoint(ask(0, 5), NOW) == (409, b"12\n", "text/x.tlog.size")
    assert witness.add_checkpoint(ask(5, 12), NOW).status == 409
    assert witness.add_checkpoint(ask(12, 20), NOW).status == 200


def test_a_wrong_proof_is_refused_and_kept_as_a_suspicion(
    witness: Witness, said: list[str], tmp_path: Path
) -> None:
    witness.add_checkpoint(ask(0, 5), NOW)
    wrong = request_body(5, TREE.consistency_proof(5, 11), checkpoint(12))
    assert witness.add_checkpoint(wrong, NOW).status == 422
    assert witness.add_checkpoint(request_body(5, [], checkpoint(12)), NOW).status == 422
    assert all("SUSPICION" in each for each in said)
    assert list((tmp_path / "w").glob(f"{log_id(ORIGIN)}.suspicion.*"))
    assert witness.add_checkpoint(ask(5, 12), NOW).status == 200, "a wrong proof by somebody stops nobody"
    assert not list((tmp_path / "w").glob("*.suspicion.*")), "what is proven is suspected no longer"


def test_a_forked_log_is_refused_whatever_it_proves(witness: Witness) -> None:
    """The proof is right for the other tree, which is not the one cosigned."""
    witness.add_checkpoint(ask(0, 5), NOW)
    assert witness.add_checkpoint(ask(5, 12, FORKED), NOW).status == 422


def test_two_roots_for_one_size_raise_the_alarm_for_good(
    fresh: Callable[[], Witness], said: list[str], tmp_path: Path
) -> None:
    witness = fresh()
    witness.add_checkpoint(ask(0, 12), NOW)
    assert witness.add_checkpoint(ask(12, 12, FORKED), NOW).status == 409
    assert said
    assert "FORK" in said[0]
    alarm = tmp_path / "w" / f"{log_id(ORIGIN)}.fork"
    kept = alarm.read_text()
    assert checkpoint(12).text in kept
    assert checkpoint(12, FORKED).text in kept
    assert fresh().add_checkpoint(ask(12, 20), NOW).status == 409, "not before a person has looked"
    alarm.unlink()
    assert fresh().add_checkpoint(ask(12, 20), NOW).status == 200


def test_an_unknown_log_an_unknown_key_and_a_forged_signature(witness: Witness) -> None:
    other = SigningKey(ORIGIN, ED25519, b"x" * 32)
    note = checkpoint(5)
    forged = note._replace(lines=(note.lines[0]._replace(signature=bytes(64)),))
    assert (
        witness.add_checkpoint(request_body(0, [], checkpoint(5, origin="other.example")), NOW).status == 404
    )
    assert witness.add_checkpoint(request_body(0, [], checkpoint(5, key=other)), NOW).status == 403
    assert witness.add_checkpoint(request_body(0, [], forged), NOW).status == 403
    assert witness.latest(log_id(ORIGIN)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 0\n\n",
        b"old 00\n\n" + str(checkpoint(5)).encode(),
        b"old -1\n\n" + str(checkpoint(5)).encode(),
        b"new 0\n\n" + str(checkpoint(5)).encode(),
        b"old 0\n!!!\n\n" + str(checkpoint(5)).encode(),
        b"old 0\n\xff\n\n" + str(checkpoint(5)).encode(),
        b"old 0\n" + b"AAAA\n" * 64 + b"\n" + str(checkpoint(5)).encode(),
        b"old 0\n\nno checkpoint\n",
        b"old 6\n\n" + str(checkpoint(5)).encode(),
    ],
)
def test_what_is_no_request_is_a_bad_one(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body, NOW).status == 400


def test_of_many_at_once_one_wins(witness: Witness) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(
            target=lambda size=size: found.append(witness.add_checkpoint(ask(0, size), NOW).status)
        )
        for size in range(1, 21)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == [200, *[409] * 19]


def test_a_witness_that_lost_its_key_does_not_go_on(fresh: Callable[[], Witness], tmp_path: Path) -> None:
    fresh().add_checkpoint(ask(0, 5), NOW)
    (tmp_path / "w" / "witness.key").unlink()
    with pytest.raises(Misconfigured, match="is missing"):
        fresh()


def test_over_http(witness: Witness) -> None:
    server = make_witness_server(witness, "127.0.0.1", 0, clock=lambda: NOW)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)

        def call(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, str | None]:
            line.request(method, path, body)
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers["Content-Type"]

        assert call("GET", f"/logs/{log_id(ORIGIN)}/checkpoint")[0] == 404
        assert call("POST", "/add-checkpoint", ask(0, 5))[0] == 200
        assert call("POST", "/add-checkpoint", ask(0, 12)) == (409, b"5\n", "text/x.tlog.size")
        status, body, _ = call("GET", f"/logs/{log_id(ORIGIN)}/checkpoint")
        assert (status, parse_checkpoint(body.decode().partition("\n\n")[0] + "\n").size) == (200, 5)
        assert call("GET", "/logs/../witness.key/checkpoint")[0] == 404
        assert call("POST", "/other", b"")[0] == 404
        line.close()
        assert call("POST", "/add-checkpoint", b"x" * (MAX_BODY + 1))[0] == 413
    finally:
        server.shutdown()
        server.server_close()
