"""Every verb ends in a sentence and its exit code: whatever its arguments, its output stream and its reader are."""

from __future__ import annotations

import enum
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from evidence_sample import full_sample
from typer.main import get_command
from workflows_office import opened_copy
from workflows_rows import ALPHA, record_line, records_file

from ledger.cli.app import app
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import open_objection

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["workflows_office"]

FORKED = Path(__file__).parents[1] / "forked.py"
COMMAND = Path(sys.executable).with_name("credit-ledger")
WRONG = b"\xff\xe4"
OUTPUTS = [("file", "ascii"), ("file", "latin-1"), ("full", "utf-8"), ("closed", "utf-8")]
ASCII, LATIN, FULL, CLOSED = OUTPUTS
#: What an output that cannot be written to ends in.
CODES = {"file": 0, "full": 1, "closed": 1}


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb there is, with its path."""
    if not hasattr(command, "commands"):
        yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from verbs(each, (*path, name))


VERBS = dict(verbs(get_command(app)))


def value(parameter: Any) -> bytes:
    """Something that fits a parameter, so that the others are judged."""
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return str(next(iter(kind)).value).encode()
    return b"1"


def with_wrong(path: tuple[str, ...], command: Any) -> Iterator[list[bytes]]:
    """The verb with what it needs, and one thing of it that is not UTF-8; for each of these."""
    given = [each for each in command.params if not getattr(each, "is_flag", False)]
    for wrong in given:
        words = [each.encode() for each in path]
        for each in given:
            if each is wrong or each.required:
                option = [each.opts[0].encode()] if each.param_type_name == "option" else []
                words += [*option, WRONG if each is wrong else value(each)]
        yield words


def ran(cases: list[tuple[list[bytes], str, str]], where: Path, **environment: str) -> list[dict[str, Any]]:
    content = [
        {"argv": [each.hex() for each in words], "out": out, "encoding": encoding}
        for words, out, encoding in cases
    ]
    done = subprocess.run(
        [sys.executable, FORKED],
        input=json.dumps(content).encode(),
        capture_output=True,
        check=False,
        cwd=where,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(FORKED.parents[1]), **environment},
    )
    assert done.returncode == 0, done.stderr.decode()
    ended = json.loads(done.stdout)
    for case, each in zip(cases, ended, strict=True):
        for sign in ("Traceback", "Exception ignored", "Error in sys.excepthook"):
            assert sign not in each["err"] + each["out"], (case, each["err"][-2000:])
    return list(ended)


def test_every_verb_explains_itself_whatever_takes_its_output(tmp_path: Path) -> None:
    assert len(VERBS) > 40
    cases = [
        ([*(word.encode() for word in path), b"--help"], out, encoding)
        for number, path in enumerate([*VERBS, ()])
        for out, encoding in (ASCII, (FULL, CLOSED)[number % 2])
    ]
    for case, ended in zip(cases, ran(cases, tmp_path), strict=True):
        assert ended["code"] == CODES[case[1]], (case, ended)
        assert ended["out"].isascii()


def test_no_verb_shows_a_traceback_for_what_is_not_utf_8(tmp_path: Path) -> None:
    cases = [
        (words, "file", "utf-8") for path, command in VERBS.items() for words in with_wrong(path, command)
    ]
    assert len(cases) > len(VERBS)
    (tmp_path / "file").touch()  # nothing opens there: it is about the arguments
    for case, ended in zip(cases, ran(cases, tmp_path, CREDIT_LEDGER_DATA_DIR="file/data"), strict=True):
        assert ended["code"] in {1, 2} or case[0][:2] == [b"objection", b"new-key"], (case, ended)
        assert ended["err"] or not ended["code"], case


@pytest.fixture(scope="module")
def folder(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a record of a firm, and an objection to it."""
    made = tmp_path_factory.mktemp("terminal")
    with opened_copy(deployed, made / "data") as office:
        path = records_file(made / "records.csv", record_line("R1", party=ALPHA, type="CU04"))
        import_file(office, path, "records", office.authorities["GACC"])
        office.follower.catch_up()
        open_objection(office, "GACC-1", "已申报 \U0001f600")
    (made / "evidence.json").write_bytes(full_sample())
    return made


def test_what_verbs_say_reaches_any_output_or_fails_in_a_sentence(folder: Path) -> None:
    firm, listed = ALPHA.encode(), [b"objection", b"list", ALPHA.encode(), b"--json"]
    made: list[tuple[list[bytes], tuple[str, str], int]] = [
        *(([b"record", firm], output, CODES[output[0]]) for output in OUTPUTS),
        *((listed, output, CODES[output[0]]) for output in OUTPUTS),
        ([b"audit"], FULL, 1),
        ([b"record", b"name:CN:" + WRONG], LATIN, 1),
        ([b"objection", b"open", b"GACC-1", b"--statement", WRONG], LATIN, 1),
        ([b"backup", WRONG], ASCII, 0),
    ]
    cases = [(words, *output) for words, output, _ in made]
    settings = {"CREDIT_LEDGER_DATA_DIR": str(folder / "data"), "CREDIT_LEDGER_PASSPHRASE": "test"}
    for (words, (out, _), code), ended in zip(made, ran(cases, folder, **settings), strict=True):
        assert ended["code"] == code, (words, ended)
        assert out == "closed" or ended["err"] or ended["out"], words
        if words == listed and out == "file":
            assert json.loads(ended["out"])["objections"][0]["statement"] == "已申报 \U0001f600"


@pytest.mark.parametrize("command", [[COMMAND, "verify"], [sys.executable, "-m", "ledger.audit"]])
def test_the_verifiers_hold_on_to_their_exit_codes(command: list[Any], folder: Path) -> None:
    file = folder / "evidence.json"

    def code(line: str, **environment: str) -> tuple[int, str]:
        shell = ["bash", "-c", f'"$@" {line}', "bash", *command]
        env = {name: value for name, value in os.environ.items() if name != "HOME"} | environment
        done = subprocess.run(
            shell, cwd=FORKED.parents[1], capture_output=True, check=False, env=env, timeout=60
        )
        said = (done.stdout + done.stderr).decode()
        assert "Traceback" not in said, said
        assert "Exception ignored" not in said, said
        return done.returncode, said

    found, said = code(str(file), PYTHONIOENCODING="latin-1")
    assert (found, "\\u8bc1" in said) == (1, True), said
    full, said = code(f"{file} > /dev/full")
    assert (full, said.startswith("error: "), "No space left on device" in said) == (1, True, True), said
    assert code(f"{file} <&- >&- 2>&-") == (1, "")
    assert code("- <&-")[0] == 1
    assert code(f"{file} --key $'\\xff'")[0] == 1
    gone, said = code("$'\\xff'", LC_ALL="C")
    assert (gone, "No such file or directory" in said) == (1, True), said
    assert code(f"{file} | true; exit ${{PIPESTATUS[0]}}") == (1, "")


def test_an_interrupt_and_a_setting_that_is_not_text_are_told_by_the_exit_code(folder: Path) -> None:
    # Begun by one who ignores interrupts, as a shell's background work does, it would ignore them too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting = subprocess.Popen(
        [COMMAND, "id", "check", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    signal.signal(signal.SIGINT, before)
    assert waiting.stdin
    assert waiting.stdout
    waiting.stdin.write((ALPHA + "\n").encode() * 5000)
    waiting.stdin.flush()
    waiting.stdout.read(1)
    waiting.send_signal(signal.SIGINT)
    assert b"Traceback" not in waiting.communicate()[1]
    assert waiting.returncode == 130
    env = {**os.environb, b"CREDIT_LEDGER_DATA_DIR": os.fsencode(folder) + WRONG}
    done = subprocess.run([COMMAND, "status"], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"error: CREDIT_LEDGER_DATA_DIR: is not text in UTF-8\n")
