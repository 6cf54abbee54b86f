"""A witness: it holds the last checkpoint it cosigned of each log, and cosigns what provably extends it.

Source: C2SP tlog-witness (`add-checkpoint`) and tlog-cosignature. What it has cosigned is in its `Memory`:
the check against it and the write are one step, under a lock that other processes respect too, and the file
is on the disk before a signature leaves. A log has forked that signs two roots for one size, or two states
that cannot follow one another (`check_successor`): the alarm keeps both notes, which together are the proof,
and the witness cosigns nothing of that log again until a person has removed the alarm. A proof that does not
verify is kept as a suspicion, until the same statement is proven: anybody may send a wrong proof.

A witness that follows a node (`recomputing`) cosigns nothing but what it has recomputed, and says so with a
second key, whose name ends in `/recomputed`.
"""

from __future__ import annotations

import binascii
import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.checkpoints import (
    Checkpoint,
    Forked,
    check_successor,
    may_follow,
    parse_checkpoint,
    times_apart,
)
from ledger.crypto.merkle import EMPTY_ROOT, verify_consistency
from ledger.crypto.notes import BadNote, Note, verify_note
from ledger.errors import BadProof, LedgerError, Misconfigured, NotWritable
from ledger.files import write_private
from ledger.workflows.recomputing import NodeDisagrees
from ledger.workflows.witness_memory import MANY, Memory, log_id
from ledger.workflows.witness_request import Request, parse_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ledger.crypto.notes import SigningKey, VerifierKey
    from ledger.workflows.recomputing import Recomputer

MAX_BODY: Final = 128 * 1024
_TEXT: Final = "text/plain; charset=utf-8"
_SIZE: Final = "text/x.tlog.size"


class Answer(NamedTuple):
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = _TEXT


class Witness:
    """One witness: its memory, and the logs it knows by origin, each with its keys.

    `alarm` hears of a fork or a suspicion, in a sentence. With `recomputers`, by origin, nothing is cosigned
    but what they bear out. Thread-safe.
    """

    def __init__(
        self,
        memory: Memory,
        logs: Mapping[str, Sequence[VerifierKey]],
        alarm: Callable[[str], None],
        recomputers: Mapping[str, Recomputer],
    ) -> None:
        self._memory = memory
        self._logs = logs
        self._alarm = alarm
        self._recomputers = recomputers

    @property
    def key(self) -> SigningKey:
        """Its key."""
        return self._memory.key

    @property
    def second(self) -> SigningKey | None:
        """Its key for what it recomputed, if it follows a node."""
        return self._memory.second

    def latest(self, log: str) -> Note | None:
        """Return the last note cosigned of the log with this id, or None. Raises as `Memory.latest`."""
        return self._memory.latest(log)

    def add_checkpoint(self, body: bytes, now: int) -> Answer:
        """Answer one `add-checkpoint` at the time `now`, Unix seconds."""
        try:
            request = parse_request(body)
        except BadProof as error:
            return _said(400, str(error))
        keys = self._logs.get(request.checkpoint.origin)
        if keys is None:
            return _said(404, f"unknown log {request.checkpoint.origin}")
        try:
            signed = verify_note(request.note, keys)
        except BadNote as error:
            return _said(403, str(error))
        if not signed:
            return _said(403, "no key known for this log signed the checkpoint")
        if request.old > request.checkpoint.size:
            return _said(400, "the old size is above the checkpoint's")
        try:
            with self._memory.lock():
                return self._decide(request._replace(note=_own_lines(request.note, keys)), now)
        except Misconfigured as error:
            self._alarm(f"MEMORY: {error}")
            return _said(500, "this witness has lost what it cosigned of this log: a person must look at it")
        except NotWritable as error:
            self._alarm(f"MEMORY: {error}: {error.why}")
            return _said(503, "this witness cannot keep what it would cosign, and so cosigns nothing")

    def _decide(self, request: Request, now: int) -> Answer:
        point, name = request.checkpoint, log_id(request.checkpoint.origin)
        if self._memory.proof(name, "fork").exists():
            return _said(409, "this log has forked before: a person must look at it")
        held = self._memory.held(name)
        last = parse_checkpoint(held.text) if held else Checkpoint(point.origin, 0, EMPTY_ROOT)
        if last.size == point.size and last.root != point.root:
            self._raise_alarm("fork", request, held)
            return _said(409, "another root was signed for this size: the log has forked")
        if request.old != last.size:
            return Answer(409, f"{last.size}\n".encode(), _SIZE)
        try:
            verify_consistency(last.size, point.size, request.proof, last.root, point.root)
        except BadProof as error:
            if 0 < last.size < point.size:  # of nothing, or of the same root, there is nothing to suspect
                self._raise_alarm("suspicion", request, held, _log_of(point))
            return _said(422, str(error))
        refused = self._follows(last, request, held) or _timely(point, now) or self._recomputed(request)
        return refused or self._cosign(request, name, now)

    def _follows(self, last: Checkpoint, request: Request, held: Note | None) -> Answer | None:
        """Refuse what cannot come after the last checkpoint; raise the alarm unless it came before it."""
        point = request.checkpoint
        try:
            check_successor(last, point)
        except Forked as error:
            if may_follow(point, last) or may_follow(last, _signed_no_earlier(point, last)):
                return _said(409, f"a later checkpoint of this log is cosigned already: {error}")
            self._raise_alarm("fork", request, held)
            return _said(409, f"the ledger has forked: {error}")
        return None

    def _recomputed(self, request: Request) -> Answer | None:
        """Refuse what the witness's own node does not bear out."""
        point = request.checkpoint
        if self.second is None:
            return None
        recomputer = self._recomputers.get(point.origin)
        if recomputer is None:
            return _said(403, "this witness follows no node of this log's chain")
        known = point.text().split("\n")
        foreign = [each for each in request.note.text.split("\n") if each not in known]
        if request.note.text != point.text():
            return _said(403, f"lines that this witness does not recompute: {foreign[:1] or 'their order'}")
        try:
            recomputer.check(point)
        except BadProof as error:
            self._raise_alarm("differs", request, None, point.text())
            return _said(409, f"not what this witness recomputed: {error}")
        except LedgerError as error:
            if isinstance(error, NodeDisagrees):
                self._alarm(f"NODE: {error}")
            return _said(503, f"not recomputed, try again later: {error}")
        return None

    def _cosign(self, request: Request, name: str, now: int) -> Answer:
        text = request.note.text
        lines = [each.sign(text, now) for each in (self.key, self.second) if each is not None]
        try:
            self._memory.keep(name, Note(text, (*request.note.lines, *lines)))
        except BadNote as error:
            return _said(400, f"this witness could not keep it: {error}")
        except OSError as error:
            self._alarm(f"MEMORY: {self._memory.folder} cannot be written: {error.strerror}")
            return _said(503, "this witness cannot keep what it would cosign, and so cosigns nothing")
        with contextlib.suppress(OSError):
            self._memory.proof(name, "suspicion", _log_of(request.checkpoint)).unlink(missing_ok=True)
        return Answer(200, "".join(map(str, lines)).encode())

    def _raise_alarm(self, kind: str, request: Request, held: Note | None, of: str = "") -> None:
        """Keep what was cosigned and what was asked for, as they are, and say so.

        The first of each statement is the proof, and nobody writes over it.
        """
        origin, size = request.checkpoint[:2]
        path = self._memory.proof(log_id(origin), kind, of)
        if path.exists() and kind == "suspicion":
            return  # said before, and anybody can send it again
        self._alarm(f"{kind.upper()}: log {origin}, size {size}: both notes are in {path}")
        if path.exists():
            return
        proof = "".join(binascii.b2a_base64(each).decode() for each in request.proof)
        content = (
            f"cosigned before:\n{held or ''}\nasked for, old {request.old}, proof\n{proof}\n{request.note}"
        )
        why = f"{MANY} are kept already" if self._memory.full(log_id(origin), kind) else ""
        try:
            if not why:
                write_private(path, content.encode())
        except OSError as error:
            why = str(error.strerror)
        if why:
            self._alarm(f"MEMORY: {path} cannot be written: {why}; the note is:\n{request.note}")


def open_witness(
    folder: Path,
    name: str,
    keys: Sequence[VerifierKey],
    alarm: Callable[[str], None],
    recomputers: Sequence[Recomputer] = (),
) -> Witness:
    """Open a witness's folder to witness the logs that these keys sign. A key's name is its log's origin.

    With `recomputers` it cosigns what they bear out and nothing else. Raises as `Memory`.
    """
    logs: dict[str, list[VerifierKey]] = {}
    for each in keys:
        logs.setdefault(each.name, []).append(each)
    memory = Memory(folder, name, recomputes=bool(recomputers))
    return Witness(memory, logs, alarm, {each.origin: each for each in recomputers})


def _own_lines(note: Note, keys: Sequence[VerifierKey]) -> Note:
    """The note with the log's own lines, which were verified, one of each key."""
    known = {(each.name, each.key_id) for each in keys}
    first = {(each.name, each.key_id): each for each in reversed(note.lines)}
    return note._replace(lines=tuple(each for key, each in first.items() if key in known))


def _log_of(point: Checkpoint) -> str:
    """What a consistency proof is about: the log, without the lines of a ledger."""
    return point._replace(statement=None).text()


def _timely(point: Checkpoint, now: int) -> Answer | None:
    """Refuse a time of signing that cannot be right, a wrong clock's; a log of other make does not say."""
    apart = times_apart(point.statement, now) if point.statement else None
    return _said(503, f"this witness dates what it cosigns: {apart}") if apart else None


def _signed_no_earlier(point: Checkpoint, last: Checkpoint) -> Checkpoint:
    """The same checkpoint as if signed when the last one was: a clock set back makes no fork."""
    if point.statement is None or last.statement is None:
        return point
    later = max(point.statement.time, last.statement.time)
    return point._replace(statement=point.statement._replace(time=later))


def _said(status: int, message: str) -> Answer:
    return Answer(status, message.encode() + b"\n")
