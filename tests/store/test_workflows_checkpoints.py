"""Checkpoints of a real ledger: signed from the contract's root, cosigned over HTTP, and never on a fork."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from house import House, event
from nodes import free_port
from parts import parts
from sqlalchemy import update

from ledger.audit.verifier import Trusted, verify_evidence
from ledger.crypto.notes import MAX_SIGNATURES, BadNote, Line, Note, SigningKey, VerifierKey, verify_note
from ledger.domain.parties import parse_party
from ledger.errors import BadProof, BadValue
from ledger.store import index
from ledger.workflows.audit_kept import kept_checkpoints_of
from ledger.workflows.auditing import audit
from ledger.workflows.checkpoints import Forked, consistency, make_checkpoint, operator_key, origin
from ledger.workflows.kept_checkpoints import CheckpointsLost, keep, kept_checkpoints, read_checkpoint
from ledger.workflows.proving import prove
from ledger.workflows.witness import open_witness
from ledger.workflows.witness_memory import log_id
from ledger.workflows.witness_server import make_witness_server
from ledger.workflows.witnessing import WitnessAt, WitnessRefused, WitnessUnavailable, cosign, parse_witness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = "uscc:9144030071526726XG"


@pytest.fixture
def ledger(house: House, tmp_path: Path) -> Any:
    """The parts a checkpoint is made from, with three records on the chain."""
    write(house, "A", "B", "C")
    return parts(house, tmp_path)


def write(house: House, *references: str) -> None:
    """Post records, each a run of its own."""
    for each in references:
        house.accept(event(each, parse_party(ONE)))
        house.sender().drain()
    house.follower().catch_up()


@contextmanager
def witnessing(ledger: Any, folder: Path, said: list[str]) -> Iterator[WitnessAt]:
    """A witness of this ledger's log, on a real socket."""
    witness = open_witness(
        folder, f"witness.example/{folder.name}", [operator_key(ledger).verifier], said.append
    )
    server = make_witness_server(witness, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield WitnessAt(witness.key.verifier, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()


def test_a_checkpoint_is_the_contracts_root_signed_once(house: House, ledger: Any) -> None:
    first = make_checkpoint(ledger)
    assert first.checkpoint[:3] == (origin(house.deployment), 3, ledger.contracts.root())
    assert make_checkpoint(ledger).note == first.note, "the log has not moved"
    write(house, "D")
    second = make_checkpoint(ledger)
    assert second.checkpoint.size == 4
    assert [each.checkpoint.size for each in kept_checkpoints(ledger.settings.data_dir)] == [3, 4]
    key = operator_key(ledger).verifier
    assert VerifierKey.parse(str(key)) == key
    assert [each.key for each in verify_note(second.note, [key])] == [key]


def test_a_rewritten_log_is_not_signed(house: House, ledger: Any) -> None:
    kept = make_checkpoint(ledger)
    lie = kept.checkpoint._replace(root=bytes(32))
    keep(kept._replace(note=Note(lie.text(), (operator_key(ledger).sign(lie.text()),))))
    with pytest.raises(Forked, match="log size: two states for 3"):
        make_checkpoint(ledger)
    write(house, "D")
    with pytest.raises(Forked, match="size 3"):
        make_checkpoint(ledger)


def test_a_log_that_shrank_is_not_signed(ledger: Any) -> None:
    kept = make_checkpoint(ledger)
    larger = kept.checkpoint._replace(size=9)
    note = Note(larger.text(), (operator_key(ledger).sign(larger.text()),))
    keep(kept._replace(path=kept.path.with_name("000000000999-0000000000.checkpoint"), note=note))
    with pytest.raises(Forked, match="log size: 9 in the earlier checkpoint, 3 in the later one"):
        make_checkpoint(ledger)


def test_kept_checkpoints_that_are_all_lost_are_no_beginning(house: House, ledger: Any) -> None:
    first = make_checkpoint(ledger)
    note = first.path.read_bytes()
    first.path.unlink()
    write(house, "D")
    with pytest.raises(CheckpointsLost, match=r"holds no checkpoint, and this ledger has signed some"):
        make_checkpoint(ledger)
    day = ledger.cards[0].effective_on
    assert verify_evidence(prove(ledger, ONE, day)).checkpoint is None, "evidence goes without"
    (told,) = kept_checkpoints_of(ledger).found
    assert told.what == "kept checkpoints"
    assert "this ledger has signed some" in told.why
    # Put back from wherever one is, it is what the next one is compared with.
    first.path.write_bytes(note)
    assert make_checkpoint(ledger).checkpoint.size == 4
    for path in first.path.parent.iterdir():
        path.unlink()
    (ledger.settings.data_dir / "checkpoints.known").unlink()
    assert make_checkpoint(ledger).checkpoint.size == 4, "a person has looked"


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\xff\xfe", None], ids=repr)
def test_a_damaged_kept_checkpoint_is_named(ledger: Any, damage: bytes | None) -> None:
    path = make_checkpoint(ledger).path
    if damage is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(damage)
    for read in (partial(make_checkpoint, ledger), partial(kept_checkpoints, ledger.settings.data_dir)):
        with pytest.raises(BadNote, match=re.escape(str(path))):
            read()
    assert verify_evidence(prove(ledger, ONE, ledger.cards[0].effective_on)).checkpoint is None


def test_the_audit_holds_the_log_to_a_kept_checkpoint(house: House, ledger: Any, tmp_path: Path) -> None:
    kept = make_checkpoint(ledger)
    write(house, "D", "E")
    old = tmp_path / "kept by an auditor"
    old.write_text(str(kept.note))
    found = read_checkpoint(old, origin(house.deployment), [operator_key(ledger).verifier])
    report = audit(ledger, checkpoints=[(found.size, found.root)])
    assert report.ok, report.to_text()
    assert report.checked["checkpoints"] == 1
    (told,) = audit(ledger, checkpoints=[(found.size, bytes(32))]).deviations
    assert (told.what, told.where) == ("checkpoint differs", "log of size 3")
    (told,) = audit(ledger, checkpoints=[(99, found.root)]).deviations
    assert told.what == "log shorter than a checkpoint"


def test_a_checkpoint_of_another_log_or_with_a_forged_signature_is_refused(
    ledger: Any, tmp_path: Path
) -> None:
    kept, path = make_checkpoint(ledger), tmp_path / "file"
    path.write_text(str(kept.note))
    with pytest.raises(BadProof, match="a checkpoint of the log"):
        read_checkpoint(path, "eip155:1:0x00")
    line = kept.note.lines[0]
    path.write_text(str(kept.note._replace(lines=(line._replace(signature=bytes(64)),))))
    with pytest.raises(BadProof, match="does not verify"):
        read_checkpoint(path, kept.checkpoint.origin, [operator_key(ledger).verifier])
    with pytest.raises(BadValue, match="No such file"):
        read_checkpoint(tmp_path / "none", kept.checkpoint.origin)


def test_witnesses_cosign_as_the_log_grows_and_evidence_carries_it(
    house: House, ledger: Any, tmp_path: Path
) -> None:
    said: list[str] = []
    with witnessing(ledger, tmp_path / "w1", said) as one, witnessing(ledger, tmp_path / "w2", said) as two:
        cosign(partial(consistency, ledger), make_checkpoint(ledger), [one])
        write(house, "D", "E")
        kept = cosign(partial(consistency, ledger), make_checkpoint(ledger), [one, two])
        again = cosign(partial(consistency, ledger), make_checkpoint(ledger), [one, two])
    keys = [operator_key(ledger).verifier, one.key, two.key]
    assert [each.key for each in verify_note(kept.note, keys)] == keys
    assert len(again.note.lines) == 3, "one line a witness, the latest"
    found = verify_evidence(prove(ledger, ONE, ledger.cards[0].effective_on), Trusted(keys=keys, quorum=2))
    assert found.checkpoint
    assert len(found.checkpoint.signed) == 3
    assert said == []


def test_a_forked_chain_is_caught_by_the_witness(house: House, ledger: Any, tmp_path: Path) -> None:
    """The operator rewrites what it showed before, forgets its own checkpoints, and signs the new history."""
    said: list[str] = []
    with witnessing(ledger, tmp_path / "w1", said) as witness:
        kept = cosign(partial(consistency, ledger), make_checkpoint(ledger), [witness])
        lie = kept.checkpoint._replace(root=bytes(32))
        forged = kept._replace(
            checkpoint=lie, note=Note(lie.text(), (operator_key(ledger).sign(lie.text()),))
        )
        with pytest.raises(WitnessRefused, match="has forked"):
            cosign(partial(consistency, ledger), forged, [witness])
        assert "FORK" in said[0]
        name = log_id(kept.checkpoint.origin)
        assert lie.text() in (tmp_path / "w1" / f"{name}.fork").read_text()
        write(house, "D")
        kept.path.unlink()
        kept.path.parent.with_name("checkpoints.known").unlink()
        with pytest.raises(WitnessRefused, match="a person must look"):
            cosign(partial(consistency, ledger), make_checkpoint(ledger), [witness])


def test_an_index_rewritten_after_a_checkpoint_is_caught_by_the_witness(
    house: House, ledger: Any, tmp_path: Path
) -> None:
    with witnessing(ledger, tmp_path / "w1", []) as witness:
        cosign(partial(consistency, ledger), make_checkpoint(ledger), [witness])
        write(house, "D")
        kept = make_checkpoint(ledger)
        with house.database.write_index() as connection:
            connection.execute(update(index.runs).where(index.runs.c.leaf_index == 0).values(head=bytes(32)))
        with pytest.raises(WitnessRefused, match="422"):
            cosign(partial(consistency, ledger), kept, [witness])


def test_a_witness_that_is_not_there_or_is_another(ledger: Any, tmp_path: Path) -> None:
    kept = make_checkpoint(ledger)
    with witnessing(ledger, tmp_path / "w1", []) as witness:
        other = SigningKey(witness.key.name, witness.key.kind, b"o" * 32).verifier
        with pytest.raises(WitnessRefused, match="another key"):
            cosign(partial(consistency, ledger), kept, [witness._replace(key=other)])
    with pytest.raises(WitnessUnavailable, match="does not answer"):
        cosign(partial(consistency, ledger), kept, [witness._replace(url=f"http://127.0.0.1:{free_port()}")])


def test_how_a_witness_is_named(ledger: Any) -> None:
    key = SigningKey("witness.example/w", 4, bytes(32)).verifier
    assert parse_witness(f"{key}@https://w.example/prefix/") == WitnessAt(key, "https://w.example/prefix")
    for text in (str(key), f"{key}@ftp://w.example", f"{operator_key(ledger).verifier}@http://w.example"):
        with pytest.raises(BadValue):
            parse_witness(text)


def test_many_at_once_sign_one_checkpoint(ledger: Any) -> None:
    found: list[str] = []
    day = ledger.cards[0].effective_on
    calls = [
        lambda: found.append(str(make_checkpoint(ledger).note)),
        lambda: found.append(prove(ledger, ONE, day).hex()),
    ]
    threads = [threading.Thread(target=calls[n % 2]) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (kept,) = kept_checkpoints(ledger.settings.data_dir)
    assert found.count(str(kept.note)) == 4
    assert len(found) == 8
    assert len(set(found)) == 2


def test_lines_of_two_verbs_at_once_are_both_kept(ledger: Any, tmp_path: Path) -> None:
    """Each began with the note as it was, and the slower one does not write over the faster one's line."""
    kept = make_checkpoint(ledger)
    with witnessing(ledger, tmp_path / "a", []) as one, witnessing(ledger, tmp_path / "b", []) as two:
        proof = partial(consistency, ledger)
        cosign(proof, kept, [one])
        last = cosign(proof, kept, [two])
    assert [each.name for each in last.note.lines] == [kept.checkpoint.origin, one.key.name, two.key.name]
    (found,) = kept_checkpoints(ledger.settings.data_dir)
    assert found.note == last.note
    # Signed once more as it is, as when nothing has moved and the clock stands still: the lines stay.
    assert keep(kept).note == last.note


def test_more_lines_than_are_read_back_are_not_kept(ledger: Any) -> None:
    kept = make_checkpoint(ledger)
    many = tuple(Line(f"w{n}", b"abcd", b"z") for n in range(MAX_SIGNATURES))
    with pytest.raises(BadNote, match="65 signatures"):
        keep(kept._replace(note=kept.note._replace(lines=many)))
    assert kept_checkpoints(ledger.settings.data_dir)[-1].note == kept.note
