"""Backing an installation up while it works (`restoring` brings it back).

The order is what makes a backup whole: checkpoints and other files, then the chain, then the vault.

- A checkpoint that is in the backup is over blocks that are in it too: the chain is copied after it.
- Whatever is on the copied chain is in the copied vault: a record, an identity, a statement is in the vault
  before it goes to the chain. What the vault has beyond, the outbox sends again under the same numbers.

The other way round records would be on the chain whose documents are nowhere. Each database is copied as one
snapshot, by SQLite's online backup, while others write. With PostgreSQL `pg_dump` comes last. With a node
elsewhere there is no chain to copy: a vault restored there is older than its chain, and `repair` takes up
what it lacks. The index is not kept: it is made anew.

What is a link, of the files that an installation has, is copied as what it leads to. Whatever else is no
plain file is refused: a backup says what it holds, and holds what it says.
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

from ledger.chain.connect import CHAIN_FILE
from ledger.chain.keystore import KEYSTORE
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue, NotFound
from ledger.files import disk_fault, write_private
from ledger.store.database import VAULT_FILE
from ledger.workflows.kept_checkpoints import FOLDER as CHECKPOINTS
from ledger.workflows.kept_checkpoints import KNOWN
from ledger.workflows.scorecards import FOLDER as CARDS
from ledger.workflows.unfinished import clear, refuse_unfinished

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ledger.settings import Settings

MANIFEST: Final = "backup.json"
FORMAT: Final = "credit-ledger-backup/1"
_PASSPHRASE: Final = "passphrase"  # noqa: S105  the name of its file
#: What an installation has besides its databases; these may be links to where they are kept.
_OURS: Final = frozenset({KEYSTORE, _PASSPHRASE, CHECKPOINTS, KNOWN, CARDS, "taken-back", "audit"})
#: What belongs to running processes or can be made anew.
_LEFT_OUT: Final = frozenset(
    {"chain.lock", "chain.json", "chain.token", "keystore.lock", "locks", "index.db"}
    | {MANIFEST, CHAIN_FILE, VAULT_FILE}
)
_SIDE_FILES: Final = ("-wal", "-shm", "-journal", ".new")


class BackupDict(TypedDict):
    """What a backup holds: `holds` in words, as it is in it; `linked` files were links, and are copies there.

    `next`: what the operator has to do besides, one sentence each.
    """

    folder: str
    made_at: str
    files: int
    bytes: int
    chain: bool
    vault: bool
    holds: list[str]
    linked: list[str]
    next: list[str]


def back_up(settings: Settings, folder: Path) -> BackupDict:
    """Copy the installation into an empty folder, made if it is not there, for its owner alone.

    Raises `BadValue` (the folder is not empty, or cannot be written; what is no plain file in the data
    folder), `NotFound` (no installation), `Misconfigured` (one that was not restored to the end).
    """
    source = settings.data_dir
    refuse_unfinished(source)
    if not (source / KEYSTORE).is_file():
        raise NotFound(f"{source} is no data folder: it has no keystore")
    try:
        empty(folder, "the backup's folder")
        with _whole(folder):
            made_at, files = _fill(settings, folder)
    except (OSError, sqlite3.Error) as error:
        raise BadValue("folder", folder, f"cannot be written as a backup: {said(error)}") from None
    return {
        **described(folder, made_at, files),
        "linked": [name for name in files if _through_link(source, name)],
        "next": _next(settings, files),
    }


def described(folder: Path, made_at: str, files: Collection[str]) -> BackupDict:
    """Return what these files, copied into `folder`, are, with nothing linked and nothing to do."""
    many = sum(Path(name).parts[0] == CHECKPOINTS for name in files)
    cards = sum(Path(name).parts[0] == CARDS for name in files)
    parts = {
        "keys": KEYSTORE in files,
        "their passphrase": _PASSPHRASE in files,
        f"{many} checkpoints": many,
        f"{cards} cards": cards,
        "chain": CHAIN_FILE in files,
        "vault": VAULT_FILE in files,
    }
    return {
        "folder": str(folder),
        "made_at": made_at,
        "files": len(files),
        "bytes": sum((folder / name).stat().st_size for name in files),
        "chain": CHAIN_FILE in files,
        "vault": VAULT_FILE in files,
        "holds": [part for part, there in parts.items() if there],
        "linked": [],
        "next": [],
    }


def _fill(settings: Settings, folder: Path) -> tuple[str, dict[str, str]]:
    """Copy all, list it last; return when, and the digest of each file."""
    source = settings.data_dir
    names = list(_plain_files(source))
    for name in names:
        copy(source / name, folder / name)
    databases = [each for each in _databases(settings) if _there(source / each)]
    for each in databases:
        _copy_database(source / each, folder / each)
    made_at = iso_instant(int(time.time()))
    files = {str(name): digest(folder / name) for name in (*names, *map(Path, databases))}
    content: dict[str, Any] = {
        "format": FORMAT,
        "made_at": made_at,
        "version": version("credit-ledger"),
        "vault": "sqlite" if settings.database_url is None else "postgresql",
        "files": files,
    }
    write_private(folder / MANIFEST, json.dumps(content, indent=1).encode())
    return made_at, files


def _next(settings: Settings, files: Collection[str]) -> list[str]:
    missing = [each for each in _databases(settings) if each not in files]
    found = [f"there was no {each} in {settings.data_dir}, and so none is in it" for each in missing]
    if settings.database_url is not None:
        found.append("the vault is in PostgreSQL: pg_dump --schema=vault now, after this")
    if settings.rpc_url is not None:
        found.append(f"the chain is a node's ({settings.rpc_url.split('@')[-1]}): its operators back it up")
    if settings.passphrase_file is not None or settings.passphrase is not None:
        found.append("the keystore's passphrase is not in it: keep it elsewhere")
    return found


def _databases(settings: Settings) -> list[str]:
    chain = [CHAIN_FILE] if settings.rpc_url is None else []
    return [*chain, *([VAULT_FILE] if settings.database_url is None else [])]


def _plain_files(source: Path) -> Iterator[Path]:
    """Yield the files of a data folder that are no databases, by their path within it. Raises `BadValue`."""
    for path in sorted(source.iterdir()):
        if path.name not in _LEFT_OUT:
            yield from _files_at(path, source)


def _files_at(path: Path, source: Path) -> Iterator[Path]:
    name = path.relative_to(source)
    if path.name.endswith(_SIDE_FILES):
        return
    if path.is_symlink() and (name.parts[0] not in _OURS or (path.is_dir() and len(name.parts) > 1)):
        raise _no_file(source, f"{name} is a link to {path.readlink()}, and no file of an installation")
    if path.is_dir():
        for each in sorted(path.iterdir()):
            yield from _files_at(each, source)
    elif path.is_file():
        yield name
    elif path.is_symlink():
        raise _no_file(source, f"{name} is a link to {path.readlink()}, which is no file that can be read")
    elif path.exists():
        raise _no_file(source, f"{name} is no plain file")


def _no_file(source: Path, why: str) -> BadValue:
    return BadValue("data_dir", source, f"{why}: nothing was copied")


def _there(database: Path) -> bool:
    """Whether there is a database to copy. Raises `BadValue` for a link that leads to none."""
    if database.is_symlink() and not database.is_file():
        why = f"{database.name} is a link to {database.readlink()}, which is no file that can be read"
        raise _no_file(database.parent, why)
    return database.is_file()


def _through_link(source: Path, name: str) -> bool:
    """Whether a file, or a folder it is in, is a link."""
    parts = Path(name).parts
    return any((source / Path(*parts[:many])).is_symlink() for many in range(1, len(parts) + 1))


def empty(folder: Path, what: str) -> None:
    """Make a folder for its owner alone. Raises `BadValue` where there is something in it."""
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
        clear(folder)
        raise


def said(error: Exception) -> str:
    """Return what a disk, or a database, says of itself."""
    fault = disk_fault(error)
    return str(error) if fault is None else str(fault)


def copy(source: Path, target: Path) -> None:
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


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises `NotFound`."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
