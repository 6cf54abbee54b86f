"""What a witness keeps in its folder: its keys, the last checkpoint it cosigned of each log, alarms' proofs.

A checkpoint is kept with the log's own lines and the witness's, and with nobody else's: what a stranger adds
to a note would grow it beyond what is read back. A memory that is lost, damaged, or older than what this
process has cosigned is not begun anew: the witness would sign what it once refused. `witness.new` stands
beside keys that have signed nothing yet, so that keys copied without their memory are told from new ones.

    witness.key, recomputed.key     32 bytes each, the seed of RFC 8032
    <log>.checkpoint, <log>.known   the last note cosigned, and that there was one; <log> is `log_id`
    <log>.fork                      both notes of a fork: nothing is cosigned until a person has removed it
    <log>.differs.<of>              notes that are not what this witness recomputed
    <log>.suspicion.<of>            notes whose proof was wrong; <of> names the statement, each is kept once
"""

from __future__ import annotations

import contextlib
import os
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ledger.crypto.checkpoints import may_follow, parse_checkpoint
from ledger.crypto.notes import COSIGNATURE, RECOMPUTED, BadNote, SigningKey, parse_note, verify_note
from ledger.errors import BadValue, Misconfigured
from ledger.files import locked, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.crypto.checkpoints import Checkpoint
    from ledger.crypto.notes import Note

#: Proofs of one kind that are kept of one log.
MANY: Final = 16
_FIRST, _SECOND, _NEW = "witness.key", "recomputed.key", "witness.new"


class Memory:
    """A witness's folder, made at first with fresh keys under the witness's `name`.

    `second` is its key for what it recomputed, if it `recomputes`. Between processes and threads, what is
    read and then written stands under `lock`. Raises `Misconfigured` for a damaged key, for a lost key beside
    what it signed and for a key without it; `BadValue` for a name that says what only a second key says.
    """

    def __init__(self, folder: Path, name: str, recomputes: bool) -> None:
        if name.endswith(RECOMPUTED):
            raise BadValue("name", name, f"{RECOMPUTED} is how a key is named that signs what was recomputed")
        self.folder = folder
        self._guard = threading.Lock()
        self._signed: dict[str, Checkpoint] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(folder / "witness.lock"):
            self.key = SigningKey(name, COSIGNATURE, self._first_seed())
            self.second = (
                SigningKey(name + RECOMPUTED, COSIGNATURE, self._second_seed(name)) if recomputes else None
            )
            for each in folder.glob("*.checkpoint"):
                with contextlib.suppress(Misconfigured):  # said when that log is asked about
                    self.held(each.stem)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder. Raises `Misconfigured` where it is gone, `NotWritable`."""
        with self._guard:
            self._stand()
            with locked(self.folder / "witness.lock"):
                yield

    def latest(self, log: str) -> Note | None:
        """Return the last note cosigned of a log, or None. Raises `Misconfigured`: it is lost or damaged."""
        self._stand()
        path = self.folder / f"{log}.checkpoint"
        if not path.exists():
            if (self.folder / f"{log}.known").exists():
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

    def held(self, log: str) -> Note | None:
        """Return the same under the lock, held to what this process has cosigned or seen there before."""
        note, before = self.latest(log), self._signed.get(log)
        found = parse_checkpoint(note.text) if note else None
        if before is not None and (found is None or not may_follow(before, found)):
            raise Misconfigured(
                f"{self.folder / log}.checkpoint is not what this process has cosigned of that log, a "
                f"checkpoint of size {before.size}, nor a later one: the memory was replaced"
            )
        if found is not None:
            self._signed[log] = found
        return note

    def keep(self, log: str, note: Note) -> None:
        """Keep what is cosigned. Raises `BadNote` for what could not be read back, `OSError`."""
        content = str(note).encode()
        found = parse_checkpoint(parse_note(content).text)
        write_private(self.folder / f"{log}.checkpoint", content)
        # After it, so that a first write that failed is not taken for a memory that was lost.
        write_private(self.folder / f"{log}.known", b"")
        self._signed[log] = found
        (self.folder / _NEW).unlink(missing_ok=True)

    def proof(self, log: str, kind: str, of: str = "") -> Path:
        """Return where an alarm's proof is kept: of a fork there is one, else one for each statement `of`."""
        mark = f".{sha256(of.encode()).hexdigest()[:16]}" if of else ""
        return self.folder / f"{log}.{kind}{mark}"

    def full(self, log: str, kind: str) -> bool:
        """Whether no more proofs of this kind are kept of a log."""
        return len(list(self.folder.glob(f"{log}.{kind}*"))) >= MANY

    def _stand(self) -> None:
        """Raise `Misconfigured` where the folder is not the one this process opened."""
        for file, key in ((_FIRST, self.key), (_SECOND, self.second)):
            if key is not None and _bytes(self.folder / file) != key.seed:
                raise Misconfigured(f"{self.folder / file} is gone, or another's: the folder was taken away")

    def _first_seed(self) -> bytes:
        path, new = self.folder / _FIRST, self.folder / _NEW
        used = any(any(self.folder.glob(each)) for each in ("*.checkpoint", "*.known"))
        if not path.exists():
            if used:
                raise Misconfigured(f"{path} is missing, and there are checkpoints it signed beside it")
            write_private(new, b"")
            write_private(path, os.urandom(32))
        elif not used and not new.exists():
            raise Misconfigured(
                f"{path} is here without anything that it signed, and a witness does not go on without its "
                "memory: begin another one, in an empty folder and under another name"
            )
        return _seed(path)

    def _second_seed(self, name: str) -> bytes:
        path = self.folder / _SECOND
        if not path.exists():
            own = f" {name}{RECOMPUTED} ".encode()
            if any(own in (_bytes(each) or b"") for each in self.folder.glob("*.checkpoint")):
                raise Misconfigured(f"{path} is missing, and there are checkpoints it signed beside it")
            write_private(path, os.urandom(32))
        return _seed(path)


def log_id(origin: str) -> str:
    """Return the name of a log's files: the SHA-256 of its origin, in hexadecimal."""
    return sha256(origin.encode()).hexdigest()


def _seed(path: Path) -> bytes:
    seed = path.read_bytes()
    if len(seed) != 32:
        raise Misconfigured(f"{path} is not a key of 32 bytes")
    return seed


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
