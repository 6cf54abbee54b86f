"""Heads of the log that somebody kept, against the log as it is replayed: it must begin with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.deviation import Deviation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.crypto.merkle import Log


class KeptHeads:
    """Kept `(size, root)`, compared as the log passes each size. `compared` are known to hold already."""

    def __init__(
        self, heads: Sequence[tuple[int, bytes]], compared: frozenset[tuple[int, bytes]] = frozenset()
    ) -> None:
        #: As given: one that two people kept counts twice.
        self.given = heads
        self.heads = frozenset(heads)
        self._left = sorted(self.heads - compared)

    @property
    def compared(self) -> frozenset[tuple[int, bytes]]:
        """Those whose size the log has reached."""
        return self.heads - frozenset(self._left)

    @property
    def binding(self) -> int:
        """How many bind the log at all: every log begins with the empty one."""
        return sum(size > 0 for size, _ in self.given)

    @property
    def waiting(self) -> bool:
        """Whether there are others, so that the log is to be shown to `at` as it grows."""
        return bool(self._left)

    def at(self, log: Log) -> Iterator[Deviation]:
        """Compare those of the size the log has just reached."""
        while self._left and self._left[0][0] <= log.size:
            size, root = self._left.pop(0)
            if log.root() != root:
                yield Deviation("checkpoint differs", f"log of size {size}", root.hex(), log.root().hex())

    def unreached(self, log: Log) -> Iterator[Deviation]:
        """Yield those of a size that the whole log has not."""
        for size, root in self._left:
            where = f"checkpoint of size {size}, root {root.hex()}"
            yield Deviation("log shorter than a checkpoint", where, f"at least {size} leaves", str(log.size))
