"""Every business day is made in one place: two ways to make one would differ for an hour, or for a zone, one day."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger.domain.calendar import civil_instant, day_of, iso
from ledger.errors import BadValue

ROOT = Path(__file__).parent.parent.parent
#: What makes a day, or a zone to make one with.
MAKES_A_DAY = re.compile(
    r"timezone\(|ZoneInfo|date\.today|\.today\(\)\.|datetime\.now\(|\.date\(\)|localtime|toordinal"
    r"|//\s*86_?400"
)
#: Lines that make none of a business: how long something rested.
ALLOWED = {"ledger/chain/clock.py": "(now - made) // 86_400"}


def test_no_other_place_makes_a_day() -> None:
    found = [
        f"{name}: {line.strip()}"
        for room in ("ledger", "api")
        for path in sorted((ROOT / room).rglob("*.py"))
        if (name := str(path.relative_to(ROOT))) != "ledger/domain/calendar.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if MAKES_A_DAY.search(line) and ALLOWED.get(name, "\0") not in line
    ]
    assert found == []


def test_a_day_begins_at_midnight_in_shanghai() -> None:
    before_midnight = 1_795_708_799  # 2026-11-26T23:59:59+08:00
    assert civil_instant(before_midnight) == "2026-11-26T23:59:59+08:00"
    assert iso(day_of(before_midnight)) == "2026-11-26"
    assert iso(day_of(before_midnight + 1)) == "2026-11-27"
    with pytest.raises(BadValue, match="beyond the calendar"):
        civil_instant(10**18)
