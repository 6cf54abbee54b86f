"""The 64 bytes, record ids, days and months: fixed vectors and what is refused."""

from __future__ import annotations

import pytest

from ledger.domain.calendar import add_months, day_of, iso, to_day
from ledger.domain.records import (
    RECORD_BYTES,
    Posted,
    Record,
    first_weighty,
    pack,
    pack_run,
    record_id,
    split_id,
    unpack,
    unpack_run,
)
from ledger.errors import BadValue, ChainDamaged

RECORD = Record(0x0102, 0x03F3, 3, to_day("2026-01-31"), to_day("2026-02-28"), record_id(7, 12), b"\xcc" * 32)
BYTES = bytes.fromhex("000000000000010203f3030000500400005020000700000000000c0000000000" + "cc" * 32)


def test_the_layout_is_pinned():
    assert pack(RECORD) == BYTES
    assert len(BYTES) == RECORD_BYTES
    assert unpack(BYTES) == [RECORD]


def test_a_run_is_numbered_from_its_first_id():
    first = record_id(7, 40)
    run = pack_run([RECORD, RECORD._replace(severity=0)])
    assert unpack_run(first, run) == [
        Posted(first, *RECORD),
        Posted(first + 1, *RECORD._replace(severity=0)),
    ]
    assert unpack_run(first, b"") == []


@pytest.mark.parametrize(
    ("changed", "index"),
    [({"type": 2}, 1), ({"type": 240}, 1), ({"type": 300}, None), ({"type": 239, "severity": 3}, None)],
)
def test_what_four_eyes_cover_is_found_in_whole_records(changed, index):
    light, weighty = RECORD._replace(type=1, severity=2), 1 << 2 | 1 << 240
    packed = pack_run([light, RECORD._replace(**changed), light])
    assert first_weighty(packed, weighty) == index
    assert first_weighty(packed[:-63], weighty) == index
    assert first_weighty(packed[:127], weighty) is None


@pytest.mark.parametrize("bad", [BYTES[:-1], BYTES + b"\0", BYTES[:32]])
def test_a_run_of_another_length_is_damaged(bad):
    with pytest.raises(ChainDamaged, match="not a whole number"):
        unpack_run(1, bad)


@pytest.mark.parametrize("offset", [27, 28, 29, 30, 31, 64 + 27, 64 + 31])
def test_spare_bits_are_damage(offset):
    run = bytearray(BYTES * 2)
    run[offset] = 1
    with pytest.raises(ChainDamaged, match="spare bits"):
        unpack(bytes(run))


@pytest.mark.parametrize(
    "change",
    [
        {"enterprise": 1 << 64},
        {"type": 1 << 16},
        {"severity": 256},
        {"conduct_on": -1},
        {"decided_on": 1 << 32},
        {"ref": -1},
    ],
    ids=str,
)
def test_fields_that_do_not_fit_are_refused(change):
    with pytest.raises(BadValue, match="does not fit its width"):
        pack(RECORD._replace(**change))


@pytest.mark.parametrize("commitment", [b"", b"\0" * 31, b"\0" * 33])
def test_a_commitment_is_32_bytes(commitment):
    with pytest.raises(BadValue, match="not 32 bytes"):
        pack(RECORD._replace(commitment=commitment))


def test_ids_join_and_split():
    assert record_id(7, 12) == 0x000700000000000C
    assert split_id(record_id(65535, (1 << 48) - 1)) == (65535, (1 << 48) - 1)
    for authority, number in [(0, 1), (65536, 1), (1, 0), (1, 1 << 48)]:
        with pytest.raises(BadValue):
            record_id(authority, number)


@pytest.mark.parametrize(
    ("text", "day"), [("1970-01-01", 0), ("2000-02-29", 11016), ("2026-04-01", 20544), ("2999-12-31", 376199)]
)
def test_days_are_counted_from_1970(text, day):
    assert to_day(text) == day
    assert iso(day) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-4-1",
        "2026-04-01 ",
        "20260401",
        "2026-W14-3",
        "2026-13-01",
        "2026-00-01",
        "2026-02-30",
        "2100-02-29",
        "1969-12-31",
        "3000-01-01",
        "0000-01-01",
        "２０２６-04-01",
        "2026-04-01\n",
        "-026-04-01",
        "01-04-2026",
    ],
    ids=ascii,
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(BadValue):
        to_day(text)


@pytest.mark.parametrize("day", [-1, 1 << 32, 1 << 70])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(BadValue):
        iso(day)
    with pytest.raises(BadValue):
        add_months(day, 1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31", 0, "2026-01-31"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-31", 6, "2027-06-30"),
        ("2026-05-15", 36, "2029-05-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -13, "2024-12-15"),
    ],
)
def test_months_are_calendar_months(start, months, end):
    assert iso(add_months(to_day(start), months)) == end


def test_months_out_of_the_calendar_are_refused():
    for months in (-1, 12 * 9000):
        with pytest.raises(BadValue, match="leaves the calendar"):
            add_months(0, months)


def test_a_day_begins_at_midnight_in_shanghai():
    midnight = 1_774_972_800  # 2026-04-01 00:00 in Shanghai is 2026-03-31 16:00 UTC
    assert iso(day_of(midnight)) == "2026-04-01"
    assert iso(day_of(midnight - 1)) == "2026-03-31"
    assert day_of(0) == 0
