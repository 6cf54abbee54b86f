"""Backing an installation up while it works, and restoring it elsewhere.

The order is what makes a backup whole: checkpoints and other files, then the chain, then the vault.

- A checkpoint that is in the backup is over blocks that are in it too: the chain is copied after it.
- Whatever is on the copied chain is in the copied vault: a record, an identity, a statement is in the vault
  before it goes to the chain. What the vault has beyond, the outbox sends again under the same numbers.

The other way round records would be on the chain whose documents are nowhere. Each database is copied as one
snapshot, by SQLite's online backup, while others write. With PostgreSQL `pg_dump` comes last. With a node
elsewhere there is no chain to copy: a vault restored there is older than its chain, and `repair` takes up
what it lacks. The index is not kept: it is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue, NotFound
from ledger.files import disk_fault, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.settings import Settings

MANIFEST: Final = "backup.json"
_FORMAT: Final = "credit-ledger-backup/1"
#: Copied as databases, in this order, last.
_CHAIN, _VAULT = "chain.db", "vault.db"
#: What belongs to running processes or can be made anew.
_LEFT_OUT: Final = frozenset({"chain.lock", "chain.json", "chain.token", "locks", "index.db", MANIFEST})
_SIDE_FILES: Final = ("-wal", "-shm", "-journal", ".new")


class BackupDict(TypedDict):
    """What a backup holds. `next`: what the operator has to do besides, one sentence each."""

    folder: str
    made_at: str
    files: int
    bytes: int
    chain: bool
    vault: bool
    next: list[str]


def back_up(settings: Settings, folder: Path) -> BackupDict:
    """Copy the installation into an empty folder, made if it is not there, for its owner alone.

    Raises `BadValue` (the folder is not empty, or cannot be written), `NotFound` (no installation).
    """
    source = settings.data_dir
    if not (source / "keystore.json").is_file():
        raise NotFound(f"{source} is no data folder: it has no keystore")
    try:
        _empty(folder, "the backup's folder")
        with _whole(folder):
            made_at, files = _fill(settings, folder)
    except (OSError, sqlite3.Error) as error:
        raise BadValue("folder", folder, f"cannot be written as a backup: {_said(error)}") from None
    return {
        "folder": str(folder),
        "made_at": made_at,
        "files": len(files),
        "bytes": sum((folder / name).stat().st_size for name in files),
        "chain": _CHAIN in files,
        "vault": _VAULT in files,
        "next": _next(settings),
    }


def _fill(settings: Settings, folder: Path) -> tuple[str, dict[str, str]]:
    """Copy all, list it last; return when, and the digest of each file."""
    source = settings.data_dir
    names = list(_plain_files(source))
    for name in names:
        _copy(source / name, folder / name)
    databases = [each for each in _databases(settings) if (source / each).is_file()]
    for each in databases:
        _copy_database(source / each, folder / each)
    made_at = iso_instant(int(time.time()))
    files = {str(name): _digest(folder / name) for name in (*names, *map(Path, databases))}
    content: dict[str, Any] = {
        "format": _FORMAT,
        "made_at": made_at,
        "version": version("credit-ledger"),
        "vault": "sqlite" if settings.database_url is None else "postgresql",
        "files": files,
    }
    write_private(folder / MANIFEST, json.dumps(content, indent=1).encode())
    return made_at, files


def restore(settings: Settings, folder: Path) -> BackupDict:
    """Make the data folder, which must be empty or not there, from a backup.

    Every file is compared with what the backup says of it before anything is written. Raises `BadValue`,
    `NotFound` (no whole backup).
    """
    content = _manifest(folder)
    target = settings.data_dir
    names = [Path(name) for name in content["files"]]
    for name in names:
        if name.is_absolute() or ".." in name.parts:
            raise BadValue("folder", folder, f"its list names {name}, outside of it")
        if _digest(folder / name) != content["files"][str(name)]:
            raise BadValue("folder", folder, f"{name} is not what was backed up: damaged, or changed")
    try:
        _empty(target, "the data folder")
        with _whole(target):
            for name in names:
                _copy(folder / name, target / name)
            for name in {Path(_CHAIN), Path(_VAULT)}.intersection(names):
                _with_log(target / name)
    except (OSError, sqlite3.Error) as error:
        raise BadValue("data_dir", target, f"cannot be written: {_said(error)}") from None
    following = ["credit-ledger repair, then credit-ledger audit"]
    if content["vault"] != "sqlite":
        following.insert(0, "the vault is in PostgreSQL: restore its dump before anything else")
    return {
        "folder": str(target),
        "made_at": str(content["made_at"]),
        "files": len(names),
        "bytes": sum((target / name).stat().st_size for name in names),
        "chain": Path(_CHAIN) in names,
        "vault": Path(_VAULT) in names,
        "next": following,
    }


def _next(settings: Settings) -> list[str]:
    found = []
    if settings.database_url is not None:
        found.append("the vault is in PostgreSQL: pg_dump --schema=vault now, after this")
    if settings.rpc_url is not None:
        found.append(f"the chain is a node's ({settings.rpc_url.split('@')[-1]}): its operators back it up")
    if settings.passphrase_file is not None or settings.passphrase is not None:
        found.append("the keystore's passphrase is not in it: keep it elsewhere")
    return found


def _databases(settings: Settings) -> list[str]:
    return [_CHAIN, *([_VAULT] if settings.database_url is None else [])]


def _plain_files(source: Path) -> Iterator[Path]:
    """Yield the files of a data folder that are no databases, by their path within it."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        hidden = name.parts[0] in _LEFT_OUT or name.parts[0] in {_CHAIN, _VAULT}
        if path.is_file() and not path.is_symlink() and not hidden and not name.name.endswith(_SIDE_FILES):
            yield name


def _empty(folder: Path, what: str) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise BadValue("folder", folder, f"{what} is not empty")
    folder.chmod(0o700)


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Leave the folder empty again where it could not be filled: a part is worse than nothing."""
    try:
        yield
    except BaseException:
        for each in folder.iterdir():
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)
        raise


def _said(error: Exception) -> str:
    fault = disk_fault(error)
    return str(error) if fault is None else str(fault)


def _with_log(path: Path) -> None:
    """Give a database its write-ahead log back, so that readers do not wait for writers."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _copy(source: Path, target: Path) -> None:
    """Copy a file, readable for its owner alone and durable when this returns."""
    for folder in reversed(target.relative_to(target.anchor).parents):
        made = Path(target.anchor) / folder
        if not made.exists():
            made.mkdir(mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as written:
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at this moment: one snapshot, whatever is being written."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    read, written = sqlite3.connect(source, timeout=30), sqlite3.connect(target)
    try:
        read.backup(written)
        (verdict,) = written.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"{source.name}: {verdict}")
        written.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    finally:
        written.close()
        read.close()
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        if content["format"] == _FORMAT and isinstance(content["files"], dict) and content["vault"]:
            return content
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise NotFound(f"{folder} holds no whole backup: {MANIFEST} is missing or not one of this software's")
