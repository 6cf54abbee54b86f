"""Restoring an installation from its backup: all of it, or a folder that says that it is not whole."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.chain.connect import CHAIN_FILE
from ledger.chain.keystore import KEYSTORE
from ledger.errors import BadValue, NotFound
from ledger.json_text import read_json_file
from ledger.store.database import VAULT_FILE
from ledger.workflows.backup import FORMAT, MANIFEST, copy, described, digest, empty, said
from ledger.workflows.unfinished import UNFINISHED, filling

if TYPE_CHECKING:
    from ledger.settings import Settings
    from ledger.workflows.backup import BackupDict

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class _Manifest(NamedTuple):
    """What a backup says of itself: when it was made, where its vault is, the digest of each file."""

    made_at: str
    vault: str
    files: dict[str, str]


def restore(settings: Settings, folder: Path, *, without_keystore: bool = False) -> BackupDict:
    """Make the data folder, which must be empty or not there, from a backup; or one that was not finished.

    Every file is compared with what the backup says of it before anything is written. `without_keystore`:
    the keys are kept elsewhere, and are put there before anything else is done. Raises `BadValue`,
    `NotFound` (no whole backup), `Busy`.
    """
    content, target = _manifest(folder), settings.data_dir
    if KEYSTORE not in content.files and not without_keystore:
        why = f"has no {KEYSTORE}, without whose keys nothing opens; kept elsewhere: --without-keystore"
        raise BadValue("folder", folder, why)
    for name, known in content.files.items():
        if digest(folder / name) != known:
            raise BadValue("folder", folder, f"{name} is not what was backed up: damaged, or changed")
    try:
        if not (target / UNFINISHED).exists():
            empty(target, "the data folder")
        with filling(target):
            for name in content.files:
                copy(folder / name, target / name)
            for name in {CHAIN_FILE, VAULT_FILE} & content.files.keys():
                _with_log(target / name)
    except (OSError, sqlite3.Error) as error:
        raise BadValue("data_dir", target, f"cannot be written: {said(error)}") from None
    following = ["credit-ledger repair, then credit-ledger audit"]
    if KEYSTORE not in content.files:
        following.insert(0, f"put the keystore that it was made with at {target / KEYSTORE}")
    if content.vault != "sqlite":
        following.insert(0, "the vault is in PostgreSQL: restore its dump before anything else")
    return {**described(target, content.made_at, content.files), "next": following}


def _with_log(path: Path) -> None:
    """Give a database its write-ahead log back, so that readers do not wait for writers."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _manifest(folder: Path) -> _Manifest:
    """Read what a backup says of itself. Raises `NotFound` (none, or not a whole one), `BadValue`."""
    try:
        content = read_json_file(folder / MANIFEST)
        found = _Manifest(content["made_at"], content["vault"], content["files"])
        good = content["format"] == FORMAT and isinstance(found.made_at, str)
        good &= found.vault in {"sqlite", "postgresql"}
        good &= all(bool(_DIGEST.fullmatch(each)) for each in found.files.values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        good = False
    if not good:
        raise NotFound(f"{folder} holds no whole backup: {MANIFEST} is missing or not one of this software's")
    for name in found.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name or not name.isprintable():
            raise BadValue("folder", folder, f"its list names {name!r}, outside of it or in no plain form")
        if not (folder / name).is_file():
            raise BadValue("folder", folder, f"{name} is in its list, and no file there")
    return found
