"""An audit that was killed is taken up where it had come to, and says the same; one from the start sees all."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

import pytest
from sqlalchemy import select, update
from workflows_rows import BETA, record_line, records_file

from ledger.bootstrap import Ledger
from ledger.chain import logs
from ledger.settings import Settings
from ledger.store import index as tables
from ledger.store import vault as kept
from ledger.workflows.audit_progress import Progress
from ledger.workflows.auditing import audit
from ledger.workflows.importing import import_file

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Audits, a block at a time, and kills itself when it has come to a block.
KILLED = """
import os, signal, sys
from pathlib import Path
from ledger.bootstrap import Ledger
from ledger.settings import Settings
from ledger.chain import logs
from ledger.workflows.audit_progress import Progress
from ledger.workflows.auditing import audit

folder, block = Path(sys.argv[1]), int(sys.argv[2])
logs.FIRST_SPAN = logs.LONGEST_SPAN = 1

def kill(at, last):
    if at >= block:
        os.kill(os.getpid(), signal.SIGKILL)

with Ledger.open(Settings(data_dir=folder, passphrase="test")) as ledger:
    audit(ledger, progress=Progress(folder, ledger.deployment, every=2), on_progress=kill)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five imports, a block each at least, the last two by another authority."""
    with opened(tmp_path / "data") as ledger:
        for at in range(5):
            authority = ledger.authorities["GACC" if at < 3 else "US-CPSC"]
            line = record_line(f"R{at}", party=BETA) if at < 3 else record_line(f"R{at}", type="FR01")
            path = records_file(tmp_path / f"{at}.csv", line)
            import_file(ledger, path, "records", authority)
        path = records_file(tmp_path / "c.csv", record_line("C", type="LC01", refers_to="R0", party=BETA))
        import_file(ledger, path, "records", ledger.authorities["GACC"])
        ledger.follower.catch_up()
    return tmp_path / "data"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FIRST_SPAN", 1)
    monkeypatch.setattr(logs, "LONGEST_SPAN", 1)


def opened(folder: Path) -> Ledger:
    return Ledger.open(Settings(data_dir=folder, passphrase="test"))


def kill_at(folder: Path, block: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(block)], check=False)
    assert done.returncode == -signal.SIGKILL


def last_block(ledger: Ledger) -> int:
    return int(ledger.node.request("eth_blockNumber"), 16)


@pytest.fixture
def halfway(folder: Path) -> Iterator[Ledger]:
    """A ledger whose audit was killed three blocks before the end, when it had last kept its state."""
    with opened(folder) as ledger:
        last = last_block(ledger)
    kill_at(folder, last - 3)
    with opened(folder) as ledger:
        yield ledger


def test_an_audit_killed_anywhere_is_taken_up_and_says_the_same(folder: Path) -> None:
    with opened(folder) as ledger:
        whole, last, first = audit(ledger), last_block(ledger), ledger.deployment.block
    assert not whole.deviations
    assert whole.checked["records"] == 6
    assert whole.scope == f"every block from {first} to {last}"
    seen = set()
    for block in range(first + 2, last + 1, 2):
        kill_at(folder, block)
        with opened(folder) as ledger:
            progress = Progress(folder, ledger.deployment)
            at = progress.load().block.number
            again = audit(ledger, progress=progress, resume=True)
            assert progress.load().block.number == last
        assert first <= at <= block
        seen.add(at)
        assert again.scope.startswith("no block" if at == last else f"blocks {at + 1} to {last}; ")
        assert (again.checked, again.deviations) == (whole.checked, ())
    assert len(seen) > 5


def test_what_is_wrong_after_the_state_is_found_and_the_state_forgotten(halfway: Ledger) -> None:
    folder = halfway.settings.data_dir
    progress = Progress(folder, halfway.deployment)
    with halfway.db.write_index() as index:
        row = index.execute(select(tables.runs).order_by(tables.runs.c.leaf_index.desc()).limit(1)).one()
        this = tables.runs.c.leaf_index == row.leaf_index
        index.execute(update(tables.runs).where(this).values(head=bytes(32)))
    report = audit(halfway, progress=progress, resume=True)
    assert [each.what for each in report.deviations] == ["row differs"]
    assert "not looked at again" in report.scope
    again = audit(halfway, progress=progress, resume=True)
    assert [each.what for each in again.deviations] == ["row differs"]
    assert again.scope.endswith("not taken up from an earlier audit: no earlier audit left its state")


def test_what_was_tampered_with_behind_the_state_is_for_an_audit_from_the_start(halfway: Ledger) -> None:
    progress = Progress(halfway.settings.data_dir, halfway.deployment)
    with halfway.db.write_vault() as vault:
        row = vault.execute(select(kept.documents).order_by(kept.documents.c.seq).limit(1)).one()
        this = kept.documents.c.seq == row.seq
        vault.execute(update(kept.documents).where(this).values(sealed=row.sealed[:-1] + b"?"))
    resumed = audit(halfway, progress=progress, resume=True)
    assert not resumed.deviations
    assert "not looked at again" in resumed.scope
    (found,) = audit(halfway, progress=progress).deviations
    assert found.what == "document does not open"


def test_a_state_that_does_not_fit_is_not_taken_up_and_the_report_says_why(halfway: Ledger) -> None:
    folder = halfway.settings.data_dir
    file, progress = folder / "audit" / "progress", Progress(folder, halfway.deployment)
    good = file.read_bytes()

    def scope(**options: object) -> str:
        report = audit(halfway, progress=progress, resume=True, **options)  # type: ignore[arg-type]
        assert not report.deviations or options
        return report.scope.partition(" an earlier audit: ")[2]

    file.write_bytes(good[:-20] + b"0" + good[-19:])
    assert scope().endswith("is damaged")
    file.write_bytes(good[:-20])
    assert scope().endswith("is damaged")
    file.write_bytes(good)
    assert "a checkpoint of a smaller one is new" in scope(checkpoints=[(1, bytes(32))])
    file.write_bytes(good)
    state = progress.load()
    progress.save(state._replace(block=state.block._replace(hash=bytes(32))))
    assert "not on this chain any more" in scope()


@pytest.mark.usefixtures("small_steps")
def test_nothing_is_kept_that_the_index_has_not_reached(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as ledger:
        before = last_block(ledger)
        path = records_file(tmp_path / "more.csv", record_line("R9"))
        import_file(ledger, path, "records", ledger.authorities["GACC"])
        progress = Progress(folder, ledger.deployment, every=1)
        assert not audit(ledger, progress=progress).deviations
        assert progress.load().block.number <= before < last_block(ledger)
