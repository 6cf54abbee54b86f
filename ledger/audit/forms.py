"""What several parts of an evidence file are spelt in: places, records' names, days, addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ledger.audit.strict_json import Malformed
from ledger.domain.calendar import LAST_YEAR, start_of, to_day
from ledger.domain.records import record_id
from ledger.errors import BadValue

if TYPE_CHECKING:
    from ledger.audit.strict_json import Fields

_NUMBER = "(0|[1-9][0-9]{0,17})"
_PLACE = re.compile(f"{_NUMBER}-(0|[1-9][0-9]{{0,8}})-{_NUMBER}")
_RECORD_NAME = re.compile(r"([1-9][0-9]{0,4})-([1-9][0-9]{0,14})")
#: The first second beyond the calendar.
_END = start_of(to_day(f"{LAST_YEAR}-12-31") + 1)
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


def place_of(entry: Fields) -> tuple[int, int, int]:
    """Where a fact stands, `at`: block, log in it, block time (Unix seconds)."""
    found = _PLACE.fullmatch(entry.text("at"))
    if found is None:
        entry.refuse("at", "not block-log-time")
    return int(found[1]), int(found[2]), in_time(entry, "at", int(found[3]))


def in_time(entry: Fields, key: str, time: int) -> int:
    """A block's time, Unix seconds, if it is one that the calendar has a day for."""
    return time if time < _END else entry.refuse(key, f"a time beyond the year {LAST_YEAR}")


def read_record(fields: Fields, key: str) -> int:
    """A record's id, given as `authority-number`."""
    found = _RECORD_NAME.fullmatch(fields.text(key))
    if found is None:
        fields.refuse(key, "not authority-number")
    try:
        return record_id(int(found[1]), int(found[2]))
    except BadValue as error:
        raise Malformed(f"{key}: {error}") from None


def read_address(entry: Fields, key: str) -> str:
    """An account: `0x` and 40 lower-case hexadecimal digits."""
    address = entry.text(key)
    return address if _ADDRESS.fullmatch(address) else entry.refuse(key, "not an address in lower case")


def read_day(entry: Fields, key: str) -> int:
    """A civil day, given as `YYYY-MM-DD`."""
    try:
        return to_day(entry.text(key))
    except BadValue as error:
        raise Malformed(f"{key}: {error}") from None
