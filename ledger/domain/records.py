"""The 64-byte record, exactly as it stands on the chain, and the ids records go by.

Layout, big endian (word 0, then the commitment):

    enterprise u64 | type u16 | severity u8 | conduct_on u32 | decided_on u32 | ref u64 | zero u40
    commitment 32 bytes

Days are civil days since 1970-01-01. A record's id is its authority (u16) and that authority's own
consecutive number (u48), both from 1: `authority << 48 | number`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ledger.errors import BadValue, ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable

RECORD_BYTES = 64
_LAYOUT = struct.Struct(">QHBIIQ5x32s")
_DECIDED_ON = struct.Struct(">15xI45x")
_SPARE = range(27, 32)
_NUMBER_BITS = 48
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1


class Record(NamedTuple):
    """One record before it has a number. `ref` is a record id (lifecycle), an enterprise (link) or 0."""

    enterprise: int
    type: int
    severity: int
    conduct_on: int
    decided_on: int
    ref: int
    commitment: bytes


class Posted(NamedTuple):
    """One record on the chain: its id and the fields of `Record`."""

    id: int
    enterprise: int
    type: int
    severity: int
    conduct_on: int
    decided_on: int
    ref: int
    commitment: bytes


def pack(record: Record) -> bytes:
    """Return the 64 bytes of a record. Raises `BadValue` if a field does not fit its width."""
    if len(record.commitment) != 32:
        raise BadValue("commitment", record.commitment.hex(), "not 32 bytes")
    try:
        return _LAYOUT.pack(*record)
    except struct.error as error:
        raise BadValue("record", tuple(record[:6]), f"a field does not fit its width: {error}") from None


def pack_run(records: Iterable[Record]) -> bytes:
    """Return the records' bytes one after another, in the order given."""
    return b"".join(map(pack, records))


def unpack(run: bytes) -> list[Record]:
    """Split a run into its records. Raises `ChainDamaged` if these bytes cannot be records."""
    _check(run)
    return [Record(*fields) for fields in _LAYOUT.iter_unpack(run)]


def unpack_run(first_id: int, run: bytes) -> list[Posted]:
    """Split a run into numbered records, the first with `first_id`. Raises `ChainDamaged`."""
    _check(run)
    return [Posted(number, *fields) for number, fields in enumerate(_LAYOUT.iter_unpack(run), first_id)]


def days_of(run: bytes) -> set[int]:
    """Return the days on which a run's records were decided. Raises `ChainDamaged`."""
    _check_length(run)
    return {day for (day,) in _DECIDED_ON.iter_unpack(run)}


def decided_on(first_id: int, run: bytes, day: int) -> list[Posted]:
    """Return those of a run's records that were decided on a day. Raises `ChainDamaged`."""
    _check_length(run)
    places = [at for at, (found,) in enumerate(_DECIDED_ON.iter_unpack(run)) if found == day]
    parts = (run[at * RECORD_BYTES : (at + 1) * RECORD_BYTES] for at in places)
    return [each for at, part in zip(places, parts, strict=True) for each in unpack_run(first_id + at, part)]


def types_of(records: bytes) -> bytes:
    """Return the type of each of these packed records as a byte; 0 for one beyond a byte.

    Bytes behind the last whole record are not looked at.
    """
    whole = len(records) // RECORD_BYTES * RECORD_BYTES
    high, low = records[8:whole:RECORD_BYTES], records[9:whole:RECORD_BYTES]
    return low if not any(high) else bytes(0 if one else other for one, other in zip(high, low, strict=True))


def first_weighty(records: bytes, weighty: int) -> int | None:
    """Return the index of the first of these packed records of a type set in `weighty`, or None.

    Bytes behind the last whole record are not looked at.
    """
    whole = records[: len(records) // RECORD_BYTES * RECORD_BYTES]
    for index, (_, kind, *_) in enumerate(_LAYOUT.iter_unpack(whole)):
        if weighty >> kind & 1:
            return index
    return None


def _check_length(run: bytes) -> None:
    if len(run) % RECORD_BYTES:
        raise ChainDamaged(f"a run of {len(run)} bytes is not a whole number of {RECORD_BYTES}-byte records")


def _check(run: bytes) -> None:
    _check_length(run)
    for offset in _SPARE:
        if any(run[offset::RECORD_BYTES]):
            raise ChainDamaged("a record has spare bits set")


def record_id(authority: int, number: int) -> int:
    """Join an authority (1..65535) and its record number (1..2^48-1). Raises `BadValue` outside these."""
    if not 0 < authority < 1 << 16:
        raise BadValue("authority", authority, "not in 1..65535")
    if not 0 < number <= _NUMBER_MASK:
        raise BadValue("number", number, f"not in 1..{_NUMBER_MASK}")
    return authority << _NUMBER_BITS | number


def ids_of(authority: int) -> tuple[int, int]:
    """Return the first and the last id that an authority's records can have."""
    return authority << _NUMBER_BITS, authority << _NUMBER_BITS | _NUMBER_MASK


def split_id(record: int) -> tuple[int, int]:
    """Return (authority, number) of a record id."""
    return record >> _NUMBER_BITS, record & _NUMBER_MASK
