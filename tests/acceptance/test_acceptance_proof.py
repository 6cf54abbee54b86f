"""Trusting nobody, by the command line: checkpoints, a witness in a process of its own, evidence, the audit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from installation import COMMAND, Installation, write_records
from nodes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE, TWO = "uscc:9144030071526726XG", "uscc:91440606722473344C"


def rows(tag: str) -> list[dict[str, str]]:
    return [
        {
            "party": party,
            "type": "CU04",
            "decided_on": "2026-05-04",
            "reference": f"{tag}-{at}",
            "document": "罚款",
        }
        for at, party in enumerate((ONE, TWO))
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("auditor")


@pytest.fixture(scope="module")
def witnessed(installation: Installation, folder: Path) -> Iterator[dict[str, Any]]:
    """Two records, a checkpoint an auditor keeps, two more records, and a witness that cosigned both."""
    installation.run(
        "import", write_records(folder / "a.csv", rows("A")), "--format", "records", "--authority", "GACC"
    )
    first = installation.json("checkpoint", "-o", folder / "old.checkpoint")
    port = free_port()
    command = [
        COMMAND,
        "witness",
        "--name",
        "witness.example/w",
        "--log",
        first["key"],
        "--folder",
        folder / "w",
    ]
    with subprocess.Popen(
        [*map(str, command), "--port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
        env=installation.environment,
    ) as process:
        assert process.stderr
        key = process.stderr.readline().strip().rpartition("key ")[2]
        process.stderr.readline()
        at = f"{key}@http://127.0.0.1:{port}"
        installation.run("checkpoint", "--witness", at)
        installation.run(
            "import", write_records(folder / "b.csv", rows("B")), "--format", "records", "--authority", "GACC"
        )
        installation.run("assess")
        second = installation.json("checkpoint", "--witness", at)
        yield {"first": first, "second": second, "key": first["key"], "witness": key, "at": at}
        process.terminate()


def test_checkpoints_follow_the_log(witnessed: dict[str, Any]) -> None:
    assert (witnessed["first"]["size"], witnessed["second"]["size"]) == (2, 4)
    assert "witness.example/w" in witnessed["second"]["note"]
    assert (witnessed["first"]["cosigned"], witnessed["first"]["recomputed"]) == ([], [])
    assert (witnessed["second"]["cosigned"], witnessed["second"]["recomputed"]) == (["witness.example/w"], [])
    assert witnessed["second"]["authorities"]["count"] == 7


def test_evidence_is_vouched_for_by_operator_and_witness(
    installation: Installation, folder: Path, witnessed: dict[str, Any]
) -> None:
    file = folder / "evidence.json"
    installation.run("prove", ONE, "-o", file)
    keys = ["--key", witnessed["key"], "--witness", witnessed["witness"]]
    assert "only the operator vouches" in installation.json("verify", file, *keys, code=1)["complete_why"]
    found = installation.json("verify", file, *keys, "--allow-incomplete")
    assert (found["ok"], found["complete"]) == (True, False)
    assert [each["name"] for each in found["checkpoint"]["signed"]] == [
        witnessed["first"]["origin"],
        "witness.example/w",
    ]
    assert [each["record"] for each in found["subjects"][0]["records"]] == ["1-1", "1-3"]
    assert found["authorities"]["1"] == "GACC", "what the file calls it: no witness recomputed that"
    assert found["score"]["score"] == installation.json("score", ONE)["score"] == found["assessment"]["score"]
    alone = subprocess.run(
        [sys.executable, "-m", "ledger.audit", str(file), *keys, "--allow-incomplete", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(alone.stdout) == found
    other = witnessed["key"].replace("eip155", "eip156")
    assert "mistyped" in installation.run("verify", file, "--key", other, code=1).stderr
    assert "more than the 0 witnesses" in installation.run("verify", file, "--quorum", "1", code=1).stderr


def test_a_changed_file_is_refused_with_the_rule(installation: Installation, folder: Path) -> None:
    file = folder / "changed.json"
    installation.run("prove", ONE, "-o", file)
    file.write_text(file.read_text().replace('"grade": "A"', '"grade": "B"', 1))
    assert installation.json("verify", file, code=1)["rule"] == "malformed"
    assert "does NOT hold" in installation.run("verify", file, code=1).stderr


def test_the_audit_holds_the_log_to_the_kept_checkpoint(
    installation: Installation, folder: Path, witnessed: dict[str, Any]
) -> None:
    page = folder / "report.html"
    found = installation.json("audit", "--checkpoint", folder / "old.checkpoint", "--report", page)
    assert found["ok"]
    assert found["checked"]["checkpoints"] >= 3
    assert found["checked"]["checkpoint_statements"] >= 2
    assert found["checked"]["scores_recomputed"] == 2
    assert "账本核验通过" in page.read_text()
    forged = folder / "forged.checkpoint"
    lines = witnessed["first"]["note"].split("\n")
    lines[1:3] = "1", witnessed["second"]["note"].split("\n")[2]
    # Of another signer, so that only the log itself can say that it was never so.
    forged.write_text("\n".join(lines[: lines.index("")]) + "\n\n\u2014 somebody.example AAAAAAAA\n")
    refused = installation.json("audit", "--checkpoint", forged, "--report", page, code=1)
    assert "checkpoint differs" in [each["what"] for each in refused["deviations"]]
    assert f"发现 {len(refused['deviations'])} 处偏差" in page.read_text()


def test_what_was_known_then(installation: Installation, witnessed: dict[str, Any]) -> None:
    today = installation.json("score", ONE)["as_of"]
    assert installation.json("score", ONE, "--known-on", today)["known_on"] == today
    assert (
        "was not in the ledger" in installation.run("score", ONE, "--known-on", "2026-06-01", code=1).stderr
    )


def test_a_rewritten_log_is_neither_signed_nor_audited_as_good(
    installation: Installation, witnessed: dict[str, Any]
) -> None:
    """The operator's own last checkpoint says that the log once had another root."""
    kept = max((installation.folder / "checkpoints").glob("*.checkpoint"))
    told = kept.read_text()
    kept.write_text(told.replace(told.split("\n")[2], witnessed["first"]["note"].split("\n")[2]))
    assert "two states for 4" in installation.run("checkpoint", code=1).stderr
    assert [each["what"] for each in installation.json("audit", code=1)["deviations"]] == [
        "checkpoint differs"
    ]
    kept.write_text(told)
    installation.run("audit")


def test_a_chain_written_anew_from_its_first_block_is_caught(tmp_path: Path) -> None:
    """The operator starts over with the same keys and tells another history, on a chain that is right in itself."""
    honest, rewritten = Installation(tmp_path / "honest"), Installation(tmp_path / "rewritten")
    file = write_records(tmp_path / "a.csv", rows("A"))
    honest.run("import", file, "--format", "records", "--authority", "GACC")
    kept = tmp_path / "kept.checkpoint"
    honest.run("checkpoint", "-o", kept)
    rewritten.folder.mkdir()
    for name in ("keystore.json", "passphrase"):
        shutil.copy(honest.folder / name, rewritten.folder / name)
    other = write_records(tmp_path / "b.csv", rows("A")[1:] + rows("B")[:1])
    rewritten.run("import", other, "--format", "records", "--authority", "GACC")
    alone = rewritten.json("audit", code=4)
    assert [each["what"] for each in alone["not_checked"]] == ["the log against a checkpoint"]
    # Another first block is another log: neither a checkpoint nor a key of the first one is of it.
    assert "a checkpoint of the log" in rewritten.run("audit", "--checkpoint", kept, code=1).stderr
    shutil.copytree(honest.folder / "checkpoints", rewritten.folder / "checkpoints")
    assert "checkpoints of two logs" in rewritten.run("checkpoint", code=1).stderr
    named = {each["what"] for each in rewritten.json("audit", code=1)["deviations"]}
    assert named == {"two ledgers under one key"}
