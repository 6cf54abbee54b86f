"""What an audit can say of one thing: it does not hold, it is to be reviewed, it could not be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.domain.calendar import iso, iso_instant
from ledger.domain.records import split_id
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.domain.facts import Place


class Deviation(NamedTuple):
    """`what` is a stable phrase naming the rule, `where` a place; the others are shown as they are."""

    what: str
    where: str
    expected: str
    found: str


class Review(NamedTuple):
    """Something that holds and that an authority still has to look at: where it is, and why."""

    what: str
    where: str
    why: str


class NotChecked(NamedTuple):
    """A check that could not be made: what of, where, why. No sign of a fault, and no proof of none."""

    what: str
    where: str
    why: str


def show_time(time: object) -> str:
    """A time as somebody gave it: Unix seconds as an instant, anything else as it is."""
    try:
        return iso_instant(time) if isinstance(time, int) else repr(time)
    except BadValue:
        return str(time)


def show_day(day: int) -> str:
    """A day as somebody gave it: as a date, or its number where the calendar does not come so far."""
    try:
        return iso(day)
    except BadValue:
        return f"day {day}"


def at_log(at: Place, detail: str = "") -> str:
    """`block 12, log 3` and, when given, a detail such as `record GACC-12`."""
    place = f"block {at.block_number}, log {at.log_index}"
    return f"{place}, {detail}" if detail else place


def show_record(record: int, codes: Mapping[int, str]) -> str:
    """A record's id as `GACC-12`, by the authorities' codes; an unknown authority shows as its number."""
    authority, number = split_id(record)
    return f"{codes.get(authority, f'authority {authority}')}-{number}"


def show_span(first: int, count: int, codes: Mapping[int, str]) -> str:
    """Consecutive records as `record GACC-12` or `records GACC-12..15`."""
    shown = show_record(first, codes)
    if count == 1:
        return f"record {shown}"
    return f"records {shown}..{split_id(first)[1] + count - 1}"
