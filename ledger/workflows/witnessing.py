"""Asking witnesses to cosign a checkpoint: any that speak C2SP tlog-witness, ours or others'."""

from __future__ import annotations

import http.client
import queue
import re
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import urllib3

from ledger.crypto.notes import COSIGNATURE, MAX_BYTES, BadNote, VerifierKey, parse_lines
from ledger.errors import BadProof, BadValue, ChainUnavailable
from ledger.workflows.kept_checkpoints import keep
from ledger.workflows.witness_request import request_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.crypto.notes import Line, Note
    from ledger.workflows.kept_checkpoints import Kept

    Proof = Callable[[int, int], list[bytes]]

#: Seconds in which a witness says something, and in which it has said everything.
_TIMEOUT: Final = 20.0
WHOLE_SECONDS: Final = 30.0
_NUMBER: Final = re.compile(rb"0|[1-9][0-9]{0,18}")


class WitnessUnavailable(ChainUnavailable):
    """A witness does not answer."""

    code = "witness-unavailable"


class WitnessRefused(BadProof):
    """A witness does not cosign: its answer says why."""

    code = "witness-refused"


class WitnessAt(NamedTuple):
    """A witness's key, and the address its calls are under."""

    key: VerifierKey
    url: str


def parse_witness(text: str) -> WitnessAt:
    """Read `VKEY@URL`. Raises `BadValue`."""
    key, found, rest = text.partition("@http")
    if not found or not rest.startswith(("://", "s://")):
        raise BadValue("witness", text, "not VKEY@URL")
    parsed = VerifierKey.parse(key)
    if parsed.kind != COSIGNATURE:
        raise BadValue("witness", text, "the key of a log, not of a witness (type 4)")
    return WitnessAt(parsed, "http" + rest.rstrip("/"))


def cosign(proof: Proof, kept: Kept, witnesses: Sequence[WitnessAt]) -> Kept:
    """Have the checkpoint cosigned by each witness and keep it with their lines.

    `proof` gives the log's consistency proof from one size to another. What one witness has signed is kept
    before the next is asked. Raises `WitnessUnavailable`, `WitnessRefused` (an answer that is none, too).
    """
    for witness in witnesses:
        line = _ask(proof, kept, witness)
        kept = keep(kept._replace(note=kept.note._replace(lines=(line,))))
    return kept


def _ask(proof: Proof, kept: Kept, witness: WitnessAt) -> Line:
    """Return the witness's line: at the second attempt if the first taught the size it holds."""
    size, old = kept.checkpoint.size, 0
    for _ in range(2):
        status, kind, body = _post(witness, request_body(old, proof(old, size), kept.note))
        if status == 200:
            return _own(witness, kept.note, body)
        held = body.strip()
        if status != 409 or kind != "text/x.tlog.size" or not _NUMBER.fullmatch(held) or int(held) > size:
            break
        old = int(held)
    raise WitnessRefused(
        f"{witness.key.name} at {witness.url}: {status}: {body.decode(errors='replace')[:200].strip()}"
    )


def _own(witness: WitnessAt, note: Note, body: bytes) -> Line:
    try:
        for line in parse_lines(body):
            if (line.name, line.key_id) == (witness.key.name, witness.key.key_id):
                witness.key.check(note.text, line.signature)
                return line
    except BadNote as error:
        raise WitnessRefused(f"{witness.key.name} at {witness.url}: no cosignature: {error}") from None
    raise WitnessRefused(f"{witness.url} signed with another key than {witness.key.name}'s")


def _post(witness: WitnessAt, body: bytes) -> tuple[int, str, bytes]:
    """Ask in a thread of its own: whatever drips in, of a name, a handshake or an answer, the wait ends."""
    found = queue.SimpleQueue[tuple[int, str, bytes] | Exception]()

    def ask() -> None:
        try:
            found.put(_exchange(f"{witness.url}/add-checkpoint", body))
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            found.put(error)

    threading.Thread(target=ask, daemon=True).start()
    who = f"{witness.key.name} at {witness.url}"
    try:
        answer = found.get(timeout=WHOLE_SECONDS)
    except queue.Empty:
        raise WitnessUnavailable(f"{who} has not answered within {WHOLE_SECONDS:.0f} seconds") from None
    if isinstance(answer, Exception):
        raise WitnessUnavailable(f"{who} does not answer: {answer}")
    if len(answer[2]) > MAX_BYTES:
        raise WitnessRefused(f"{who}: {answer[0]}: an answer of more than {MAX_BYTES} bytes")
    return answer


def _exchange(url: str, body: bytes) -> tuple[int, str, bytes]:
    answer = urllib3.request(
        "POST", url, body=body, timeout=_TIMEOUT, retries=False, redirect=False, preload_content=False
    )
    try:
        raw = answer.read(MAX_BYTES + 1, decode_content=False)
    finally:
        answer.close()
    return answer.status, answer.headers.get("Content-Type", ""), raw
