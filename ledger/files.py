"""Files on a disk that may be full, over quota or read-only: written whole or not at all, or said why not.

SQLite's files are opened here too. Where its write-ahead log cannot be set up beside a file, the file itself
can still be read, as long as nobody writes it: reading goes on when the disk is full.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ledger.errors import NotWritable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FAULTS: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota of this user is used up",
    errno.EFBIG: "a file may not grow any longer: its size is limited",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk does not work",
}
#: What a reader may meet as well, and so says something of the disk only where something was to be written.
_DENIED: Final = dict.fromkeys((errno.EACCES, errno.EPERM), "this user may not write there")
_SQLITE_FAULTS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full, over quota, or does not work",
    sqlite3.SQLITE_CANTOPEN: "a database's file, or what goes with it, cannot be opened or made",
    sqlite3.SQLITE_READONLY: "the disk, or a database's file, is read-only",
    sqlite3.SQLITE_PERM: "this user may not write there",
}


def disk_fault(error: BaseException) -> NotWritable | None:
    """Return what a system's or SQLite's error says of the disk; None if it says something else."""
    return _fault(error, _FAULTS)


def _fault(error: BaseException, meaning: Mapping[int, str]) -> NotWritable | None:
    if isinstance(error, sqlite3.Error):
        said = _SQLITE_FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        why = str(error)
    elif isinstance(error, OSError):
        said = meaning.get(error.errno or 0)
        why = ": ".join(str(each) for each in (error.strerror, error.filename) if each)
    else:
        return None
    return None if said is None else NotWritable(f"nothing more can be written: {said}", why)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Raise `NotWritable` for what the disk refuses within the block."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        fault = _fault(error, _FAULTS | _DENIED)
        if fault is None:
            raise
        raise fault from error


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, mode 0600, durable when this returns. Raises `OSError`.

    Where `path` is a link, what it leads to is replaced: a keystore may lie in a store of secrets.
    """
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def open_lock(path: Path) -> int:
    """Open a file to hold a lock on, made if it is not there; one that is there may be on a read-only disk.

    Raises `NotWritable`.
    """
    with writing():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            with contextlib.suppress(OSError):
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, made if it is not there, against other processes. Raises `NotWritable`."""
    lock = open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def open_sqlite(path: Path, patience: float = 5.0) -> tuple[sqlite3.Connection, bool]:
    """Open a database's file; return the connection, in autocommit, and whether it reads only.

    It reads only where SQLite cannot set up its files beside it, for want of room, and there is no log whose
    content would be missed. Such a connection must not be kept: it does not see what others write later.
    Raises `sqlite3.Error`.
    """
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if disk_fault(error) is None or not _whole(path):
            raise
    except BaseException:
        connection.close()
        raise
    else:
        return connection, False
    address = f"file:{quote(str(path))}?immutable=1"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    return connection, True


def _whole(path: Path) -> bool:
    """Whether a database's file is all there is of it: nothing stands in a log beside it."""
    log = path.with_name(f"{path.name}-wal")
    return path.is_file() and path.stat().st_size > 0 and not (log.exists() and log.stat().st_size)
