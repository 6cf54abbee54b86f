"""What a witness is asked: the body of an `add-checkpoint` (C2SP tlog-witness), written and read."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.checkpoints import Checkpoint, parse_checkpoint
from ledger.crypto.notes import BadNote, Note, parse_note

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_PROOF: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


class Request(NamedTuple):
    """The size that the witness is thought to hold, the proof from there, and the note with what it says."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


def request_body(old: int, proof: Sequence[bytes], note: Note) -> bytes:
    """Return the body of an `add-checkpoint`."""
    lines = "".join(binascii.b2a_base64(each).decode() for each in proof)
    return f"old {old}\n{lines}\n{note}".encode()


def parse_request(body: bytes) -> Request:
    """Take a request apart. Raises `BadNote`."""
    head, between, rest = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
        proof = tuple(binascii.a2b_base64(each.encode(), strict_mode=True) for each in lines)
    except ValueError:
        raise BadNote("the proof is not lines of base64") from None
    found = _OLD.fullmatch(first)
    if not found or not between or len(proof) > _MAX_PROOF or any(len(each) != 32 for each in proof):
        raise BadNote("not: an old size, at most 63 proof lines, an empty line, a checkpoint")
    note = parse_note(rest)
    return Request(int(found[1]), proof, note, parse_checkpoint(note.text))
