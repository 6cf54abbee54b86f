"""What belongs together and is parted: keys without their vault, half a restoration, links in place of files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from installation import Installation, write_records
from killed import killed_at, lines_of

from ledger.settings import Settings
from ledger.workflows.restoring import restore

FIRM = "9144030071526726XG"
RESTORING = ("restoring.py:restore", "restoring.py:_with_log", "unfinished.py:filling", "unfinished.py:clear")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a record and a checkpoint, and its backup beside it."""
    made = Installation(tmp_path_factory.mktemp("base") / "data")
    row = {"party": FIRM, "type": "CU04", "decided_on": "2026-05-04", "reference": "A1", "document": "a fine"}
    rows = write_records(made.folder.parent / "rows.csv", [row])
    made.run("import", rows, "--format", "records", "--authority", "GACC")
    made.run("checkpoint")
    made.run("backup", made.folder.parent / "backup")
    return made.folder


@pytest.fixture
def place(base: Path, tmp_path: Path) -> Installation:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "data")
    return Installation(tmp_path / "data")


@pytest.fixture
def backup(base: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    return shutil.copytree(base.parent / "backup", tmp_path / "backup")


def moved(path: Path) -> Path:
    """Put a file or folder elsewhere, and leave a link to it."""
    there = path.parent.parent / f"elsewhere-{path.name}"
    path.rename(there)
    path.symlink_to(there)
    return there


# ---------------------------------------------------------------------- links


def test_what_is_kept_elsewhere_by_a_link_is_in_the_backup(place: Installation, tmp_path: Path) -> None:
    for name in ("keystore.json", "passphrase", "checkpoints", "vault.db"):
        moved(place.folder / name)
    found = place.json("backup", tmp_path / "copy")
    assert found["holds"] == ["keys", "their passphrase", "1 checkpoints", "chain", "vault"]
    checkpoint = next((place.folder / "checkpoints").iterdir()).name
    assert sorted(found["linked"]) == [
        f"checkpoints/{checkpoint}",
        "keystore.json",
        "passphrase",
        "vault.db",
    ]
    assert not any(each.is_symlink() for each in (tmp_path / "copy").rglob("*"))
    other = Installation(tmp_path / "other")
    said = other.run("restore", tmp_path / "copy").stdout
    assert "with it: keys, their passphrase, 1 checkpoints, chain, vault" in said
    assert other.json("record", FIRM)["records"][0]["held"] == "opened"
    assert other.json("audit")["verdict"] == "holds"


def test_what_is_no_plain_file_is_named_and_not_left_out(place: Installation, tmp_path: Path) -> None:
    def refused() -> str:
        said = place.run("backup", tmp_path / "copy", code=1).stderr
        assert not any((tmp_path / "copy").iterdir())
        return said

    (place.folder / "notes").symlink_to("/etc")
    assert "notes is a link to /etc, and no file of an installation" in refused()
    (place.folder / "notes").unlink()
    os.mkfifo(place.folder / "checkpoints" / "pipe")
    assert "checkpoints/pipe is no plain file" in refused()
    (place.folder / "checkpoints" / "pipe").unlink()
    (place.folder / "passphrase").rename(place.folder.parent / "passphrase")
    (place.folder / "passphrase").symlink_to(place.folder.parent / "gone")
    assert "which is no file that can be read" in refused()
    (place.folder / "passphrase").unlink()
    shutil.copy(place.folder.parent / "passphrase", place.folder)
    moved(place.folder / "chain.db").unlink()
    assert "chain.db is a link to" in refused()


def test_a_key_made_later_goes_to_where_the_keystore_is_kept(place: Installation) -> None:
    there = moved(place.folder / "keystore.json")
    keys = len(json.loads(there.read_text())["keys"])
    place.run("authority", "key", "GACC", "--new")
    assert (place.folder / "keystore.json").is_symlink()
    assert len(json.loads(there.read_text())["keys"]) == keys + 1


# ---------------------------------------------------------------------- keys, vault and chain


def test_no_keys_are_made_beside_what_was_made_with_others(place: Installation, tmp_path: Path) -> None:
    (place.folder / "keystore.json").rename(tmp_path / "keystore.json")
    shutil.copytree(place.folder, tmp_path / "chain alone")
    (tmp_path / "chain alone" / "vault.db").unlink()
    for each, beside in ((place, "the vault"), (Installation(tmp_path / "chain alone"), "chain.db")):
        for verb in (("status",), ("score", FIRM), ("start", "--once"), ("audit",)):
            says = each.run(*verb, code=1).stderr
            assert "keystore.json is missing" in says
            assert f"{beside} was made with its keys" in says
        assert not (each.folder / "keystore.json").exists()
    (tmp_path / "keystore.json").rename(place.folder / "keystore.json")
    assert place.json("audit")["verdict"] == "holds"


def test_a_vault_is_not_opened_with_another_keystore(place: Installation, tmp_path: Path) -> None:
    other = Installation(tmp_path / "other")
    other.run("start", "--once")
    for name in ("keystore.json", "passphrase"):
        shutil.copy(other.folder / name, place.folder)
    for verb in (("status",), ("record", FIRM), ("audit",)):
        assert "the vault was made with another keystore than" in place.run(*verb, code=1).stderr


def test_no_chain_is_begun_beside_the_vault_of_another(place: Installation) -> None:
    for each in place.folder.glob("chain.db*"):
        each.unlink()
    assert "chain.db is missing, and the vault belongs to it" in place.run("status", code=1).stderr
    assert not (place.folder / "chain.db").exists()


# ---------------------------------------------------------------------- restoring


def changed(backup: Path, **values: Any) -> None:
    """Change what a backup says of itself; None: leave it out."""
    path = backup / "backup.json"
    content = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_a_backup_without_its_keystore_is_restored_only_where_that_is_said(
    backup: Path, tmp_path: Path
) -> None:
    files = json.loads((backup / "backup.json").read_text())["files"]
    changed(backup, files={name: value for name, value in files.items() if name != "keystore.json"})
    other = Installation(tmp_path / "other")
    assert "has no keystore.json" in other.run("restore", backup, code=1).stderr
    assert not other.folder.exists()
    said = other.run("restore", backup, "--without-keystore").stdout
    assert "with it: their passphrase, 1 checkpoints, chain, vault" in said
    assert "put the keystore that it was made with at" in said
    assert "keystore.json is missing" in other.run("status", code=1).stderr
    shutil.copy(backup / "keystore.json", other.folder)
    assert other.json("record", FIRM)["records"][0]["held"] == "opened"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"made_at": None}, "holds no whole backup"),
        ({"made_at": 7}, "holds no whole backup"),
        ({"vault": "elsewhere"}, "holds no whole backup"),
        ({"files": ["keystore.json"]}, "holds no whole backup"),
        ({"files": {"keystore.json": 7}}, "holds no whole backup"),
        ({"files": {"keystore.json": "0" * 64, "./cards": "0" * 64}}, "in no plain form"),
        ({"files": {"keystore.json": "0" * 64, "a\0b": "0" * 64}}, "in no plain form"),
        ({"files": {"keystore.json": "0" * 64, "cards": "0" * 64}}, "no file there"),
    ],
)
def test_a_list_that_is_none_is_refused_before_anything_is_written(
    backup: Path, tmp_path: Path, values: dict[str, Any], says: str
) -> None:
    changed(backup, **values)
    other = Installation(tmp_path / "other")
    assert says in other.run("restore", backup, code=1).stderr
    (backup / "backup.json").write_text("[" * 100_000)
    assert "holds no whole backup" in other.run("restore", backup, code=1).stderr
    assert not other.folder.exists()


def tree(folder: Path) -> dict[str, bytes]:
    """The files of a folder, but for a database's log."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_restoration_killed_anywhere_is_refused_until_it_is_done_again(
    backup: Path, tmp_path: Path
) -> None:
    other, whole = Installation(tmp_path / "other"), tmp_path / "whole"
    places = lines_of(lambda: restore(Settings(data_dir=whole), backup), *RESTORING)
    settings = Settings(data_dir=other.folder)
    refused = 0
    for number in places:
        ended = killed_at(number, lambda: restore(settings, backup), *RESTORING)
        files = tree(other.folder) if other.folder.exists() else {}
        if "restore.unfinished" in files:
            assert not ended
            refused += 1
            if refused % 8 == 1:
                for verb in (("status",), ("score", FIRM), ("backup", tmp_path / "copy")):
                    assert "did not get to the end" in other.run(*verb, code=1).stderr
        elif files:
            assert files == tree(whole)
            shutil.rmtree(other.folder)
    assert refused > len(places) / 3
    other.run("restore", backup)
    assert tree(other.folder) == tree(whole)
    assert other.json("audit")["verdict"] == "holds"


def test_two_do_not_restore_into_one_folder(backup: Path, tmp_path: Path) -> None:
    from ledger.workflows.unfinished import filling

    other = Installation(tmp_path / "other")
    other.folder.mkdir()
    with filling(other.folder):
        assert "another process is restoring" in other.run("restore", backup, code=1).stderr
