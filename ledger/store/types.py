"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary
from sqlalchemy.types import TypeDecorator

#: A 64-bit signed integer. On SQLite `INTEGER`, so that a primary key is the row id itself.
Int = BigInteger().with_variant(Integer, "sqlite")
#: The largest number `Int` holds. A reference on the chain may be larger, and then leads nowhere.
LARGEST = (1 << 63) - 1
#: Bytes: hashes, salts, packed records.
Bytes = LargeBinary()


class Unsigned(TypeDecorator[int]):
    """An unsigned integer of `size` bytes, stored big endian, so that it is exact and sorts as a number.

    For what the chain holds as u64 or u256 and may use in full: "until for ever" is 2^64-1, which no database
    integer holds.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def process_bind_param(self, value: int | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Return the bytes stored for `value`."""
        return None if value is None else value.to_bytes(self.size, "big")

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the integer that was stored."""
        return None if value is None else int.from_bytes(value, "big")
