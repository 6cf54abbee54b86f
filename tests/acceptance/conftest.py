"""The same installation twice: on one machine with nothing but Python, and on a node with PostgreSQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "store"))

from installation import Installation
from nodes import ANVIL, Anvil
from postgres import Postgres, server_folder
from tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGER = [pytest.mark.anvil, pytest.mark.postgres]


@pytest.fixture(params=["embedded+sqlite", pytest.param("anvil+postgresql", marks=LARGER)], scope="module")
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An empty installation, for the tests of one module in order."""
    made = Installation(tmp_path_factory.mktemp("installation") / "data")
    if request.param == "embedded+sqlite":
        yield made
        return
    programs = server_folder()
    if programs is None:
        missing("PostgreSQL")
    if not ANVIL.exists():
        missing("anvil (npm ci in contracts/)")
    assert programs is not None
    with Anvil() as node, Postgres(programs) as server:
        made.on_anvil(node)
        made.settings["CREDIT_LEDGER_DATABASE_URL"] = server.new_database()
        yield made
