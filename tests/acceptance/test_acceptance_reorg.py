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


def test_nothing_is_signed_by_a_clock_that_is_not_the_nodes(anvil: Anvil, tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")
    made.on_anvil(anvil)
    first = write_records(tmp_path / "a.csv", rows("A", 1))
    take = ("import", first, "--format", "records", "--authority", "GACC")
    made.run("status")
    for days, says in (
        (400, "days after the chain's last block"),
        (-1, "by a clock that is behind the chain's"),
    ):
        made.settings["FAKE_OFFSET"] = str(days * 86_400)
        for verb in (take, ("checkpoint",), ("assess",), ("authority", "suspend", "STA")):
            assert says in made.run(*verb, code=1).stderr, verb
        assert says in made.json("status")["clock"]
        assert any(says in each["why"] for each in made.json("audit", code=None)["not_checked"])
    made.settings["FAKE_OFFSET"] = "0"
    assert made.json("status")["outbox"]["queued"] == 1
    made.run("start", "--once")
    made.run("checkpoint")
    made.settings["FAKE_OFFSET"] = str(400 * 86_400)  # the chain rested, and somebody says so
    made.run("--clock-is-right", "checkpoint")
