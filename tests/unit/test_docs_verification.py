"""docs/verification.md: its table has every field of an evidence file, and its story runs as printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from evidence_sample import full_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
STORY = PAGE.partition("### A stranger's story")[2].partition("What is not proven, and where to ask")[0]


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """Every path in the schema that holds a value."""

    def walk(node: dict[str, Any], path: str) -> set[str]:
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        found = set[str]()
        for name, inner in node.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            found |= (walk(inner, here) if inner is not True else set()) or {here}
        for each in (*node.get("oneOf", ()), *([node["items"]] if "items" in node else ())):
            found |= walk(each, path)
        return found

    yield from sorted(walk(schema, ""))


def test_every_field_of_the_format_stands_in_the_table_once() -> None:
    schema = json.loads(files("ledger.audit").joinpath("evidence-2.schema.json").read_text())
    table = PAGE.partition("### Everything that is checked")[2].partition("\n\nWhat a file costs")[0]
    rows = [line.split(" | ") for line in table.split("\n") if line.startswith("| `")]
    named = [each for row in rows for each in re.findall(r"`([a-z_.]+)`", row[0])]
    assert sorted(named) == list(fields(schema))
    assert all(len(row) == 4 and all(cell.strip(" |") for cell in row) for row in rows)


def test_the_storys_file_is_the_golden_one() -> None:
    assert (ROOT / "tests" / "vectors" / "evidence-full.json").read_bytes() == full_sample()


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command of the story with what it prints."""
    for block in re.findall(r"```\n(.*?)```", STORY, re.DOTALL):
        command, printed = "", list[str]()
        for line in block.rstrip("\n").split("\n"):
            if line.startswith("$ "):
                if command:
                    yield command, printed
                command, printed = line[2:], []
            elif line.startswith("> "):
                command += "\n" + line[2:]
            else:
                printed.append(line)
        yield command, printed


def test_the_strangers_story_runs_as_printed(tmp_path: Path) -> None:
    known, ran = "", 0
    for command, printed in commands():
        if re.match(r"[A-Z0-9]+='", command):
            known += command + "\n"
            continue
        ran += 1
        (tmp_path / "tests").exists() or (tmp_path / "tests").symlink_to(ROOT / "tests")
        script = f'python() {{ "{sys.executable}" "$@"; }}\nexec 2>&1\n{known}{command}\n'
        done = subprocess.run(
            ["bash", "-c", script],
            check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        )  # fmt: skip
        wanted = ".*".join(re.escape(part) for part in "\n".join(printed).split("..."))
        assert re.fullmatch(wanted, done.stdout.rstrip("\n"), re.DOTALL), done.stdout
    assert ran == 6


@pytest.mark.parametrize(
    "word", ["complete_why", "--not-older-than", "--allow-incomplete", "--card", "--node"]
)
def test_what_a_reader_may_ask_for_is_named(word: str) -> None:
    assert word in PAGE
