"""What lies in an installation's own databases, changed or lost: outbox, documents, index."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, change, deviations, unchecked
from workflows_rows import record_line, records_file

from ledger.outbox.documents import erase_document
from ledger.store import vault as kept
from ledger.workflows.audit_kept import kept_checkpoints_of
from ledger.workflows.audit_outbox import PATIENCE
from ledger.workflows.auditing import audit
from ledger.workflows.governing import set_four_eyes
from ledger.workflows.importing import import_file

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office", "audited_ledger"]


# ---------------------------------------------------------------- the outbox


def accept_only(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *lines: str) -> None:
    """Accept rows (202) and let nothing reach the chain."""
    from ledger.outbox.sender import Sender

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "drain", lambda *_, **__: 0)
        import_file(
            ledger, records_file(tmp_path / "more.csv", *lines), "records", ledger.authorities["GACC"]
        )


def test_an_accepted_row_is_deleted_before_it_reached_the_chain(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"), record_line("R5", type="CU04"))
    assert audited(ledger).verdict == "holds"
    commands, documents = kept.commands, kept.documents
    change(ledger, delete(commands).where(commands.c.seq == 4), delete(documents).where(documents.c.seq == 4))
    ((what, where),) = deviations(ledger)
    assert what == "accepted rows are gone"
    assert where.startswith("outbox, submission ")


def test_an_accepted_submission_is_deleted_as_a_whole(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for reference in ("R4", "R5"):
        accept_only(ledger, monkeypatch, tmp_path, record_line(reference, type="CU04"))
    change(
        ledger,
        delete(kept.commands).where(kept.commands.c.seq == 4),
        delete(kept.submissions).where(kept.submissions.c.first_seq == 4),
    )
    assert deviations(ledger) == [("accepted rows are gone", "outbox")]


def test_an_accepted_row_is_withheld_from_the_chain(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"), record_line("R5", type="CU04"))
    later = time.time() + PATIENCE
    assert deviations(ledger, clock=lambda: later - 60) == []
    ((what, where),) = deviations(ledger, clock=lambda: later + 60)
    assert what == "accepted and not recorded"
    assert where == "outbox, GACC: 2 rows, the first with the reference 'R4'"


def test_what_is_numbered_and_never_sent_is_withheld_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"))
    change(ledger, update(kept.commands).where(kept.commands.c.seq == 4).values(number=4))
    later = time.time() + PATIENCE + 60
    assert [what for what, _ in deviations(ledger, clock=lambda: later)] == ["accepted and not recorded"]
    set_four_eyes(ledger, "GACC", True)
    report = audited(ledger, clock=lambda: later)
    assert [each.what for each in report.review] == ["accepted and not recorded"]


def test_the_outboxs_copy_of_a_recorded_batch_is_changed_or_lost(ledger: Ledger) -> None:
    with ledger.db.read_vault() as vault:
        records = vault.scalar(select(kept.batches.c.records))
    assert records is not None
    change(ledger, update(kept.batches).values(records=records[:-1] + bytes([records[-1] ^ 1])))
    assert deviations(ledger) == [("outbox batch differs", "outbox, batch records GACC-1..3, its record 3")]
    change(ledger, delete(kept.batches))
    assert deviations(ledger) == [("outbox batch missing", "outbox, batch records GACC-1..3")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("severity", 3), ("type", 1), ("decided_on", 20_000), ("enterprise", 2), ("commitment", bytes(32))],
)
def test_a_row_of_the_outbox_says_something_else_than_was_recorded(
    ledger: Ledger, column: str, value: Any
) -> None:
    change(ledger, update(kept.commands).where(kept.commands.c.seq == 1).values({column: value}))
    assert ("outbox row differs", f"outbox, record GACC-1, {column}") in deviations(ledger)


# ---------------------------------------------------------------- documents


def test_one_null_marks_every_document_erased(ledger: Ledger) -> None:
    change(ledger, update(kept.documents).values(wrapped_key=None))
    names = [f"document of record GACC-{number}" for number in (1, 2, 3)]
    assert unchecked(ledger) == [("erased", name) for name in names]


def test_one_document_is_erased_by_the_verb(ledger: Ledger) -> None:
    with ledger.db.write_vault() as vault:
        erase_document(vault, ledger.authorities["GACC"].number, 2)
    assert unchecked(ledger) == [("erased", "document of record GACC-2")]
    assert "not checked: erased: document of record GACC-2" in audited(ledger).to_text()


# ---------------------------------------------------------------- identities


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text", "9144030071526726XG (Another Firm Ltd)"),
        ("text", "9144030071526726XG"),
        ("kind", "name"),
        ("commitment", bytes(32)),
    ],
)
def test_a_firm_is_shown_under_another_firms_name(ledger: Ledger, column: str, value: Any) -> None:
    change(ledger, update(kept.identities).where(kept.identities.c.enterprise == 1).values({column: value}))
    assert deviations(ledger) == [
        ("identity contradicts its commitment", f"identity of enterprise 1, {column}")
    ]


# ---------------------------------------------------------------- the index


def test_the_index_has_not_followed(ledger: Ledger, tmp_path: Path) -> None:
    path = records_file(tmp_path / "more.csv", record_line("R4", type="CU04"))
    import_file(ledger, path, "records", ledger.authorities["GACC"])
    report = audit(
        ledger, checkpoints=[(each.size, each.root) for each in kept_checkpoints_of(ledger).checkpoints]
    )
    assert report.verdict == "not checked"
    assert [each.what for each in report.not_checked] == ["the index"]
