"""Whatever a verb writes is its user's alone, whatever the umask; a data folder that is open is named."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from installation import Installation, write_records
from nodes import free_port

from ledger.cli.common import write_file

if TYPE_CHECKING:
    from pathlib import Path

FIRM = "9144030071526726XG"
ROW = {"party": FIRM, "type": "CU04", "decided_on": "2026-05-04", "reference": "GZ-1", "document": "fine"}
BAD = {"party": FIRM, "type": "ZZ01", "decided_on": "2026-05-04", "reference": "GZ-2"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("files") / "made" / "data")


def open_to_others(folder: Path) -> dict[str, str]:
    """What of a folder, itself included, others than its owner may read, write or enter."""
    found = {str(each): stat.S_IMODE(each.lstat().st_mode) for each in (folder, *folder.rglob("*"))}
    return {name: oct(mode) for name, mode in found.items() if mode & 0o077}


def test_the_main_job_leaves_nothing_that_others_may_read(place: Installation, tmp_path: Path) -> None:
    given, made = write_records(tmp_path / "rows.csv", [ROW, BAD]), place.folder.parent
    place.here("start", "--once")
    place.here("import", given, "--format", "records", "--authority", "GACC", code=3)
    place.here("assess")
    place.here("checkpoint", "-o", made / "handed-out.checkpoint")
    place.here("prove", FIRM, "-o", made / "evidence.json")
    place.here("verify", made / "evidence.json", "--allow-incomplete", code=None)
    place.here("audit", "--report", made / "report.html", code=None)
    place.here("objection", "new-key", made / "firm.json", "--passphrase-file", place.folder / "passphrase")
    place.here("repair")
    place.here("rebuild")
    place.here("key", "create", "--scope", "audit")
    place.here("backup", made / "deep" / "backup")
    Installation(made / "restored" / "data").here("restore", made / "deep" / "backup")
    assert open_to_others(made) == {}
    assert open_to_others(tmp_path / "rows.csv.rejects.csv") == {}
    written = {each.name for each in made.rglob("*")}
    assert {"vault.db", "index.db", "chain.db", "keystore.json", "chain.lock", "report.html"} <= written


def test_the_process_that_serves_and_a_witness_write_for_their_users_alone(place: Installation) -> None:
    made = place.folder.parent
    key = json.loads(place.here("checkpoint", "--json").stdout)["key"]
    arguments = (
        "--name",
        "witness.example/w",
        "--log",
        key,
        "--folder",
        made / "witness",
        "--port",
        str(free_port()),
    )
    serving, witness = place.start(free_port()), place.begin("witness", *arguments)
    try:
        assert witness.stdout is not None
        vkey = witness.stdout.readline().split("key ")[1].strip()
        cosigning = f"{vkey}@{witness.stdout.readline().split('/add-checkpoint')[0]}"
        place.run("checkpoint", "--witness", cosigning)
        assert {"chain.token", "chain.json"} <= {each.name for each in place.folder.iterdir()}
        assert open_to_others(made) == {}
    finally:
        for each in (serving, witness):
            each.terminate()
            each.communicate(timeout=60)
    assert open_to_others(made) == {}


def test_an_open_data_folder_is_named_and_not_changed(place: Installation) -> None:
    assert json.loads(place.here("status", "--json").stdout)["warnings"] == []
    place.folder.chmod(0o755)
    for verb in (("status",), ("start", "--once")):
        done = place.here(*verb)
        assert f"chmod 700 {place.folder}" in done.stdout + done.stderr
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o755
    place.folder.chmod(0o700)


def test_a_file_that_stood_open_is_replaced_by_one_that_is_not(tmp_path: Path) -> None:
    path, aim = tmp_path / "evidence.json", tmp_path / "aim"
    path.write_text("before")
    path.chmod(0o644)
    write_file(path, b"now")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"now", 0o600)
    aim.write_text("before")
    (tmp_path / "link").symlink_to(aim)
    write_file(tmp_path / "link", b"now")
    assert aim.read_bytes() == b"now"
    assert (tmp_path / "link").is_symlink()
