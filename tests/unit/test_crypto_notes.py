"""Signed notes, cosignatures and checkpoints: the vectors of another implementation, and every way to be wrong."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from c2sp_vectors import check_bundle

from ledger.crypto.checkpoints import (
    Authorities,
    BlockLine,
    Checkpoint,
    Counted,
    Statement,
    origin_of,
    parse_checkpoint,
)
from ledger.crypto.notes import (
    COSIGNATURE,
    ED25519,
    BadNote,
    Note,
    NotSigned,
    SigningKey,
    VerifierKey,
    open_note,
    parse_lines,
    parse_note,
    verify_note,
)
from ledger.errors import BadProof, BadValue

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "c2sp.json").read_text())
LOG = SigningKey("ledger.example/log", ED25519, bytes(32))
WITNESS = SigningKey("witness.example/w", COSIGNATURE, bytes([1]) * 32)
STATEMENT = Statement(
    BlockLine(99, bytes(32), 1_790_000_000),
    1_790_000_009,
    Counted(5, b"h" * 32),
    Authorities(2, 6, b"a" * 32),
    Counted(3, b"o" * 32),
    Counted(1, b"s" * 32),
)
POINT = Checkpoint(LOG.name, 12, bytes(range(32)), STATEMENT)
LINES = POINT.text().split("\n")[3:-1]


def signed() -> bytes:
    text = POINT.text()
    return str(Note(text, (LOG.sign(text), WITNESS.sign(text, 1_790_000_000)))).encode()


def test_what_another_implementation_made_holds() -> None:
    check_bundle(VECTORS)


def test_a_signed_checkpoint_comes_back_with_who_signed_it() -> None:
    note, found = open_note(signed(), [WITNESS.verifier, LOG.verifier])
    assert parse_checkpoint(note.text) == POINT
    assert [(each.key, each.time) for each in found] == [
        (LOG.verifier, None),
        (WITNESS.verifier, 1_790_000_000),
    ]
    assert str(note).encode() == signed()


def test_signatures_of_unknown_keys_are_skipped_and_not_enough() -> None:
    other = SigningKey(LOG.name, ED25519, bytes([7]) * 32)
    note, found = open_note(signed(), [LOG.verifier, other.verifier])
    assert [each.key for each in found] == [LOG.verifier]
    with pytest.raises(NotSigned, match=r"ledger\.example"):
        open_note(signed(), [other.verifier])
    assert verify_note(note, []) == ()


def test_a_key_of_one_kind_does_not_pass_for_the_other() -> None:
    as_log = VerifierKey(WITNESS.name, ED25519, WITNESS.verifier.public)
    with pytest.raises(NotSigned):
        open_note(signed(), [as_log])


def test_the_same_signature_twice_counts_once() -> None:
    note = parse_note(signed())
    doubled = note._replace(lines=note.lines + note.lines)
    assert len(verify_note(doubled, [LOG.verifier, WITNESS.verifier])) == 2


def test_every_changed_byte_is_refused_or_changes_nothing() -> None:
    data, keys, chance = signed(), [LOG.verifier, WITNESS.verifier], random.Random(5)
    for place in range(len(data)):
        for _ in range(3):
            changed = bytearray(data)
            changed[place] ^= 1 << chance.randrange(8)
            try:
                note, found = open_note(bytes(changed), keys)
            except BadProof:
                continue
            # A changed name or key id makes a line unknown; what is still signed says the same.
            assert note.text == POINT.text()
            assert len(found) == 1


def test_a_cosignature_is_of_its_time() -> None:
    note = parse_note(signed())
    line = note.lines[1]
    later = line._replace(signature=(1_790_000_001).to_bytes(8, "big") + line.signature[8:])
    with pytest.raises(BadNote, match="does not verify"):
        verify_note(note._replace(lines=(later,)), [WITNESS.verifier])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAAA",
        b"text\n\n- name AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 na me AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 na+me AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAB=\n",
        b"text\n\n\xe2\x80\x94 name !!!!\n",
        b"te\rxt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"text\n\n" + b"\xe2\x80\x94 name AAAAAAAA\n" * 65,
        b"x" * 70_000 + b"\n\n\xe2\x80\x94 name AAAAAAAA\n",
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(BadNote):
        parse_note(data)


def test_lines_alone_are_read_as_a_witness_answers() -> None:
    line = WITNESS.sign(POINT.text(), 5)
    assert parse_lines(str(line).encode()) == (line,)
    with pytest.raises(BadNote):
        parse_lines(b"no line\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        "name+00000000+AAAA",
        str(LOG.verifier).replace("+A", "+B"),
        str(LOG.verifier)[:-2],
        str(LOG.verifier).replace("ledger", "ledgre"),
        " " + str(LOG.verifier).replace("ledger", "led ger"),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        VerifierKey.parse(text)


@pytest.mark.parametrize("key", [LOG, WITNESS], ids=["log", "witness"])
def test_a_key_is_read_as_it_is_written(key: SigningKey) -> None:
    assert VerifierKey.parse(str(key.verifier)) == key.verifier


@pytest.mark.parametrize(
    "text",
    [
        "origin\n12\n",
        "origin\n012\n" + POINT.text().split("\n")[2] + "\n",
        "origin\n-1\n" + POINT.text().split("\n")[2] + "\n",
        "origin\n12\nAAAA\n",
        "\n12\n" + POINT.text().split("\n")[2] + "\n",
        POINT.text() + "\n",
        POINT.text() + "block 100 " + "00" * 32 + " 5\n",
        *(POINT.text() + line + "\n" for line in LINES),
        *(POINT.text().replace(line + "\n", "") for line in LINES),
        *(POINT.text().replace(line, line + " ") for line in LINES),
        *(POINT.text().replace(line, re.sub(r" (\d)", r" 0\1", line, count=1)) for line in LINES),
        POINT.text().replace("heads 5", "heads 0"),
        POINT.text().replace("heads 5", "heads +5"),
        POINT.text().replace("heads 5", "heads 5_0"),
        POINT.text().replace("68" * 32, "68" * 31),
        POINT.text().replace("68" * 32, "6A" * 32),
        POINT.text() + "block of ice\n",
        POINT.text()[:-1],
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse_checkpoint(text)


def test_foreign_extension_lines_are_let_be() -> None:
    assert parse_checkpoint(POINT.text() + "blocks of ice\nmore\n") == POINT
    foreign = POINT._replace(statement=None)
    assert parse_checkpoint(foreign.text() + "more\n") == foreign
    empty = POINT._replace(statement=STATEMENT._replace(heads=None, objections=None))
    assert parse_checkpoint(empty.text()) == empty


def test_the_origin_is_the_contracts_account_on_its_chain() -> None:
    """Address and its capitals: an example of ERC-55."""
    contract = bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
    found = origin_of(1, b"g" * 32, contract)
    assert found == "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed/" + "67" * 32


@pytest.mark.parametrize("text", ["no newline", "tab\there\n"])
def test_what_cannot_be_a_text_is_not_signed(text: str) -> None:
    with pytest.raises(BadValue):
        LOG.sign(text)
