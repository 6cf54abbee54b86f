"""What lies in an installation's own databases, changed or lost: outbox, documents, index."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, text, update

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, block, change, deviations, unchecked
from workflows_rows import ALPHA, record_line, records_file

from ledger.domain.calendar import iso
from ledger.errors import Conflict
from ledger.outbox.documents import erase_document
from ledger.outbox.sealing import seal
from ledger.outbox.waiting import oldest_age, waiting_since
from ledger.store import vault as kept
from ledger.workflows.audit_kept import kept_checkpoints_of
from ledger.workflows.audit_late import AHEAD, PATIENCE
from ledger.workflows.auditing import audit
from ledger.workflows.governing import set_four_eyes
from ledger.workflows.importing import import_file
from ledger.workflows.linking import link, unlink
from ledger.workflows.repairing import repair

if TYPE_CHECKING:
    from sqlalchemy import Table

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


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"created_at": 4_102_444_800}, "accepted at no possible time"),
        ({"created_at": 10**15}, "accepted at no possible time"),
        ({"created_at": -1}, "accepted at no possible time"),
        ({"created_at": "zz"}, "accepted at no possible time"),
        ({"created_at": b"zz"}, "accepted at no possible time"),
        ({"created_at": 1e300}, "accepted at no possible time"),
        ({"first_seq": 1}, "accepted at no possible time"),
        ({"created_at": 1}, "accepted and not recorded"),
    ],
)
def test_a_withheld_row_is_given_a_date_to_come_or_none(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, Any], expected: str
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, *(record_line(f"R{each}", type="CU04") for each in (4, 5, 6)))
    (name, value), now = *changed.items(), time.time()
    with ledger.db.write_vault() as vault:
        vault.execute(
            text(f"update submissions set {name} = :value where first_seq = 4"),  # past the column's own type
            {"value": value},
        )
    assert (expected, "outbox, GACC: 3 rows, the first with the reference 'R4'") in deviations(ledger)
    with ledger.db.read_vault() as vault:
        assert oldest_age(waiting_since(vault).values(), now) >= 0


def test_a_clock_ahead_of_the_auditors_by_minutes_is_no_date_to_come(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"))
    now = time.time()
    assert deviations(ledger, clock=lambda: now - AHEAD + 60) == []
    ((what, _),) = deviations(ledger, clock=lambda: now - AHEAD - 60)
    assert what == "accepted at no possible time"


@pytest.mark.parametrize("number", [0, -5, "zz"])
def test_a_withheld_row_is_given_a_number_that_no_record_has(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: Any
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"))
    with ledger.db.write_vault() as vault:
        vault.execute(text("update commands set number = :value where seq = 4"), {"value": number})
    later = time.time() + PATIENCE + 60
    assert "accepted and not recorded" in [what for what, _ in deviations(ledger, clock=lambda: later)]


def test_what_is_numbered_and_never_sent_is_withheld_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"))
    change(ledger, update(kept.commands).where(kept.commands.c.seq == 4).values(number=4))
    later = time.time() + PATIENCE + 60
    assert [what for what, _ in deviations(ledger, clock=lambda: later)] == ["accepted and not recorded"]
    set_four_eyes(ledger, "GACC", True)
    report = audited(ledger, clock=lambda: later)
    assert [each.what for each in report.review] == ["accepted and not recorded", "acts of the governor"]


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


BATCH = "outbox, batch records GACC-1..3"


@pytest.mark.parametrize("count", [1000, 0, -1, 2**62])
def test_a_batch_is_changed_in_the_vault_and_no_other_office_is_accused(
    ledger: Ledger, tmp_path: Path, count: int
) -> None:
    change(ledger, update(kept.batches).values(count=count))
    assert ("outbox batch differs", f"{BATCH}, count") in deviations(ledger)
    path = records_file(tmp_path / "more.csv", record_line("R4", type="CU04"))
    with pytest.raises(Conflict, match=r"from record GACC-1 on .* this vault was changed"):
        import_file(ledger, path, "records", ledger.authorities["GACC"])
    found = repair(ledger)
    assert (found["changed"], found["recognised"]) == (["GACC-1 to GACC-3"], 3)
    assert ledger.sender.drain() == 1
    assert audited(ledger).verdict == "holds"
    assert repair(ledger)["changed"] == []


def test_a_batch_changed_in_size_and_content_is_put_back_too(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.db.read_vault() as vault:
        records = vault.scalar(select(kept.batches.c.records))
    assert records is not None
    change(ledger, update(kept.batches).values(count=2, records=records[:128]))
    path = records_file(tmp_path / "more.csv", record_line("R4", type="CU04"))
    with pytest.raises(Conflict, match="this vault was changed"):
        import_file(ledger, path, "records", ledger.authorities["GACC"])
    assert repair(ledger)["changed"] == ["GACC-1 to GACC-3"]
    assert ledger.sender.drain() == 1
    assert audited(ledger).verdict == "holds"


def linked(ledger: Ledger, tmp_path: Path) -> None:
    """A name with a record, linked to a code, and the record corrected under the code: rows 4 to 7."""
    gacc, today = ledger.authorities["GACC"], iso(ledger.today())
    name = record_line("N1", type="CU04", party="name:CN:Some Firm Ltd")
    import_file(ledger, records_file(tmp_path / "name.csv", name), "records", gacc)
    link(ledger, gacc, "name:CN:Some Firm Ltd", ALPHA, "same address")
    lines = record_line("N2", type="LC01", refers_to="N1", party=ALPHA, decided_on=today)
    import_file(ledger, records_file(tmp_path / "change.csv", lines), "records", gacc)
    other = record_line("N3", type="LC01", refers_to="R1", party="name:CN:Some  firm LTD", decided_on=today)
    import_file(ledger, records_file(tmp_path / "other.csv", other), "records", gacc)
    assert audited(ledger).verdict == "holds"


def test_the_digest_that_duplicates_are_known_by_is_changed(ledger: Ledger, tmp_path: Path) -> None:
    linked(ledger, tmp_path)
    unlink(ledger, ledger.authorities["GACC"], "name:CN:Some Firm Ltd", "another firm")
    assert audited(ledger).verdict == "holds"
    with ledger.db.read_vault() as vault:
        rows = vault.execute(select(kept.commands.c.seq, kept.commands.c.part).order_by("seq")).all()
    assert [part for _, part in rows] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    c = kept.commands.c
    for seq, part in rows:
        with ledger.db.read_vault() as vault:
            (mac, number) = vault.execute(select(c.content_mac, c.number).where(c.seq == seq)).one()
        change(ledger, update(kept.commands).where(c.seq == seq).values(content_mac=bytes(32)))
        where = f"outbox, row {seq}" if part else f"document of record GACC-{number}"
        assert f"{where}, content_mac" in [where for _, where in deviations(ledger)]
        change(ledger, update(kept.commands).where(c.seq == seq).values(content_mac=mac))
    assert audited(ledger).verdict == "holds"


@pytest.mark.parametrize(
    ("seq", "column", "value"),
    [(1, "ref_command", 2), (1, "ref_enterprise", 2), (7, "ref_command", 2), (7, "ref_enterprise", 1),
     (5, "ref_enterprise", 2), (5, "ref_command", 1), (1, "part", 7), (6, "part", 0)],
)  # fmt: skip
def test_what_a_row_goes_with_is_changed(
    ledger: Ledger, tmp_path: Path, seq: int, column: str, value: int
) -> None:
    linked(ledger, tmp_path)
    reference = {"reference": "another"} if (seq, column) == (6, "part") else {}
    change(
        ledger,
        update(kept.commands).where(kept.commands.c.seq == seq).values({column: value} | reference),
    )
    found = {what for what, where in deviations(ledger) if where.endswith(column)}
    assert found == {"outbox row differs"}


@pytest.mark.parametrize("column", ["accepted", "commands", "first_seq"])
def test_a_submission_tells_another_number(ledger: Ledger, column: str) -> None:
    change(ledger, update(kept.submissions).values({column: 4}))
    assert deviations(ledger)[0][0] == "accepted rows are gone"


@pytest.mark.parametrize(
    ("table", "values", "what"),
    [
        (kept.commands, {"type": 6}, "document contradicts its record"),
        (kept.commands, {"enterprise": 2}, "document contradicts its record"),
        (kept.commands, {"decided_on": 20_000}, "document contradicts its record"),
        (kept.commands, {"reference": "R9"}, "document contradicts its record"),
        (kept.commands, {"content_mac": bytes(32)}, "document contradicts its record"),
        (kept.commands, {"commitment": bytes(32)}, "document does not open"),
        (kept.documents, {"sealed": bytes(99)}, "document does not open"),
    ],
)
def test_what_waits_is_changed_before_it_is_sent(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: Table,
    values: dict[str, Any],
    what: str,
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"))
    change(ledger, update(table).where(table.c.seq == 4).values(values))
    ((found, where),) = deviations(ledger)
    assert (found, where.partition(", GACC, ")[0]) == (what, "outbox")


def test_a_batch_that_waits_is_changed_before_it_is_sent(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"), record_line("R5", type="CU06"))
    number = ledger.authorities["GACC"].number
    with ledger.db.write_vault() as vault:
        (batch,) = seal(vault, number, 200, 1, now=int(time.time()), block=block(ledger), upto=5)
    assert audited(ledger).verdict == "holds"
    this = update(kept.batches).where(kept.batches.c.first_number == 4)
    where = "outbox, batch from record GACC-4 on"
    for values, found in (
        ({"count": 3}, [("outbox batch differs", where)]),
        (
            {"records": bytes([batch.records[0] ^ 1]) + batch.records[1:]},
            [("outbox row differs", "outbox, record GACC-4, enterprise")],
        ),
        ({"records": batch.records[:-1]}, [("outbox batch differs", where)] * 2),
        ({"first_number": 6}, [("outbox batch out of place", "outbox, batch from record GACC-6 on"),
                               ("outbox row missing", "outbox, batch from record GACC-6 on")]),
    ):  # fmt: skip
        change(ledger, this.values(values))
        assert deviations(ledger) == found
        row = {"first_number": 4, "count": 2, "records": batch.records}
        change(ledger, update(kept.batches).where(kept.batches.c.first_number >= 4).values(row))
    assert audited(ledger).verdict == "holds"


def test_where_something_was_seen_is_changed(ledger: Ledger) -> None:
    for table, name in ((kept.batches, BATCH), (kept.identities, "identity of enterprise 2")):
        last = max(table.primary_key.columns, key=lambda each: each.name)
        with ledger.db.read_vault() as vault:
            seen = vault.scalar(select(table.c.block_number).order_by(last.desc()))
        for values in ({"block_number": 3}, {"block_number": seen, "block_hash": bytes(32)}):
            with ledger.db.read_vault() as vault:
                before = vault.execute(select(table.c.block_number, table.c.block_hash)).first()
            assert before is not None
            row = (
                update(table).where(last.in_([1, 2]))
                if table is kept.batches
                else update(table).where(last == 2)
            )
            change(ledger, row.values(values))
            assert ("seen in another block", name) in unchecked(ledger)
            change(ledger, row.values(block_number=before[0], block_hash=before[1]))


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
