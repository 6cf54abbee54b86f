"""The files of checkpoints that were signed: kept whole, each readable again before it is written.

They lie in `DATA_DIR/checkpoints`, named by block and time: a checkpoint is there to be handed out. A file is
replaced as a whole, under a lock, when witnesses have added their lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.checkpoints import Checkpoint, parse_checkpoint
from ledger.crypto.notes import BadNote, Note, parse_note, verify_note
from ledger.errors import BadProof, BadValue, Misconfigured
from ledger.files import locked, write_private, writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ledger.crypto.notes import VerifierKey

#: Folder of the files, in the data folder.
FOLDER: Final = "checkpoints"
_SUFFIX: Final = ".checkpoint"
#: Beside the folder, once something was signed: that the folder is empty is then a loss, and no beginning.
KNOWN: Final = "checkpoints.known"
_LOCK: Final = "kept-checkpoints.lock"
_PUT_BACK: Final = "Put it back from a backup, or from whoever was given it; if nobody was, remove the file"


class CheckpointsLost(Misconfigured):
    """Checkpoints were signed, and every file of them is gone: what comes next is compared with none."""

    code = "checkpoints-lost"


class Kept(NamedTuple):
    """A checkpoint file: what it says, and the note it is."""

    path: Path
    checkpoint: Checkpoint
    note: Note


def keep(kept: Kept) -> Kept:
    """Write a checkpoint's file and return it, with the lines that the file has of the same text already.

    So what another process had cosigned meanwhile is not lost; of one key the line given here counts. What is
    not kept is not handed out. Raises `NotWritable`, and `BadNote` for what could not be read again.
    """
    data_dir = kept.path.parent.parent
    with locked(data_dir / "locks" / _LOCK), writing():
        kept.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = _read(kept.path).note if kept.path.exists() else kept.note
        if there.text == kept.note.text:
            lines = {(each.name, each.key_id): each for each in (*there.lines, *kept.note.lines)}
            kept = kept._replace(note=kept.note._replace(lines=tuple(lines.values())))
        content = str(kept.note).encode()
        parse_checkpoint(parse_note(content).text)
        write_private(kept.path, content)
        # Last, so that a first write that failed is not taken for checkpoints that were lost.
        write_private(data_dir / KNOWN, b"")
    return kept


def file_of(data_dir: Path, block: int, time: int) -> Path:
    """Return where the checkpoint of a block, signed at a time (Unix seconds), is kept."""
    return data_dir / FOLDER / f"{block:012d}-{time:010d}{_SUFFIX}"


def kept_files(data_dir: Path) -> list[Path]:
    """Return the files of kept checkpoints, the earliest first: block and time stand first in their names.

    Raises `CheckpointsLost`.
    """
    folder = data_dir / FOLDER
    found = sorted(each for each in folder.glob("*" + _SUFFIX) if not each.name.startswith("."))
    if not found and (data_dir / KNOWN).exists():
        raise CheckpointsLost(
            f"{folder} holds no checkpoint, and this ledger has signed some: put them back from a backup, or "
            "the last one from a witness or an evidence file. Where none is left, remove "
            f"{data_dir / KNOWN}: the next one is then compared with none here, by witnesses all the same"
        )
    return found


def kept_checkpoints(data_dir: Path) -> list[Kept]:
    """Return the kept checkpoints, smallest first. Raises `BadNote` for a damaged file, `CheckpointsLost`."""
    return [_read(path) for path in kept_files(data_dir)]


def read_checkpoint(path: Path, expected: str, keys: Sequence[VerifierKey] = ()) -> Checkpoint:
    """Read a checkpoint that somebody kept, of the log `expected` (its origin).

    A signature by one of `keys` must verify if there is one. Raises `BadValue` (no such file), `BadNote`,
    `BadProof` (of another log).
    """
    try:
        note = parse_note(path.read_bytes())
    except OSError as error:
        raise BadValue("checkpoint", path, error.strerror or "cannot be read") from None
    verify_note(note, keys)
    found = parse_checkpoint(note.text)
    if found.origin != expected:
        raise BadProof(f"{path}: a checkpoint of the log {found.origin}, and this one is {expected}")
    return found


def last_kept(data_dir: Path) -> Kept | None:
    """Return the latest kept checkpoint. Raises `BadNote` for a damaged file, `CheckpointsLost`."""
    paths = kept_files(data_dir)
    return _read(paths[-1]) if paths else None


def _read(path: Path) -> Kept:
    try:
        note = parse_note(path.read_bytes())
        return Kept(path, parse_checkpoint(note.text), note)
    except OSError as error:
        raise BadNote(f"{path}: it cannot be read: {error.strerror}") from None
    except BadNote as error:
        raise BadNote(f"{path}: {error}. {_PUT_BACK}") from None
