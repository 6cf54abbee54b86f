"""The main job through the command line: record, score, audit, again and on a larger set-up."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from installation import write_records

if TYPE_CHECKING:
    from pathlib import Path

    from installation import Installation

FINED, TAXES, LISTED, NEW = (
    "9144030071526726XG",
    "91440606722473344C",
    "91440300192317458F",
    "9144030010001686XA",
)
TODAY = (dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))).date()
RECENT = (TODAY - dt.timedelta(days=10)).isoformat()
YESTERDAY = (TODAY - dt.timedelta(days=1)).isoformat()


def customs(path: Path) -> Path:
    return write_records(
        path / "customs.csv",
        [
            {"party": FINED, "type": "CU04", "decided_on": RECENT, "reference": "GZ-1", "document": "罚款"},
            {"party": TAXES, "type": "CU06", "decided_on": RECENT, "reference": "GZ-2"},
            {"party": LISTED, "type": "CU15", "decided_on": RECENT, "reference": "GZ-3"},
        ],
    )


def market(path: Path) -> Path:
    return write_records(
        path / "market.csv",
        [
            {"party": FINED, "type": "MR03", "decided_on": RECENT, "reference": "SC-1"},
            {"party": LISTED, "type": "MR02", "decided_on": RECENT, "reference": "SC-2"},
        ],
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def test_records_are_recorded(installation: Installation, files: Path) -> None:
    done = installation.json("import", customs(files), "--format", "records", "--authority", "GACC")
    assert (done["rows"], done["recorded"], done["rejected"]) == (3, 3, 0)
    done = installation.json("import", market(files), "--format", "records", "--authority", "SAMR")
    assert (done["recorded"], done["firms"]) == (2, 2)


@pytest.mark.parametrize(
    ("party", "score", "grade"),
    [(FINED, 84, "B"), (TAXES, 60, "C"), (LISTED, 46, "D")],
    ids=["fined", "taxes", "listed"],
)
def test_the_worked_cases_come_out(installation: Installation, party: str, score: int, grade: str) -> None:
    found = installation.json("score", party)
    assert (found["score"], found["grade"], found["id"]) == (score, grade, f"uscc:{party}")
    assert 100 + sum(reason["points"] for reason in found["reasons"]) == score


def test_a_repair_counts_from_its_day_and_not_before(installation: Installation, files: Path) -> None:
    repair = {
        "party": TAXES,
        "type": "LC03",
        "decided_on": TODAY.isoformat(),
        "reference": "GZ-4",
        "refers_to": "GZ-2",
    }
    path = write_records(files / "repair.csv", [repair])
    installation.json("import", path, "--format", "records", "--authority", "GACC")
    now = installation.json("score", TAXES)
    assert (now["score"], now["grade"], now["reasons"]) == (100, "A", [])
    then = installation.json("score", TAXES, "--as-of", YESTERDAY)
    assert (then["score"], then["grade"]) == (60, "C")
    record = installation.json("record", TAXES)
    assert [item["status"] for item in record["records"]] == ["repaired", "applied"]


def test_the_same_file_twice_records_nothing_twice(installation: Installation, files: Path) -> None:
    before = installation.json("status")["chain"]["log_size"]
    done = installation.json("import", customs(files), "--format", "records", "--authority", "GACC")
    assert (done["recorded"], done["duplicate"]) == (0, 3)
    assert installation.json("status")["chain"]["log_size"] == before


def test_bad_rows_are_named_and_good_ones_recorded(installation: Installation, files: Path) -> None:
    tomorrow = (TODAY + dt.timedelta(days=2)).isoformat()
    rows = [
        {"party": NEW, "type": "CU05", "decided_on": RECENT, "reference": "OK-1"},
        {"party": "9144030071526726XA", "type": "CU05", "decided_on": RECENT, "reference": "B-1"},
        {"party": NEW, "type": "ZZ01", "decided_on": RECENT, "reference": "B-2"},
        {"party": NEW, "type": "TX01", "decided_on": RECENT, "reference": "B-3"},
        {"party": NEW, "type": "CU05", "decided_on": tomorrow, "reference": "B-4"},
        {"party": NEW, "type": "CU05", "decided_on": RECENT, "conduct_on": YESTERDAY, "reference": "B-5"},
        {"party": NEW, "type": "LC03", "decided_on": RECENT, "reference": "B-6", "refers_to": "nowhere"},
        {"party": NEW, "type": "LC03", "decided_on": RECENT, "reference": "B-7", "refers_to": "SC-1"},
        {"party": NEW, "type": "CU05", "decided_on": RECENT, "reference": "GZ-1"},
    ]
    path = write_records(files / "bad.csv", rows)
    done = installation.run("import", path, "--format", "records", "--authority", "GACC", code=3)
    assert "1 recorded" in done.stdout
    rejects = (files / "bad.csv.rejects.csv").read_text(encoding="utf-8")
    for wanted in (
        "check character",
        "no such type",
        "mandate",
        "future",
        "after the decision",
        "nowhere",
        "SC-1",
        "GZ-1",
    ):
        assert wanted in rejects, wanted
    assert done.stderr.count("row ") == 8


def test_a_name_follows_the_code_it_is_linked_to(installation: Installation, files: Path) -> None:
    name = "name:CN:Guangzhou Example Trading Co. Ltd."
    path = write_records(
        files / "notice.csv", [{"party": name, "type": "FR01", "decided_on": RECENT, "reference": "US-1"}]
    )
    installation.json("import", path, "--format", "records", "--authority", "US-CPSC")
    alone = installation.json("score", NEW)["score"]
    installation.json(
        "enterprise", "link", "name:CN:GUANGZHOU EXAMPLE TRADING CO LTD", NEW, "--reason", "same address"
    )
    linked = installation.json("score", name)
    assert linked["id"] == f"uscc:{NEW}"
    assert linked["score"] == alone - 6
    installation.run("enterprise", "link", name, FINED, code=1)
    installation.json("enterprise", "unlink", name)
    assert installation.json("score", NEW)["score"] == alone


def test_an_assessment_is_anchored_once(installation: Installation) -> None:
    first = installation.json("assess")
    assert (first["epoch"], first["changed"] > 0) == (1, True)
    assert installation.json("status")["index"]["assessments"] == 1
    installation.json("assess")
    assert installation.json("audit")["checked"]["assessments"] >= 1


def test_evidence_is_verified_without_the_ledger(installation: Installation, files: Path) -> None:
    evidence = files / f"evidence-{installation.folder.parent.name}.json"
    installation.run("prove", FINED, "-o", evidence)
    keys = ["--key", installation.json("checkpoint")["key"], "--allow-incomplete"]
    elsewhere = {"CREDIT_LEDGER_DATA_DIR": "/nonexistent", "CREDIT_LEDGER_RPC_URL": "http://127.0.0.1:9"}
    kept, installation.settings = installation.settings, elsewhere
    try:
        assert (
            "GACC" in installation.run("verify", evidence, *keys).stdout
            or FINED in installation.run("verify", evidence, *keys).stdout
        )
        altered = evidence.with_suffix(".altered.json")
        altered.write_bytes(evidence.read_bytes().replace(b'"enterprise": 1,', b'"enterprise": 2,'))
        assert altered.read_bytes() != evidence.read_bytes()
        installation.run("verify", altered, code=1)
    finally:
        installation.settings = kept


def test_the_index_is_rebuilt_to_the_same_rows(installation: Installation) -> None:
    before = installation.json("record", LISTED), installation.json("status")["index"]
    rebuilt = installation.json("rebuild")
    assert rebuilt["records"] > 0
    assert (installation.json("record", LISTED), installation.json("status")["index"]) == before


def test_the_audit_holds(installation: Installation) -> None:
    report = installation.json("audit")
    assert (report["ok"], report["deviations"]) == (True, [])
    assert report["checked"]["records"] >= 8
    assert report["checked"]["documents"] == report["checked"]["records"]
