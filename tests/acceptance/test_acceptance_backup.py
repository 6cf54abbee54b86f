"""Backed up while importing, restored elsewhere, gone on from there, and audited."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from installation import Installation, write_records
from postgres import Postgres, server_folder
from tools import missing

if TYPE_CHECKING:
    from pathlib import Path

FIRM = "9144030071526726XG"
MANY = 2_000
#: As many as are still being imported when a copy of the rest is made.
SOME = 3_000


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of as many firms as an office meets in a busy week, by name."""
    found = [
        {
            "party": f"name:US:Seller {number % 400}",
            "type": "CU04",
            "decided_on": "2026-05-04",
            "reference": f"R{number}",
            "document": f"penalty {number}",
        }
        for number in range(MANY)
    ]
    return write_records(tmp_path_factory.mktemp("rows") / "rows.csv", found)


def test_a_backup_made_while_importing_is_whole(tmp_path: Path, rows: Path) -> None:
    place = Installation(tmp_path / "data")
    place.run("start", "--once")
    place.run(
        "import",
        write_records(tmp_path / "one.csv", [_one("A1")]),
        "--format",
        "records",
        "--authority",
        "STA",
    )
    place.run("checkpoint")
    importing = place.begin("import", rows, "--format", "records", "--authority", "GACC")
    backups = []
    while importing.poll() is None and len(backups) < 6:
        time.sleep(0.7)
        folder = tmp_path / f"backup{len(backups)}"
        done = place.json("backup", folder)
        assert (done["chain"], done["vault"]) == (True, True)
        backups.append((folder, importing.poll() is None))
    output = importing.communicate(timeout=240)[0]
    assert importing.returncode == 0, output
    assert any(during for _, during in backups)
    middle = [folder for folder, during in backups if during][-1]
    assert {each.stat().st_mode & 0o077 for each in middle.rglob("*")} == {0}

    elsewhere = Installation(tmp_path / "elsewhere")
    assert elsewhere.json("restore", middle)["chain"]
    repaired = elsewhere.json("repair")
    assert repaired["not_held"] == []  # all that the chain had is in the vault
    assert repaired["problem"] is None
    again = elsewhere.json("import", rows, "--format", "records", "--authority", "GACC")
    assert again["rejected"] == 0
    assert again["recorded"] + again["duplicate"] == MANY
    outbox = elsewhere.json("status")["outbox"]
    assert (outbox["queued"], outbox["sealed"], outbox["recorded"]) == (0, 0, MANY + 1)  # nothing twice
    elsewhere.run("checkpoint")  # what was signed before the backup still begins this log
    assert elsewhere.json("audit")["verdict"] == "holds"


@pytest.mark.postgres
def test_a_vault_in_postgresql_is_dumped_last_and_restored_first(tmp_path: Path) -> None:
    programs = server_folder()
    if programs is None or not (programs / "pg_dump").exists():
        missing("PostgreSQL")
    assert programs is not None
    few = write_records(tmp_path / "few.csv", [_one(f"A{number}") for number in range(SOME)])
    take = ("import", few, "--format", "records", "--authority", "STA")
    with Postgres(programs) as server:
        place, elsewhere = Installation(tmp_path / "data"), Installation(tmp_path / "elsewhere")
        for each in (place, elsewhere):
            each.settings["CREDIT_LEDGER_DATABASE_URL"] = server.new_database()
        url, new_url = (
            each.settings["CREDIT_LEDGER_DATABASE_URL"].replace("+psycopg", "") for each in (place, elsewhere)
        )
        place.run("start", "--once")
        importing = place.begin(*take)
        whole = []
        while importing.poll() is None:
            folder = tmp_path / f"backup{len(whole)}"
            done = place.json("backup", folder)
            assert (done["chain"], done["vault"]) == (True, False)
            _run(
                programs / "pg_dump",
                "--schema=vault",
                "--format=custom",
                f"--file={folder / 'vault.dump'}",
                url,
            )
            whole += [folder] if importing.poll() is None else []
        output = importing.communicate(timeout=240)[0]
        assert importing.returncode == 0, output
        assert whole, "nothing was copied while it imported"
        folder, dump = whole[-1], whole[-1] / "vault.dump"

        _run(programs / "pg_restore", f"--dbname={new_url}", dump)
        assert elsewhere.json("restore", folder)["chain"]
        repaired = elsewhere.json("repair")
        assert (repaired["not_held"], repaired["problem"]) == ([], None)
        again = elsewhere.json(*take)
        assert (again["rejected"], again["recorded"] + again["duplicate"]) == (0, SOME)
        outbox = elsewhere.json("status")["outbox"]
        assert (outbox["queued"], outbox["sealed"], outbox["recorded"]) == (0, 0, SOME)
        elsewhere.run("checkpoint")
        assert elsewhere.json("audit")["verdict"] == "holds"


def _run(*command: object) -> None:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_no_whole_backup_is_refused(tmp_path: Path) -> None:
    place = Installation(tmp_path / "data")
    assert "no data folder" in place.run("backup", tmp_path / "none", code=1).stderr
    place.run("start", "--once")
    assert "is not empty" in place.run("backup", place.folder, code=1).stderr
    place.run("backup", tmp_path / "backup")
    other = Installation(tmp_path / "other")
    assert "holds no whole backup" in other.run("restore", tmp_path, code=1).stderr
    assert "is not empty" in place.run("restore", tmp_path / "backup", code=1).stderr
    shutil.copytree(tmp_path / "backup", tmp_path / "changed")
    with (tmp_path / "changed" / "vault.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"changed")
    assert "damaged, or changed" in other.run("restore", tmp_path / "changed", code=1).stderr
    listed = json.loads((tmp_path / "backup" / "backup.json").read_text())
    listed["files"]["../outside"] = "00" * 32
    (tmp_path / "backup" / "backup.json").write_text(json.dumps(listed))
    assert "outside of it" in other.run("restore", tmp_path / "backup", code=1).stderr
    assert not other.folder.exists()


def _one(reference: str) -> dict[str, str]:
    return {"party": FIRM, "type": "TX01", "decided_on": "2026-05-04", "reference": reference}
