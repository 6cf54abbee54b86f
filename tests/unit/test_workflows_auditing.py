"""The audit of an installation: it passes on what is right, and names each thing that was tampered with."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files

import pytest
from sqlalchemy import delete, insert, select, update
from workflows_rows import BETA, record_line, records_file

from ledger.chain import calldata, logs
from ledger.crypto.merkle import root_of
from ledger.index.queries import leaf_hashes
from ledger.outbox.documents import erase_document
from ledger.store import index as tables
from ledger.store import vault as kept
from ledger.workflows import audit_findings
from ledger.workflows.auditing import audit
from ledger.workflows.importing import import_file

pytest_plugins = ["workflows_office"]


@pytest.fixture(scope="module")
def furnished(lasting_office, tmp_path_factory):
    """Records of two authorities about three enterprises, one of them corrected; the index followed."""
    folder = tmp_path_factory.mktemp("files")
    gacc, cpsc = lasting_office.authorities["GACC"], lasting_office.authorities["US-CPSC"]
    path = records_file(
        folder / "rows.csv",
        record_line("R1", document="one"),
        record_line("R2", party=BETA),
        record_line("R3", type="LC01", refers_to="R1"),
    )
    import_file(lasting_office, path, "records", gacc)
    path = records_file(folder / "cpsc.csv", record_line("F1", type="FR01", party="name:CN:Gamma"))
    import_file(lasting_office, path, "records", cpsc)
    lasting_office.follower.catch_up()
    return lasting_office


@pytest.fixture
def busy(furnished):
    """The furnished office, put right again after the test has tampered with its databases."""
    with furnished.db.read_vault() as vault:
        before = {table: vault.execute(select(table)).all() for table in (kept.documents, kept.identities)}
    yield furnished
    furnished.follower.rebuild()
    with furnished.db.write_vault() as vault:
        for table, rows in before.items():
            vault.execute(delete(table))
            vault.execute(insert(table), [row._asdict() for row in rows])


def flip(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


#: Tables that the ledger of these tests has nothing for.
_EMPTY = {
    "answers",
    "assessments",
    "compromises",
    "enterprise_keys",
    "four_eyes",
    "links",
    "objections",
    "signature_epochs",
    "suspensions",
}


def whats(report):
    return [each.what for each in report.deviations]


def test_an_honest_ledger_holds_and_everything_was_looked_at(busy):
    report = audit(busy)
    assert report.deviations == ()
    expected = {"authorities": 7, "enterprises": 3, "records": 4, "documents": 4, "identities": 3, "heads": 3}
    assert expected.items() <= report.checked.items()
    assert report.checked["index_rows"] > 30
    assert report.checked["batches"] == report.checked["batches_signed"] == 3


def test_a_batch_whose_transaction_carries_no_signature_by_its_key_is_named(busy, monkeypatch):
    honest = calldata._arguments

    def without(data):
        found = honest(data)
        return found and (found[0], flip(found[1], 10))

    monkeypatch.setattr(calldata, "_arguments", without)
    report = audit(busy)
    assert set(whats(report)) == {"batch without its key's signature"}
    assert report.deviations[0].where.endswith("batch records GACC-1..2")
    assert report.checked["batches_signed"] == 0


def test_an_audit_changes_nothing(busy):
    folder = busy.settings.data_dir
    before = {path.name: path.read_bytes() for path in folder.glob("*.db")}
    audit(busy)
    assert {path.name: path.read_bytes() for path in folder.glob("*.db")} == before


def test_an_index_that_has_not_followed_yet_is_compared_as_far_as_it_stands(office, tmp_path):
    path = records_file(tmp_path / "more.csv", record_line("R4"))
    import_file(office, path, "records", office.authorities["GACC"])
    report = audit(office)
    assert not report.deviations
    assert report.checked["records"] == 1


@pytest.mark.parametrize("table", [table.name for table, _ in tables.FACTS if table.name != "tree_heads"])
def test_a_row_lost_from_any_table_of_the_index_is_named(busy, table):
    chosen = tables.metadata.tables[table]
    with busy.db.write_index() as index:
        lost = index.execute(delete(chosen)).rowcount
    if table in _EMPTY:
        assert lost == 0
        return
    report = audit(busy)
    assert set(whats(report)) == {"row missing"}
    assert len(report.deviations) == lost
    assert table in report.deviations[0].where


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("runs", "records", flip), ("runs", "head", flip), ("runs", "leaf_index", lambda n: n + 100),
        ("runs", "block_hash", flip), ("blocks", "timestamp", lambda n: n + 1), ("enterprises", "commitment", flip),
        ("mandates", "mandate", lambda n: n ^ 2), ("keys", "valid_until", lambda n: n - 1),
        ("authorities", "code", lambda code: code + "X"), ("cards", "effective_on", lambda n: n - 1),
        ("batches", "count", lambda n: n + 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_changed_cell_of_the_index_is_named_by_table_and_column(busy, table, column, value):
    chosen = tables.metadata.tables[table]
    with busy.db.write_index() as index:
        row = index.execute(select(chosen).order_by(chosen.c[next(iter(chosen.c.keys()))]).limit(1)).one()
        this = [each == row._mapping[each.name] for each in chosen.c]
        index.execute(update(chosen).where(*this).values({column: value(row._mapping[column])}))
    report = audit(busy)
    assert report.deviations
    assert f"table {table}" in report.deviations[0].where
    assert f"column {column}" in report.deviations[0].where


def test_a_row_invented_in_the_index_is_named_wherever_it_claims_to_stand(busy):
    with busy.db.write_index() as index:
        row = index.execute(select(tables.runs).limit(1)).one()._asdict()
        invented = row | {"leaf_index": 99, "block_number": 10**9}
        index.execute(insert(tables.runs).values(**invented))
        index.execute(
            insert(tables.runs).values(**row | {"leaf_index": 98, "log_index": row["log_index"] + 50})
        )
    found = audit(busy).deviations
    assert [each.what for each in found] == ["row too many", "row too many"]
    assert any("outside blocks" in each.where for each in found)


def test_one_byte_of_a_stored_document_is_named_by_record(busy):
    with busy.db.write_vault() as vault:
        row = vault.execute(select(kept.documents).order_by(kept.documents.c.seq).limit(1)).one()
        vault.execute(
            update(kept.documents).where(kept.documents.c.seq == row.seq).values(sealed=flip(row.sealed, 40))
        )
    (found,) = audit(busy).deviations
    assert (found.what, found.where) == ("document does not open", "document of record GACC-1")


def test_a_document_lost_or_swapped_is_named_and_an_erased_one_is_counted(busy):
    with busy.db.write_vault() as vault:
        erase_document(vault, 1, 1)
    report = audit(busy)
    assert (report.deviations, report.checked["erased"]) == ((), 1)
    with busy.db.write_vault() as vault:
        vault.execute(delete(kept.documents).where(kept.documents.c.seq == 2))
    (found,) = audit(busy).deviations
    assert (found.what, found.where) == ("document missing", "document of record GACC-2")


def test_a_changed_identity_is_named(busy):
    with busy.db.write_vault() as vault:
        vault.execute(
            update(kept.identities).where(kept.identities.c.enterprise == 3).values(party_key="name:CN:X")
        )
    assert ("identity differs from its commitment", "identity of enterprise 3") in [
        (each.what, each.where) for each in audit(busy).deviations
    ]


def test_one_byte_of_a_blocks_log_is_named(busy, monkeypatch):
    """As the node returns it; a byte changed in the embedded chain's own file is a test of that chain."""
    honest = logs.get_logs

    def tampered(*arguments):
        place = 2 + 2 * (160 + 40)
        for raw in honest(*arguments):
            data = raw["data"]
            if len(data) > 400 and raw["topics"][1].endswith("1"):
                data = data[:place] + f"{int(data[place], 16) ^ 1:x}" + data[place + 1 :]
            yield raw | {"data": data}

    monkeypatch.setattr(logs, "get_logs", tampered)
    report = audit(busy)
    assert "head not reproduced" in whats(report)
    assert any(each.what == "row differs" and "column records" in each.where for each in report.deviations)


def test_a_log_that_cannot_be_decoded_is_a_deviation_and_no_traceback(busy, monkeypatch):
    honest = logs.get_logs

    def cut(*arguments):
        for raw in honest(*arguments):
            yield raw | {"data": raw["data"][:-2]} if len(raw["data"]) > 400 else raw

    monkeypatch.setattr(logs, "get_logs", cut)
    (found,) = audit(busy).deviations
    assert found.what == "chain damaged"
    assert "cannot be decoded" in found.found


def test_a_log_left_out_is_named(busy, monkeypatch):
    honest = logs.get_logs
    monkeypatch.setattr(
        logs, "get_logs", lambda *arguments: (raw for raw in honest(*arguments) if len(raw["data"]) < 440)
    )
    report = audit(busy)
    assert {"batch differs from its header", "contract state differs"} <= set(whats(report))


def test_checkpoints_kept_from_before_hold_or_are_named(busy):
    with busy.db.read_index() as index:
        leaves = list(leaf_hashes(index))
    good = [(size, root_of(leaves[:size])) for size in range(1, len(leaves) + 1)]
    report = audit(busy, checkpoints=good)
    assert (report.verdict, report.checked["checkpoints"]) == ("holds", len(leaves))
    bad = [(2, bytes(32)), (len(leaves) + 1, good[-1][1])]
    assert whats(audit(busy, checkpoints=bad)) == ["checkpoint differs", "log shorter than a checkpoint"]


def test_many_deviations_are_counted_beyond_those_listed(busy, monkeypatch):
    monkeypatch.setattr(audit_findings, "LISTED", 3)
    with busy.db.write_index() as index:
        index.execute(delete(tables.keys))
    found = audit(busy).deviations
    assert len(found) == 4
    assert (found[3].what, found[3].found) == ("more deviations", "4")


def test_the_sample_holds(office, tmp_path):
    with as_file(files("ledger.workflows").joinpath("samples/cpsc-recalls-2023-12_2025-06.csv")) as path:
        import_file(office, shutil.copy(path, tmp_path / "x.csv"), "cpsc", office.authorities["US-CPSC"])
    office.follower.catch_up()
    report = audit(office)
    assert not report.deviations
    assert report.checked["records"] == report.checked["documents"] == 164
