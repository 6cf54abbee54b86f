"""One owner per embedded chain: a lock that the kernel releases when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from ledger.errors import Busy
from ledger.files import open_lock

if TYPE_CHECKING:
    from pathlib import Path


class ChainLock:
    """An exclusive lock on a file that holds the owner's process id.

    Raises `Busy`, naming that process, and `NotWritable`.
    """

    def __init__(self, path: Path) -> None:
        self._file: int | None = open_lock(path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise Busy(f"the chain in {path.parent} is held by process {owner}") from None
        # Who owns it is a help to others, no condition: on a full disk reading goes on.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process have the chain. Doing so twice does nothing."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None
