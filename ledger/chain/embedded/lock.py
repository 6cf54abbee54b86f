"""One owner per embedded chain: a lock that the kernel releases when its process ends, however it ends."""

from __future__ import annotations

import contextlib
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
        # Who owns it is a help to others, no condition: on a full disk reading goes on.
        with contextlib.suppress(OSError):
            self._file.truncate(0)
            os.write(self._file.fileno(), f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process have the chain. Doing so twice does nothing."""
        if not self._file.closed:
            with contextlib.suppress(OSError):
                self._file.truncate(0)
            self._file.close()
