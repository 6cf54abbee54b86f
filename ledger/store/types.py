"""Column types that mean the same on SQLite and PostgreSQL, and are read strictly.

SQLite keeps in any column whatever is put there, and its file may be changed by others than this software. So
every value is looked at where it is read: one of another type is `RowDamaged`, in a sentence, wherever that
is. A server keeps to its columns' types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Dialect, Integer, LargeBinary
from sqlalchemy import Text as PlainText
from sqlalchemy.types import TypeDecorator

from ledger.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable


class RowDamaged(LedgerError):
    """A row of the vault or the index holds what was never written there."""

    code = "row-damaged"


def _strictly(kind: type, called: str) -> Callable[[Any], Any]:
    """Return what lets values of one type and NULL pass."""

    def read(value: Any) -> Any:
        if type(value) is kind or value is None:
            return value
        raise RowDamaged(
            f"a row of the database holds {type(value).__name__} where {called} belong:"
            " it was changed. `credit-ledger audit` says which"
        )

    return read


_read_int, _read_bytes, _read_text = (
    _strictly(int, "whole numbers"),
    _strictly(bytes, "bytes"),
    _strictly(str, "text"),
)


class _Int(Integer):
    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _read_int


class _Bytes(LargeBinary):
    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _read_bytes


class _Text(PlainText):
    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _read_text


class _Flag(Boolean):
    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        def read(value: Any) -> bool | None:
            if value is None or (type(value) is int and value in (0, 1)):
                return None if value is None else bool(value)
            raise RowDamaged(f"a row of the database holds {value!r:.40} where yes or no belongs")

        return read


#: A 64-bit signed integer. On SQLite `INTEGER`, so that a primary key is the row id itself.
Int = BigInteger().with_variant(_Int(), "sqlite")
#: The largest number `Int` holds. A reference on the chain may be larger, and then leads nowhere.
LARGEST = (1 << 63) - 1
#: Bytes: hashes, salts, packed records.
Bytes = LargeBinary().with_variant(_Bytes(), "sqlite")
#: Text in any script.
Text = PlainText().with_variant(_Text(), "sqlite")
#: Yes or no.
Flag = Boolean().with_variant(_Flag(), "sqlite")


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
        found: bytes | None = _read_bytes(value)
        return None if found is None else int.from_bytes(found, "big")
