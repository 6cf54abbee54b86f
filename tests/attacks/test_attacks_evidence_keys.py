"""Whose signatures stand under an evidence file, and what each makes of the verdict."""

from __future__ import annotations

import json
import time

import pytest
from evidence_reader import CHAIN, KEY, READERS, Told, forged, made
from evidence_sample import (
    LOG_KEY,
    PLACE,
    RECOMPUTED,
    WITNESSES,
    checkpoint_of,
    full_sample,
    resealed,
    sample_chain,
    statement_of,
)
from honest_chain import Chain

from ledger.audit.signed import WrongKind
from ledger.crypto.checkpoints import Checkpoint, origin_of
from ledger.crypto.notes import COSIGNATURE, ED25519, MAX_SIGNATURES, Note, SigningKey, parse_note


def test_a_witnesss_key_as_the_logs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongKind, match="a witness's key: give it as --witness"):
        Told(capsys, full_sample(), keys=[READERS[0]])
    with pytest.raises(WrongKind, match="a log's key: give it as --key"):
        Told(capsys, full_sample(), witnesses=[KEY])


def test_another_logs_key_signs_for_this_one(capsys: pytest.CaptureFixture[str]) -> None:
    other = SigningKey("eip155:1:0x0/00", ED25519, b"o" * 32)
    note = parse_note(checkpoint_of(CHAIN).encode())
    lines = (other.sign(note.text), *note.lines[4:])
    data = made(CHAIN, checkpoint=str(Note(note.text, lines)))
    Told(capsys, data, keys=[str(other.verifier)]).refused("no checkpoint signed by")
    Told(capsys, data, keys=[KEY, str(other.verifier)]).refused("no checkpoint signed by")


def test_a_second_chain_from_one_keystore(capsys: pytest.CaptureFixture[str]) -> None:
    """The same chain id, contract and key; another first block: another log."""
    twin = SigningKey(origin_of(PLACE.chain_id, b"\1" * 32, PLACE.contract), ED25519, LOG_KEY.seed)
    text = Checkpoint(twin.name, CHAIN.log.size, CHAIN.log.root(), statement_of(CHAIN)).text()
    note = str(Note(text, (twin.sign(text), *(each.sign(text, 1_790_003_720) for each in RECOMPUTED))))
    Told(capsys, forged(lambda c: c.update(checkpoint=note))).refused("the checkpoint is of")


def test_one_witness_twice_and_under_two_names(capsys: pytest.CaptureFixture[str]) -> None:
    twin = SigningKey("witness.example/2/recomputed", COSIGNATURE, RECOMPUTED[0].seed)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    lines = (LOG_KEY.sign(text), RECOMPUTED[0].sign(text, 1_790_003_720), twin.sign(text, 1_790_003_720))
    data = made(CHAIN, checkpoint=str(Note(text, lines)))
    Told(capsys, data, witnesses=[READERS[0], str(twin.verifier)], quorum=2).refused(
        "1 of the known witnesses"
    )
    assert Told(capsys, data, witnesses=[READERS[0], READERS[0]]).code == 0


def test_quorum_nought_makes_nothing_complete(capsys: pytest.CaptureFixture[str]) -> None:
    note = parse_note(checkpoint_of(CHAIN).encode())
    data = made(CHAIN, checkpoint=str(note._replace(lines=note.lines[:1])))
    Told(capsys, data, quorum=0).unproven("only the operator vouches for it")


def test_a_witness_that_only_calls_itself_recomputing(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that the reader was not given means nothing, whatever it is."""
    own = SigningKey("witness.example/9/recomputed", COSIGNATURE, b"9" * 32)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    data = made(CHAIN, checkpoint=str(Note(text, (LOG_KEY.sign(text), own.sign(text, 1)))))
    told = Told(capsys, data, witnesses=[])
    told.unproven("only the operator vouches for it")
    assert "witness.example/9/recomputed: not checked, its key was not given" in told.text


def test_a_look_alike_witness_is_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:
    own = SigningKey("w\u0456tness.example/1", COSIGNATURE, b"9" * 32)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    data = made(CHAIN, checkpoint=str(Note(text, (LOG_KEY.sign(text), own.sign(text, 1)))))
    assert "w\\u0456tness.example/1" in Told(capsys, data, witnesses=[]).text


def test_nothing_signed_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, full_sample(), keys=[], witnesses=[])
    told.unproven("nothing here is signed: it proves nothing")
    assert "The evidence holds" not in told.text
    assert Told(capsys, full_sample(), keys=[], witnesses=[], allow_incomplete=True).code == 1


def test_a_checkpoint_without_a_statement_proves_no_completeness(capsys: pytest.CaptureFixture[str]) -> None:
    text = Checkpoint(LOG_KEY.name, CHAIN.log.size, CHAIN.log.root()).text()
    note = str(Note(text, (LOG_KEY.sign(text), *(each.sign(text, 1_790_003_720) for each in RECOMPUTED))))
    Told(capsys, forged(lambda c: c.update(checkpoint=note))).unproven("what is signed says nothing of heads")


@pytest.mark.parametrize("quorum", [0, -1])
def test_a_quorum_of_nobody_proves_nothing(capsys: pytest.CaptureFixture[str], quorum: int) -> None:
    Told(capsys, full_sample(), quorum=quorum).unproven("asks for nobody's word")


def test_the_logs_own_key_is_no_witness(capsys: pytest.CaptureFixture[str]) -> None:
    twin = SigningKey("witness.other/recomputed", COSIGNATURE, LOG_KEY.seed)
    content = json.loads(full_sample())
    note = parse_note(content["checkpoint"].encode())
    content["checkpoint"] = str(Note(note.text, (*note.lines, twin.sign(note.text, int(time.time())))))
    told = Told(capsys, resealed(content), witnesses=[str(twin.verifier)])
    told.unproven("only the operator vouches for it")


def test_cut_and_vouched_for_by_the_operator_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """The operator signs a statement over a cut record: nobody has recomputed it, and that is the verdict."""
    chain = Chain()
    chain.__dict__ |= {k: (list(v) if isinstance(v, list) else v) for k, v in sample_chain().__dict__.items()}
    text = Checkpoint(LOG_KEY.name, chain.log.size, chain.log.root(), statement_of(chain)).text()
    only = str(Note(text, (LOG_KEY.sign(text), *(each.sign(text, 1_790_003_720) for each in WITNESSES))))
    data = made(chain, checkpoint=only)
    Told(capsys, data, witnesses=[]).unproven("NOT proven complete: only the operator vouches for it")
    witnesses = [str(each.verifier) for each in WITNESSES]
    Told(capsys, data, witnesses=witnesses).unproven("NOT proven complete: only the operator vouches for it")
    assert Told(capsys, data, witnesses=[], allow_incomplete=True).code == 0


def test_one_signature_repeated_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    note = parse_note(checkpoint_of(CHAIN).encode())
    log, first = LOG_KEY.sign(note.text), RECOMPUTED[0].sign(note.text, 1_790_003_720)
    again = made(CHAIN, checkpoint=str(Note(note.text, (log, log, first, first, first, log))))
    told = Told(capsys, again, witnesses=READERS[:1])
    assert told.code == 0
    assert told.text.count("  signed by ") == 2
    Told(capsys, again, quorum=2).refused("1 of the known witnesses cosigned, and 2 are asked for")
    many = str(Note(note.text, (log, *[first] * MAX_SIGNATURES)))
    Told(capsys, forged(lambda c: c.update(checkpoint=many)), witnesses=READERS[:1]).refused("signatures")


def test_a_batchs_signature_repeated_costs_no_more_than_one(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(full_sample())
    content["signatures"] = [dict(content["signatures"][0]) for _ in range(5000)]
    begun = time.process_time()
    Told(capsys, resealed(content)).refused("signature-wrong")
    assert time.process_time() - begun < 3
