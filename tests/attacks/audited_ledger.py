"""A small ledger whose every key, database and file an attacker has: the fixture, for `pytest_plugins`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited
from workflows_rows import BETA, record_line, records_file

from ledger.workflows.checkpoints import make_checkpoint
from ledger.workflows.importing import import_file

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger


@pytest.fixture
def ledger(office: Ledger, tmp_path: Path) -> Ledger:
    """Two firms with three records, and a checkpoint over them."""
    lines = (
        record_line("R1", type="CU04"),
        record_line("R2", type="CU06"),
        record_line("R3", type="CU04", party=BETA),
    )
    import_file(office, records_file(tmp_path / "rows.csv", *lines), "records", office.authorities["GACC"])
    office.follower.catch_up()
    make_checkpoint(office)
    assert audited(office).verdict == "holds"
    return office
