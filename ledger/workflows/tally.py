"""How many records each firm of a file has, counted on disk where there are many: memory stays flat."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, TypedDict

if TYPE_CHECKING:
    from ledger.domain.parties import Party

#: Firms listed by name; a file with more that came again says how many there are all the same.
_LISTED: Final = 1000
#: Firms counted in memory before they go to the database together.
_HELD: Final = 2000


class FirmDict(TypedDict):
    """A firm with more than one record in the file."""

    id: str
    name: str
    records: int


class _Counted:
    __slots__ = ("many", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.many = 0


class FirmTally:
    """Counts records by party, in memory and then in an unnamed temporary database."""

    def __init__(self) -> None:
        self._counts = sqlite3.connect("")
        self._counts.execute("CREATE TABLE firms (key TEXT PRIMARY KEY, name TEXT, many INT) WITHOUT ROWID")
        self._recent: dict[str, _Counted] = {}

    def add(self, party: Party) -> None:
        """Count one record."""
        counted = self._recent.get(party.key)
        if counted is None:
            counted = self._recent[party.key] = _Counted(party.text)
        counted.many += 1
        if len(self._recent) >= _HELD:
            self._spill()

    def firms(self) -> int:
        """How many firms there are."""
        self._spill()
        return int(self._counts.execute("SELECT count(*) FROM firms").fetchone()[0])

    def repeated(self) -> list[FirmDict]:
        """Return the firms with more than one record, the most first, then by key."""
        self._spill()
        chosen = "SELECT key, name, many FROM firms WHERE many > 1 ORDER BY many DESC, key LIMIT ?"
        return [
            {"id": key, "name": name, "records": many}
            for key, name, many in self._counts.execute(chosen, (_LISTED,))
        ]

    def close(self) -> None:
        """Forget all."""
        self._counts.close()

    def _spill(self) -> None:
        statement = (
            "INSERT INTO firms VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET many = firms.many + excluded.many"
        )
        self._counts.executemany(
            statement, [(key, each.name, each.many) for key, each in self._recent.items()]
        )
        self._recent.clear()
