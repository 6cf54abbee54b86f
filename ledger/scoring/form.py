"""A TOML table read key by key: every key must be there, of its kind and in range, and no other may be."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Form:
    """One table and where it stands. Each method takes one key; `done` refuses what is left over."""

    def __init__(self, where: str, table: Mapping[str, object]) -> None:
        self._where = where
        self._table = table
        self._taken: set[str] = set()

    def text(self, key: str, choices: Sequence[str] | None = None) -> str:
        """Return a text; one of `choices` if they are given, else not empty."""
        value = self._take(key)
        if not isinstance(value, str):
            raise self.wrong(key, value, "not text")
        if choices is not None and value not in choices:
            raise self.wrong(key, value, "not one of " + ", ".join(repr(each) for each in choices))
        if choices is None and not value.strip():
            raise self.wrong(key, value, "empty")
        return value

    def integer(self, key: str, least: int, most: int) -> int:
        """Return a whole number in `least`..`most`."""
        value = self._take(key)
        # In Python True is an int; in a card it is a mistake.
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, value, "not a whole number")
        if not least <= value <= most:
            raise self.wrong(key, value, f"not in {least}..{most}")
        return value

    def date(self, key: str) -> str:
        """Return a date (a TOML date, not a text or a time) as `YYYY-MM-DD`."""
        value = self._take(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.wrong(key, value, "not a date such as 2026-04-01, without quotes")
        return value.isoformat()

    def table(self, key: str) -> Form:
        """Return the form of a table inside."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, value, "not a table")
        return Form(f"{self._where}: {key}", value)

    def tables(self, key: str) -> list[Form]:
        """Return the forms of an array of tables, at least one; each is named by its `code` or position."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            raise self.wrong(key, value, "not an array of tables")
        return [
            Form(f"{self._where}: {key} {each.get('code', position)}", each)
            for position, each in enumerate(value, 1)
        ]

    def done(self) -> None:
        """Refuse keys that were not asked for: a misspelt key is a mistake, not a comment."""
        for key, value in self._table.items():
            if key not in self._taken:
                raise self.wrong(key, value, "no such key")

    def wrong(self, key: str, value: object, reason: str) -> Misconfigured:
        """Return the error to raise about a key."""
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return Misconfigured(f"{self._where}: {key}: {shown}: {reason}")

    def _take(self, key: str) -> object:
        self._taken.add(key)
        if key not in self._table:
            raise Misconfigured(f"{self._where}: {key}: missing")
        return self._table[key]
