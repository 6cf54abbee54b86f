"""Importing files: what is recorded, what is rejected and how, and that doing it again changes nothing."""

from __future__ import annotations

import csv
import json
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from sqlalchemy import func, select
from workflows_rows import ALPHA, BETA, record_line, records_file

from ledger.domain.calendar import iso, to_day
from ledger.domain.submissions import FIELDS
from ledger.errors import BadValue
from ledger.index.queries import counts
from ledger.store.vault import commands, documents, identities
from ledger.workflows.importing import Progress, import_file
from ledger.workflows.reading import score_of
from ledger.workflows.record_reading import record_of
from ledger.workflows.rejects import rejects_path

pytest_plugins = ["workflows_office"]
SAMPLE = files("ledger.workflows").joinpath("samples/cpsc-recalls-2023-12_2025-06.csv")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    with as_file(SAMPLE) as path:
        return Path(shutil.copy(path, tmp_path / "recalls.csv"))


def rejects(path: Path) -> list[dict[str, str]]:
    with rejects_path(path).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def recorded(office) -> int:
    office.follower.catch_up()
    with office.db.read_index() as index:
        return counts(index).records


def vault_rows(office) -> list[int]:
    with office.db.read_vault() as vault:
        return [
            vault.scalar(select(func.count()).select_from(table))
            for table in (commands, documents, identities)
        ]


# ------------------------------------------------------------------ the sample


def test_the_sample_is_recorded_once_however_often_it_is_imported(office, sample):
    first = import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    assert (first.rows, first.recorded, first.duplicate) == (550, 164, 0)
    assert (first.rejected, first.skipped, first.firms) == (0, 410, 156)
    assert recorded(office) == 164
    assert not rejects_path(sample).exists()

    again = import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    assert (again.recorded, again.duplicate, again.firms) == (0, 164, 156)
    assert recorded(office) == 164


def test_the_sample_names_the_firms_that_come_again(office, sample):
    found = import_file(office, sample, "cpsc", office.authorities["US-CPSC"], dry_run=True)
    assert [(firm["name"], firm["records"]) for firm in found.repeated] == [
        ("Anker Innovations Limited", 4),
        ("Nanchang Zhongcangjishi E-commerce Co. Ltd", 2),
        ("ONME Direct", 2),
        ("Shenzhen Baseus Technology Co. Ltd.", 2),
        ("Shenzhen Leader-Union Technology Co. LTD", 2),
        ("Wuhannuoyunxindianzikejiyouxiangongsi", 2),
    ]


def test_a_recall_in_another_order_and_with_one_more_firm_adds_that_firm_alone(office, sample):
    """References depend on nothing but recall and firm."""
    with sample.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    for row in rows:
        if row["Recall Number"] == "25-036":
            row["Importers"] = (
                "Newly Named Ltd., of China; Govee Moments Limited, of China and " + row["Importers"]
            )
    with sample.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(reversed(rows))
    found = import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    assert (found.recorded, found.duplicate, found.rejected) == (1, 164, 0)


def test_a_recall_whose_text_was_changed_is_rejected_as_used_with_another_document(office, sample):
    """On an append-only ledger that is a correction, which an officer makes; never a second record."""
    import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    text = sample.read_text(encoding="utf-8").replace("GoveeLife and Govee Smart Electric", "Govee Electric")
    sample.write_text(text, encoding="utf-8")
    found = import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    assert (found.recorded, found.duplicate, found.rejected) == (0, 162, 2)
    assert {row["reason"] for row in rejects(sample)} == {
        "reference '25-036/GOVEEMOMENTSLTD' was already used with another document",
        "reference '25-036/GOVEEMOMENTSTRADINGLTD' was already used with another document",
    }


def test_unfit_recalls_are_rejected_with_their_row(office, sample):
    text = sample.read_text(encoding="utf-8").splitlines(keepends=True)
    bad = [
        ',"May 01, 2025",H,P,Z,"Alpha Ltd., of China",,,China,,\n',
        '25-901,"Mai 01, 2025",H,P,Z,"Alpha Ltd., of China",,,China,,\n',
        '25-902,"May 01, 2999",H,P,Z,"Alpha Ltd., of China",,,China,,\n',
        '25-903,"May 01, 2025",H,P,Z,"made by nobody in China, Shenzhen",,,China,,\n',
        '25-904,"May 01, 2025",H,P,Z,"Alpha Ltd., of China",,China,,\n',
    ]
    sample.write_text("".join([text[0], *bad]), encoding="utf-8")
    found = import_file(office, sample, "cpsc", office.authorities["US-CPSC"])
    assert (found.rows, found.recorded, found.rejected, found.skipped) == (5, 0, 5, 0)
    assert [(row["row"], row["field"]) for row in rejects(sample)] == [
        ("2", "Recall Number"), ("3", "Date"), ("4", "decided_on"), ("5", "Importers"), ("6", "row"),
    ]  # fmt: skip
    assert rejects(sample)[1]["value"] == "Mai 01, 2025"
    assert rejects(sample)[1]["Importers"] == "Alpha Ltd., of China"


def test_recalls_are_written_by_their_own_authority_only(office, sample):
    with pytest.raises(BadValue, match="US-CPSC"):
        import_file(office, sample, "cpsc", office.authorities["GACC"])


# ------------------------------------------------------------------ bad rows


TOMORROW = "tomorrow"
BAD_ROWS = {
    "wrong check digit": ({"party": ALPHA[:-1] + "D"}, "party", "check character should be C"),
    "name that is no identifier": ({"party": "Alpha"}, "party", "name:CC:NAME"),
    "unknown type": ({"type": "XX99"}, "type", "no such type"),
    "type outside the mandate": ({"type": "TX01"}, "type", "outside the mandate of GACC"),
    "a link as a row": ({"type": "LK01"}, "type", "enterprise link"),
    "future decision": ({"decided_on": TOMORROW}, "decided_on", "in the future"),
    "no date": ({"decided_on": "01/05/2026"}, "decided_on", "YYYY-MM-DD"),
    "conduct after the decision": ({"conduct_on": "2026-05-02"}, "conduct_on", "after the decision"),
    "unknown refers_to": ({"type": "LC02", "refers_to": "NONE"}, "refers_to", "unknown"),
    "another authority's refers_to": ({"type": "LC02", "refers_to": "STA-1"}, "refers_to", "the authority has no such record"),
    "another enterprise's refers_to": (
        {"type": "LC02", "refers_to": "GOOD-1", "party": BETA}, "refers_to", "another enterprise",
    ),
    "reference used with other content": ({"reference": "GOOD-1", "type": "CU02"}, "type", "already used"),
    "empty reference": ({"reference": ""}, "reference", "empty"),
}  # fmt: skip


@pytest.mark.parametrize("dry_run", [False, True], ids=["import", "dry run"])
def test_every_bad_row_is_rejected_with_field_value_and_reason_and_good_ones_are_recorded(
    office, tmp_path, dry_run
):
    import_file(
        office,
        records_file(tmp_path / "sta.csv", record_line("STA-1", type="TX01")),
        "records",
        office.authorities["STA"],
    )
    tomorrow = iso(office.today() + 1)
    lines = [record_line("GOOD-1")]
    for number, (fields, _, _) in enumerate(BAD_ROWS.values()):
        filled = {key: tomorrow if value == TOMORROW else value for key, value in fields.items()}
        lines.append(record_line(**({"reference": f"BAD-{number}"} | filled)))
    path = records_file(tmp_path / "rows.csv", *lines, record_line("GOOD-2"))
    before = vault_rows(office)
    found = import_file(office, path, "records", office.authorities["GACC"], dry_run=dry_run)
    assert (found.rows, found.recorded, found.rejected) == (len(BAD_ROWS) + 2, 2, len(BAD_ROWS)), found.shown
    if dry_run:
        assert vault_rows(office) == before
        assert not rejects_path(path).exists()
        seen = [(row.number, row.errors[0].field, row.errors[0].reason) for row in found.shown]
    else:
        seen = [(int(row["row"]), row["field"], row["reason"]) for row in rejects(path)]
        assert recorded(office) == 3
    for (case, (_, field, reason)), (number, found_field, found_reason) in zip(
        BAD_ROWS.items(), seen, strict=False
    ):
        assert number == list(BAD_ROWS).index(case) + 3
        if dry_run and case in DRY_DIFFERENTLY:
            continue
        assert (found_field, reason in found_reason) == (field, True), (case, found_field, found_reason)


#: A dry run does not keep what an earlier row of the same file holds, and cannot name the field.
DRY_DIFFERENTLY = {"reference used with other content"}


def test_all_errors_of_a_row_are_told_and_a_mended_rejects_file_is_imported_as_it_is(office, tmp_path):
    path = records_file(
        tmp_path / "rows.csv",
        record_line("R1"),
        record_line("R2", type="XX", party="nobody", document="note"),
    )
    found = import_file(office, path, "records", office.authorities["GACC"])
    assert (found.recorded, found.rejected) == (1, 1)
    (row,) = rejects(path)
    assert (row["row"], row["field"], row["value"]) == ("3", "party | type", "nobody | XX")

    mended = tmp_path / "mended.csv"
    mended.write_text(
        rejects_path(path).read_text(encoding="utf-8").replace("nobody,XX,", f"{BETA},CU02,"),
        encoding="utf-8",
    )
    again = import_file(office, mended, "records", office.authorities["GACC"])
    assert (again.recorded, again.rejected) == (1, 0)
    office.follower.catch_up()
    assert set(again.ignored_columns) == {"row", "field", "value", "reason", "raw"}
    (item,) = record_of(office.db, office.catalogue, office.keystore.master_key, BETA, office.today())[
        "records"
    ]
    assert (item["type"], item["document"]) == ("CU02", "note")


def test_an_old_rejects_file_goes_when_there_is_nothing_to_reject(office, tmp_path):
    path = records_file(tmp_path / "rows.csv", record_line("R1", type="XX"))
    import_file(office, path, "records", office.authorities["GACC"])
    assert rejects_path(path).exists()
    records_file(path, record_line("R1"))
    found = import_file(office, path, "records", office.authorities["GACC"])
    assert not rejects_path(path).exists()
    assert found.rejects_file is None


def test_a_row_that_is_not_utf8_and_a_stray_quote_do_not_stop_an_import(office, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(
        b"\n".join(
            [
                ",".join(FIELDS).encode(),
                record_line("R1").encode(),
                record_line("R2", document="caf").encode() + b"\xe9",
                record_line("R3", document='"never closed').encode(),
                record_line("R4").encode(),
            ]
        )
    )
    found = import_file(office, path, "records", office.authorities["GACC"])
    assert (found.recorded, found.rejected) == (2, 2)
    assert [(row["row"], row["field"]) for row in rejects(path)] == [("3", "document"), ("4", "document")]
    assert rejects(path)[0]["document"] == r"caf\xe9"


def test_lifecycle_rows_refer_to_earlier_rows_of_the_same_file(office, tmp_path):
    path = records_file(
        tmp_path / "rows.csv",
        record_line("R1", type="CU06", decided_on="2026-04-02"),
        record_line("R2", type="LC03", refers_to="R1", decided_on="2026-06-01"),
    )
    rehearsed = import_file(office, path, "records", office.authorities["GACC"], dry_run=True)
    assert (rehearsed.recorded, rehearsed.rejected) == (2, 0)
    found = import_file(office, path, "records", office.authorities["GACC"])
    assert (found.recorded, found.rejected) == (2, 0)
    office.follower.catch_up()
    before = score_of(office.db, office.catalogue, office.cards, ALPHA, to_day("2026-05-31"))
    after = score_of(office.db, office.catalogue, office.cards, ALPHA, to_day("2026-06-01"))
    assert (before["score"], before["grade"]) == (60, "C")
    assert (after["score"], after["reasons"]) == (100, [])


def test_a_dry_run_sees_duplicates_and_contradictions_across_chunks(office, tmp_path):
    lines = [record_line(f"R{n}") for n in range(7)]
    path = records_file(tmp_path / "rows.csv", *lines, record_line("R0"), record_line("R1", type="CU02"))
    found = import_file(office, path, "records", office.authorities["GACC"], dry_run=True, chunk=3)
    assert (found.recorded, found.duplicate, found.rejected) == (7, 1, 1)
    assert found.shown[0].errors[0].field == "reference"


def test_ndjson_documents_are_kept_as_json(office, tmp_path):
    path = tmp_path / "rows.ndjson"
    row = dict(zip(FIELDS, record_line("R1").split(","), strict=True)) | {"document": {"n": 1, "文": ["件"]}}
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"reference": "R2", "odd": 1}) + "\n")
    found = import_file(office, path, "records", office.authorities["GACC"])
    assert (found.recorded, found.rejected) == (1, 1)
    assert rejects(path)[0]["field"] == "odd"
    office.follower.catch_up()
    (item,) = record_of(office.db, office.catalogue, office.keystore.master_key, ALPHA, office.today())[
        "records"
    ]
    assert item["document"] == {"n": 1, "文": ["件"]}


def test_a_document_of_5_mb_is_rejected_by_row_and_the_rest_recorded(office, tmp_path):
    path = records_file(
        tmp_path / "rows.csv", record_line("R1"), record_line("R2", document="x" * 5_000_000), record_line("R3"),
        record_line("R4", document="y" * 1_048_577),
    )  # fmt: skip
    found = import_file(office, path, "records", office.authorities["GACC"])
    assert (found.recorded, found.rejected) == (2, 2)
    assert [(row["row"], row["field"]) for row in rejects(path)] == [("3", "document"), ("5", "document")]
    assert "1 MiB" in rejects(path)[1]["reason"]


def test_progress_ends_at_the_size_of_the_file(office, tmp_path):
    path = records_file(tmp_path / "rows.csv", *(record_line(f"R{n}") for n in range(25)))
    seen: list[Progress] = []
    import_file(office, path, "records", office.authorities["GACC"], chunk=10, on_progress=seen.append)
    assert [each.rows for each in seen] == [10, 20, 25]
    assert seen[-1].read == seen[-1].size == path.stat().st_size
    assert [each.recorded for each in seen] == [10, 20, 25]


def test_what_an_import_that_was_stopped_had_accepted_is_posted_by_the_next(office, tmp_path, monkeypatch):
    """Accepted and not sent, as if the process had been killed between the two."""
    path = records_file(tmp_path / "rows.csv", *(record_line(f"R{n}") for n in range(30)))

    def killed(**_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(office.sender), "drain", lambda self, **_: killed())
        with pytest.raises(KeyboardInterrupt):
            import_file(office, path, "records", office.authorities["GACC"], chunk=10)
    assert recorded(office) == 0
    found = import_file(office, path, "records", office.authorities["GACC"], chunk=10)
    assert (found.recorded, found.duplicate) == (20, 10)
    assert recorded(office) == 30
