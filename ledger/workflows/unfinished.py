"""A data folder while it is restored: a mark in it says that it is not whole, and stays where a process ends.

Built elsewhere and renamed it could not be: a data folder may be a mount of its own, or a link.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING, Final

from ledger.errors import Busy, Misconfigured
from ledger.files import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The mark's file.
UNFINISHED: Final = "restore.unfinished"


def refuse_unfinished(folder: Path) -> None:
    """Raise `Misconfigured` where a data folder was not restored to the end."""
    if (folder / UNFINISHED).exists():
        raise Misconfigured(
            f"{folder} is being restored from a backup, or was and did not get to the end: it is not whole,"
            " and nothing is done with it. `credit-ledger restore DIR` once more completes it"
        )


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Mark a folder as not whole, emptied, until the block has filled it; empty it again on an error.

    The block's files are durable when the mark goes. Raises `Busy` where another process fills it.
    """
    with writing():
        mark = os.open(folder / UNFINISHED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another process is restoring {folder}") from None
        _sync(folder)
        clear(folder)
        try:
            yield
            for parent, _, _ in os.walk(folder):
                _sync(folder / parent)
        except BaseException:
            clear(folder)
            raise
        finally:
            (folder / UNFINISHED).unlink()
            _sync(folder)
    finally:
        os.close(mark)


def clear(folder: Path) -> None:
    """Remove what is in a folder but the mark."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != UNFINISHED:
            each.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
