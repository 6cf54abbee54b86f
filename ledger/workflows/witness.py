"""A witness: it holds the last checkpoint it cosigned of each log, and cosigns what provably extends it.

Source: C2SP tlog-witness (`add-checkpoint`) and tlog-cosignature. Of each log it keeps one file with the last
note; the check against it and the write are one step, under a lock that other processes respect too. The
file is on the disk before a signature leaves. A log has forked that signs two roots for one size, or two
states that cannot follow one another (`check_successor`): the alarm keeps both notes, which together are the
proof, and the witness cosigns nothing of that log again until a person has removed the alarm. A proof that
does not verify is kept as a suspicion: anybody may send a wrong proof. A memory that is lost or damaged is
not begun anew: the witness would sign what it once refused.

A witness that follows a node (`recomputing`) cosigns nothing but what it has recomputed, and says so with a
second key, whose name ends in `/recomputed`.
"""

from __future__ import annotations

import binascii
import contextlib
import fcntl
import os
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.checkpoints import Checkpoint, Forked, check_successor, parse_checkpoint, times_apart
from ledger.crypto.merkle import EMPTY_ROOT, verify_consistency
from ledger.crypto.notes import COSIGNATURE, RECOMPUTED, BadNote, Note, SigningKey, parse_note, verify_note
from ledger.errors import BadProof, LedgerError, Misconfigured
from ledger.files import open_lock, write_private
from ledger.workflows.witness_request import Request, parse_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ledger.crypto.notes import VerifierKey
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
    """One witness: its key, the logs it knows by origin (each with its keys), and its folder.

    `alarm` hears of a fork or a suspicion, in a sentence. `second` are the key that says "recomputed" and
    what recomputes, by origin; with it, nothing else is cosigned. Thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        key: SigningKey,
        logs: Mapping[str, Sequence[VerifierKey]],
        alarm: Callable[[str], None],
        second: tuple[SigningKey, Mapping[str, Recomputer]] | None = None,
    ) -> None:
        self.key = key
        self.second = second
        self._folder = folder
        self._logs = logs
        self._alarm = alarm
        self._guard = threading.Lock()

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
        with self._locked():
            return self._decide(request, now)

    def latest(self, log_id: str) -> Note | None:
        """Return the last note cosigned of the log with this id (SHA-256 of its origin), or None.

        Raises `Misconfigured` where it is lost or damaged.
        """
        path = self._folder / f"{log_id}.checkpoint"
        if not path.exists():
            if (self._folder / f"{log_id}.known").exists():
                raise Misconfigured(f"{path} is missing, and this witness has cosigned that log before")
            return None
        try:
            note = parse_note(path.read_bytes())
            whole = verify_note(note, [self.key.verifier])
        except (OSError, BadNote) as error:
            raise Misconfigured(f"{path} cannot be read as what this witness cosigned: {error}") from None
        if not whole:
            raise Misconfigured(f"{path} is not what this witness cosigned: its own line is missing")
        return note

    def _decide(self, request: Request, now: int) -> Answer:
        point, name = request.checkpoint, log_id(request.checkpoint.origin)
        if (self._folder / f"{name}.fork").exists():
            return _said(409, "this log has forked before: a person must look at it")
        try:
            held = self.latest(name)
        except Misconfigured as error:
            self._alarm(f"MEMORY: {error}")
            return _said(500, "this witness has lost what it cosigned of this log: a person must look at it")
        last = parse_checkpoint(held.text) if held else Checkpoint(point.origin, 0, EMPTY_ROOT)
        if last.size == point.size and last.root != point.root:
            self._raise_alarm("fork", name, request, held)
            return _said(409, "another root was signed for this size: the log has forked")
        if request.old != last.size:
            return Answer(409, f"{last.size}\n".encode(), _SIZE)
        try:
            verify_consistency(last.size, point.size, request.proof, last.root, point.root)
        except BadProof as error:
            self._raise_alarm("suspicion", name, request, held)
            return _said(422, str(error))
        refused = self._follows(last, request, held) or self._recomputed(request) or _dated(point, now)
        return refused or self._cosign(request, name, now)

    def _follows(self, last: Checkpoint, request: Request, held: Note | None) -> Answer | None:
        """Refuse what cannot come after the last checkpoint; raise the alarm unless it came before it."""
        point = request.checkpoint
        try:
            check_successor(last, point)
        except Forked as error:
            if _may_follow(point, last) or _may_follow(last, _signed_no_earlier(point, last)):
                return _said(409, f"a later checkpoint of this log is cosigned already: {error}")
            self._raise_alarm("fork", log_id(point.origin), request, held)
            return _said(409, f"the ledger has forked: {error}")
        return None

    def _recomputed(self, request: Request) -> Answer | None:
        """Refuse what the witness's own node does not bear out."""
        point = request.checkpoint
        if self.second is None:
            return None
        recomputer = self.second[1].get(point.origin)
        if recomputer is None:
            return _said(403, "this witness follows no node of this log's chain")
        try:
            recomputer.check(point)
        except BadProof as error:
            self._raise_alarm("differs", log_id(point.origin), request, None)
            return _said(409, f"not what this witness recomputed: {error}")
        except LedgerError as error:
            return _said(503, f"not recomputed, try again later: {error}")
        return None

    def _cosign(self, request: Request, name: str, now: int) -> Answer:
        keys = [self.key, *([self.second[0]] if self.second else [])]
        text, known = (
            request.note.text,
            {(each.name, each.key_id) for each in self._logs[request.checkpoint.origin]},
        )
        lines = [each.sign(text, now) for each in keys]
        # The log's own lines alone: what anybody may add could make the note too long to be read again.
        signed = dict.fromkeys(each for each in request.note.lines if (each.name, each.key_id) in known)
        content = str(Note(text, (*signed, *lines))).encode()
        try:
            parse_note(content)
        except BadNote as error:
            return _said(400, f"this witness could not keep it: {error}")
        try:
            write_private(self._folder / f"{name}.checkpoint", content)
            # Last, so that a first write that failed is not taken for a memory that was lost.
            write_private(self._folder / f"{name}.known", b"")
        except OSError as error:
            self._alarm(f"MEMORY: {self._folder} cannot be written: {error.strerror}")
            return _said(503, "this witness cannot keep what it would cosign, and so cosigns nothing")
        return Answer(200, "".join(map(str, lines)).encode())

    def _raise_alarm(self, kind: str, name: str, request: Request, held: Note | None) -> None:
        """Keep what was cosigned and what was asked for, as they are, and say so."""
        proof = "".join(binascii.b2a_base64(each).decode() for each in request.proof)
        content = (
            f"cosigned before:\n{held or ''}\nasked for, old {request.old}, proof\n{proof}\n{request.note}"
        )
        path = self._folder / f"{name}.{kind}"
        origin, size = request.checkpoint[:2]
        self._alarm(f"{kind.upper()}: log {origin}, size {size}: both notes are in {path}")
        if kind == "differs" and path.exists():
            return  # the first is the proof, and nobody writes over it
        try:
            write_private(path, content.encode())
        except OSError as error:
            self._alarm(f"MEMORY: {path} cannot be written: {error.strerror}; the note is:\n{request.note}")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._guard:
            lock = open_lock(self._folder / "witness.lock")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)


def log_id(origin: str) -> str:
    """Return the name of a log's files: the SHA-256 of its origin, in hexadecimal."""
    return sha256(origin.encode()).hexdigest()


def open_witness(
    folder: Path,
    name: str,
    keys: Sequence[VerifierKey],
    alarm: Callable[[str], None],
    recomputers: Sequence[Recomputer] = (),
) -> Witness:
    """Open a witness's folder, made at first with fresh keys, to witness the logs that these keys sign.

    A key's name is its log's origin. With `recomputers` it cosigns what they bear out and nothing else.
    Raises `Misconfigured` for a folder whose key is damaged, and for a lost key beside checkpoints: a witness
    that forgot what it signed must not go on under its name.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    logs: dict[str, list[VerifierKey]] = {}
    for each in keys:
        logs.setdefault(each.name, []).append(each)
    key = SigningKey(name, COSIGNATURE, _seed(folder, "witness.key"))
    second = None
    if recomputers:
        again = SigningKey(name + RECOMPUTED, COSIGNATURE, _seed(folder, "recomputed.key"))
        second = again, {each.origin: each for each in recomputers}
    return Witness(folder, key, logs, alarm, second)


def _seed(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.exists():
        notes = list(folder.glob("*.checkpoint"))
        if name == "witness.key":
            used = bool(notes) or any(folder.glob("*.known"))
        else:
            used = any(f"{RECOMPUTED} ".encode() in each.read_bytes() for each in notes)
        if used:
            raise Misconfigured(f"{path} is missing, and there are checkpoints it signed beside it")
        write_private(path, os.urandom(32))
    seed = path.read_bytes()
    if len(seed) != 32:
        raise Misconfigured(f"{path} is not a key of 32 bytes")
    return seed


def _dated(point: Checkpoint, now: int) -> Answer | None:
    """Refuse what was signed at another time than it is here; a log of other make does not say."""
    apart = times_apart(point.statement, now) if point.statement else None
    return _said(503, f"this witness dates what it cosigns: {apart}") if apart else None


def _may_follow(old: Checkpoint, new: Checkpoint) -> bool:
    try:
        check_successor(old, new)
    except Forked:
        return False
    return True


def _signed_no_earlier(point: Checkpoint, last: Checkpoint) -> Checkpoint:
    """The same checkpoint as if signed when the last one was: a clock set back makes no fork."""
    if point.statement is None or last.statement is None:
        return point
    later = max(point.statement.time, last.statement.time)
    return point._replace(statement=point.statement._replace(time=later))


def _said(status: int, message: str) -> Answer:
    return Answer(status, message.encode() + b"\n")
