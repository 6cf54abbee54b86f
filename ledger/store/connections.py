"""How many connections to a database server one process has, and how long anybody waits for one."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from ledger.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Connections that one piece of work may hold at once: a snapshot of the vault and one of the index.
AT_ONCE = 2


class Connections:
    """So many at most. The last is for who has one already: so nobody waits for another's second for ever."""

    def __init__(self, most: int, patience: float) -> None:
        self._most, self._free = most, most
        self._patience = patience
        self._changed = threading.Condition()
        self._mine = threading.local()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Have one for the length of the block. Raises `Busy` where none is free in time."""
        held: int = getattr(self._mine, "held", 0)
        needed = 1 if held else AT_ONCE
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= needed, self._patience):
                raise Busy(
                    f"all {self._most} connections to the database are in use; waited {self._patience:g} s"
                )
            self._free -= 1
        self._mine.held = held + 1
        try:
            yield
        finally:
            self._mine.held = held
            with self._changed:
                self._free += 1
                self._changed.notify_all()
