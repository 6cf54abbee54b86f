"""A node takes blocks back and makes others: the index follows, the outbox sends again, nothing is recorded twice."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from installation import Installation, write_records

if TYPE_CHECKING:
    from pathlib import Path

    from nodes import Anvil

pytestmark = pytest.mark.anvil
PARTIES = ("9144030071526726XG", "91440606722473344C", "91440300192317458F")


def rows(prefix: str, many: int) -> list[dict[str, str]]:
    return [
        {"party": PARTIES[n % 3], "type": "CU05", "decided_on": "2026-09-01", "reference": f"{prefix}-{n}"}
        for n in range(many)
    ]


def index_rows(installation: Installation) -> dict[str, list[Any]]:
    """Every row of the index, as it is."""
    with sqlite3.connect(installation.folder / "index.db") as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    connection.close()
    return {name: sorted(map(repr, found[name])) for name in sorted(found)}


def test_a_reorg_is_undone_and_redone(anvil: Anvil, tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    made.on_anvil(anvil)
    first, second = (
        write_records(tmp_path / "a.csv", rows("A", 20)),
        write_records(tmp_path / "b.csv", rows("B", 30)),
    )
    made.json("import", first, "--format", "records", "--authority", "GACC")
    before = index_rows(made)

    snapshot = anvil.request("evm_snapshot")
    made.json("import", second, "--format", "records", "--authority", "GACC")
    after = index_rows(made)
    assert after != before

    assert anvil.request("evm_revert", snapshot)
    anvil.request("anvil_mine", "0x5")  # other blocks now stand where the second import stood
    assert len(made.json("record", PARTIES[0])["records"]) == 7
    undone = index_rows(made)
    assert undone["runs"] == before["runs"]

    again = made.json("import", second, "--format", "records", "--authority", "GACC")
    assert (again["recorded"], again["duplicate"]) == (0, 30)
    assert len(made.json("record", PARTIES[0])["records"]) == 17
    assert made.json("audit", code=4)["checked"]["records"] == 50
    redone = index_rows(made)
    made.json("rebuild")
    assert index_rows(made) == redone
