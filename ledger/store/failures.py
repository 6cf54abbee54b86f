"""What a database's driver complains of, in the ledger's words.

The sentences name no server, address or role, because a client may read them; what the driver itself said is
in `why`, for the operator's terminal and log.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar, Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.errors import Busy, LedgerError, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StoreUnavailable(LedgerError):
    """The database does not answer, takes no writes at the moment, or its disk is full."""

    code: ClassVar[str] = "store-unavailable"
    retry_helps: ClassVar[bool] = True


class TablesMissing(StoreUnavailable):
    """Tables are not there, or not as they should be: dropped, or damaged."""


#: By SQLSTATE (PostgreSQL, appendix A); the longest beginning that fits counts.
_STATES: Final[dict[str, tuple[Callable[[str], LedgerError], str]]] = {
    "08": (StoreUnavailable, "the connection to the database was lost"),
    "25006": (StoreUnavailable, "the database is read-only at the moment"),
    "25P03": (StoreUnavailable, "the database ended a transaction that stood idle for too long"),
    "28": (StoreUnavailable, "the database does not let this ledger in"),
    "3D000": (StoreUnavailable, "there is no such database"),
    "3F000": (TablesMissing, "tables of the database are missing"),
    "40": (Busy, "the database is busy: another writer was quicker"),
    "42501": (Misconfigured, "the database's role lacks rights that the ledger needs"),
    "42703": (TablesMissing, "tables of the database are not as this version makes them"),
    "42P01": (TablesMissing, "tables of the database are missing"),
    "53": (StoreUnavailable, "the database is short of disk, memory or connections"),
    "55P03": (Busy, "the database is busy: somebody else holds a lock in it"),
    "57014": (Busy, "the database is busy: a statement took longer than it may"),
    "57": (StoreUnavailable, "the database is being stopped or started"),
    "58": (StoreUnavailable, "the database's disk does not work"),
    "XX": (StoreUnavailable, "the database is damaged"),
}
#: By what SQLite says.
_SAYINGS: Final[tuple[tuple[str, Callable[[str], LedgerError], str], ...]] = (
    ("locked", Busy, "the database is busy: another writer has it"),
    ("busy", Busy, "the database is busy: another writer has it"),
    ("no such table", TablesMissing, "tables of the database are missing"),
    ("no such column", TablesMissing, "tables of the database are not as this version makes them"),
    ("readonly", StoreUnavailable, "the database takes no writes: its disk is full or read-only"),
    ("malformed", TablesMissing, "the database's file is damaged"),
    ("not a database", TablesMissing, "the database's file is damaged"),
    ("full", StoreUnavailable, "the disk that the database is on is full"),
    ("disk i/o", StoreUnavailable, "the disk that the database is on is full, over quota, or does not work"),
    ("unable to open", StoreUnavailable, "the database's file, or what goes with it, cannot be opened"),
)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn a driver's complaints, as far as they are known, into errors of the ledger."""
    try:
        yield
    except PoolTimeout as error:
        raise Busy("all connections to the database are in use") from error
    except IntegrityError:
        raise
    except DBAPIError as error:
        found = _meaning(error)
        if found is None:
            raise
        found.why = _said(error)
        raise found from error


def sqlstate(error: DBAPIError) -> str:
    """Return the SQLSTATE a server gave; empty where none did."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def _meaning(error: DBAPIError) -> LedgerError | None:
    state = sqlstate(error)
    for length in (5, 2):
        if state and state[:length] in _STATES:
            kind, sentence = _STATES[state[:length]]
            return kind(sentence)
    said = _said(error).lower()
    if not state:
        for part, kind, sentence in _SAYINGS:
            if part in said:
                return kind(sentence)
    if error.connection_invalidated:
        return StoreUnavailable("the connection to the database was lost")
    if {"OperationalError", "InterfaceError"} & {each.__name__ for each in type(error.orig).__mro__}:
        return StoreUnavailable("the database does not answer")
    return None


def _said(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
