"""One byte changed anywhere, and the audit says where."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from installation import Installation, write_records

if TYPE_CHECKING:
    from pathlib import Path

PARTY = "9144030071526726XG"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A small ledger on which the audit holds."""
    folder = tmp_path_factory.mktemp("honest")
    rows = [
        {
            "party": PARTY,
            "type": "CU04",
            "decided_on": "2026-05-04",
            "reference": f"GZ-{number}",
            "document": "fine",
        }
        for number in range(5)
    ]
    installation = Installation(folder / "data")
    installation.run(
        "import", write_records(folder / "rows.csv", rows), "--format", "records", "--authority", "GACC"
    )
    installation.run("checkpoint")
    assert installation.json("audit")["ok"]
    return installation


@pytest.fixture
def copy(honest: Installation, tmp_path: Path) -> Installation:
    """A copy of it, to be tampered with."""
    shutil.copytree(honest.folder, tmp_path / "data")
    return Installation(tmp_path / "data")


def flipped(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def change(path: Path, table: str, key: str, column: str, at: int, where: str = "1") -> None:
    with sqlite3.connect(path) as connection:
        chosen = f"SELECT {key}, {column} FROM {table} WHERE {where} ORDER BY {key} LIMIT 1"
        name, value = connection.execute(chosen).fetchone()
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (flipped(value, at), name))
    connection.close()


def deviations(installation: Installation) -> list[dict[str, Any]]:
    report = installation.json("audit", code=1)
    assert report["ok"] is False
    assert report["deviations"]
    for each in report["deviations"]:
        assert {"what", "where", "expected", "found"} <= each.keys()
    return list(report["deviations"])


def test_a_byte_of_a_document(copy: Installation) -> None:
    change(copy.folder / "vault.db", "documents", "seq", "sealed", 40)
    (found,) = deviations(copy)
    assert "document" in found["what"]
    assert "GACC-" in found["where"]


def test_a_byte_of_an_index_row(copy: Installation) -> None:
    change(copy.folder / "index.db", "runs", "leaf_index", "records", 70)
    found = deviations(copy)
    assert any("run" in each["where"] or "index" in each["where"] for each in found)


def test_a_byte_of_an_index_row_number(copy: Installation) -> None:
    with sqlite3.connect(copy.folder / "index.db") as connection:
        connection.execute("UPDATE enterprises SET commitment = zeroblob(32)")
    connection.close()
    assert deviations(copy)


def test_a_byte_of_a_blocks_log_data(copy: Installation) -> None:
    with sqlite3.connect(copy.folder / "index.db") as connection:
        (records,) = connection.execute("SELECT records FROM runs").fetchone()
    connection.close()
    commitment = records[32:64]
    with sqlite3.connect(copy.folder / "chain.db") as connection:
        stored = connection.execute("SELECT k, v FROM kv WHERE instr(v, ?)", (commitment,)).fetchall()
        assert stored, "the record's bytes are in the chain's file"
        for key, value in stored:
            changed = flipped(value, value.index(commitment) + 3)
            connection.execute("UPDATE kv SET v = ? WHERE k = ?", (changed, key))
    connection.close()
    found = deviations(copy)
    assert any("block" in each["where"] for each in found)


def test_a_salt_of_an_identity(copy: Installation) -> None:
    change(copy.folder / "vault.db", "identities", "enterprise", "salt", 0)
    (found,) = deviations(copy)
    assert "identit" in found["what"] or "identit" in found["where"]


def test_a_dropped_index_row(copy: Installation) -> None:
    with sqlite3.connect(copy.folder / "index.db") as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    assert deviations(copy)
