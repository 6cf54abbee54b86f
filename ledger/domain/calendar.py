"""Business dates: civil dates of Asia/Shanghai, held as a whole number of days since 1970-01-01.

Nothing here reads a clock. China has kept UTC+8 without summer time since 1991, and a business date is what
an authority wrote on its decision: the zone matters only where an instant is turned into a date. That is done
here, by `day_of`, and nowhere else.
"""

from __future__ import annotations

import calendar as _gregorian
import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from ledger.errors import BadValue

#: The last date this ledger handles; a date beyond it is a typing error, not a fact.
LAST_YEAR = 2999
_EPOCH = date(1970, 1, 1).toordinal()
_SHANGHAI_OFFSET = 8 * 3600
_SHANGHAI = timezone(timedelta(seconds=_SHANGHAI_OFFSET))
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=65536)
def to_day(text: str) -> int:
    """Turn `YYYY-MM-DD` into a day number. Raises `BadValue` for any other form, and for no date."""
    if not _FORM.fullmatch(text):
        raise BadValue("date", text, "not a date of the form YYYY-MM-DD")
    try:
        parsed = date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        raise BadValue("date", text, "no such day in the calendar") from None
    if not 1970 <= parsed.year <= LAST_YEAR:
        raise BadValue("date", text, f"outside 1970..{LAST_YEAR}")
    return parsed.toordinal() - _EPOCH


@lru_cache(maxsize=65536)
def iso(day: int) -> str:
    """Turn a day number into `YYYY-MM-DD`. Raises `BadValue` outside the years 1970 to 9999."""
    return _civil(day).isoformat()


@lru_cache(maxsize=65536)
def add_months(day: int, months: int) -> int:
    """Return the day `months` calendar months after `day`; a day the month lacks becomes its last one.

    2026-01-31 and one month is 2026-02-28: a window counted from a month's end never skips a month.
    """
    start = _civil(day)
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1970 <= year <= date.max.year:
        raise BadValue("months", months, f"{months} months from {start.isoformat()} leaves the calendar")
    last = _gregorian.monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(start.day, last)).toordinal() - _EPOCH


def day_of(timestamp: int) -> int:
    """Return the civil day in Asia/Shanghai of a Unix timestamp in seconds (the contract counts the same)."""
    return (timestamp + _SHANGHAI_OFFSET) // 86400


def start_of(day: int) -> int:
    """Return the Unix timestamp, in seconds, at which a day begins in Asia/Shanghai."""
    return day * 86400 - _SHANGHAI_OFFSET


def to_instant(text: str) -> int:
    """Turn a day (its beginning in Asia/Shanghai) or an ISO 8601 time with its zone into Unix seconds.

    Raises `BadValue` for any other form, and for a time without a zone.
    """
    if _FORM.fullmatch(text):
        return start_of(to_day(text))
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue("time", text, "not YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS+08:00") from None
    if parsed.tzinfo is None:
        raise BadValue("time", text, "says no zone, such as +08:00")
    if not 1970 < parsed.year <= LAST_YEAR:
        raise BadValue("time", text, f"outside 1971..{LAST_YEAR}")
    return int(parsed.timestamp())


def iso_instant(timestamp: int) -> str:
    """Turn Unix seconds into `YYYY-MM-DDTHH:MM:SSZ`. Raises `BadValue` beyond the year 9999."""
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise BadValue("time", timestamp, "beyond the calendar") from None


def civil_instant(timestamp: int) -> str:
    """Turn Unix seconds into `YYYY-MM-DDTHH:MM:SS+08:00`. Raises `BadValue` beyond the year 9999."""
    try:
        return datetime.fromtimestamp(timestamp, _SHANGHAI).isoformat()
    except (ValueError, OverflowError, OSError):
        raise BadValue("time", timestamp, "beyond the calendar") from None


def _civil(day: int) -> date:
    try:
        if day < 0:
            raise BadValue("day", day, "before 1970-01-01")
        return date.fromordinal(day + _EPOCH)
    except (ValueError, OverflowError):
        raise BadValue("day", day, "beyond the calendar") from None
