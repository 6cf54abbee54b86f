"""One owner per embedded chain: a lock that the kernel releases when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from ledger.errors import Busy

if TYPE_CHECKING:
    from pathlib import Path


class ChainLock:
    """An exclusive lock on a file that holds the owner's process id. Raises `Busy`, naming that process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise Busy(f"the chain in {path.parent} is held by process {owner}") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let another process have the chain. Doing so twice does nothing."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()
