"""Who looked is on the disk before the answer leaves: many readers share one transaction.

Flushing a transaction for each read would bound the whole service by the disk. Whoever comes first writes for
all that wait (group commit); the others find their entry written. A look that cannot be written is refused.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ledger.store.access import Look, log_looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.store.database import Database


class _Entry:
    __slots__ = ("error", "looks", "written")

    def __init__(self, looks: Sequence[Look]) -> None:
        self.looks = looks
        self.written = False
        self.error: Exception | None = None


class LookLog:
    """The access log of one app; `write` is called from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Entry] = []

    def write(self, looks: Sequence[Look]) -> None:
        """Return when all looks of a request are committed. Raises what the vault raises; then none is."""
        if not looks:
            return
        mine = _Entry(looks)
        with self._guard:
            self._waiting.append(mine)
        with self._turn:
            if not mine.written and mine.error is None:
                self._write_all()
        if mine.error is not None:
            raise mine.error

    def _write_all(self) -> None:
        with self._guard:
            entries, self._waiting = self._waiting, []
        try:
            log_looks(self._database, [look for each in entries for look in each.looks])
        except Exception as error:  # noqa: BLE001 - raised again by every writer it concerns
            for each in entries:
                each.error = error
        else:
            for each in entries:
                each.written = True
