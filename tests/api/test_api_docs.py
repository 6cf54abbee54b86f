"""The examples of docs/http.md and README.md run as printed, against `credit-ledger start`."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "http.md"
README = ROOT / "README.md"
PRINTED = "http://127.0.0.1:8000"
#: What differs from one ledger to the next: only its form is compared.
VOLATILE = {
    "submission", "at", "as_of", "key", "commitment", "origin", "root", "first_root", "second_root", "leaf_hash",
    "block", "block_hash", "note", "request_id", "checks",
}  # fmt: skip
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A block of commands and what it is said to print (None: nothing is said)."""

    commands: str
    language: str | None
    output: str | None


def examples(document: Path) -> list[Example]:
    found: list[Example] = []
    for language, text in _BLOCK.findall(document.read_text(encoding="utf-8")):
        if language == "bash":
            found.append(Example(text, None, None))
        else:
            assert found[-1].output is None, "an output without its commands"
            found[-1] = found[-1]._replace(language=language, output=text)
    return found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Start the real command on a free port; give its address and the shell's environment."""
    folder = tmp_path_factory.mktemp("documented")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CREDIT_LEDGER_")}
    environment |= {
        "CREDIT_LEDGER_DATA_DIR": str(folder / "data"),
        "CREDIT_LEDGER_PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
    }
    command = shutil.which("credit-ledger", path=environment["PATH"])
    assert command is not None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([command, "start"], env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, folder / "log")
            yield url, environment
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in (folder / "log").read_text(encoding="utf-8")


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)


def run_as_printed(wanted: list[Example], url: str, environment: dict[str, str], folder: Path) -> list[str]:
    """Run the commands in one shell, as a reader would; return what each block printed."""
    marker = "=== end of example ==="
    script = "set -euo pipefail\n" + "".join(f"{each.commands}\necho; echo '{marker}'\n" for each in wanted)
    done = subprocess.run(
        ["bash", "-c", script.replace(PRINTED, url)],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    printed = done.stdout.split(marker)[:-1]
    assert len(printed) == len(wanted)
    return printed


@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="needs bash and curl"
)
def test_the_examples_answer_as_shown(started: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, environment = started
    wanted = examples(DOCUMENT)
    assert len(wanted) > 10
    printed = run_as_printed(wanted, url, environment, tmp_path)
    for example, output in zip(wanted, printed, strict=True):
        if example.language == "json":
            assert _form(json.loads(output)) == _form(json.loads(example.output or "")), example.commands
        elif example.output is not None:
            assert output.strip() == example.output.strip()


def _form(value: object, name: str = "") -> object:
    """Return a value with what is volatile replaced by its kind."""
    if name in VOLATILE:
        return type(value).__name__
    if isinstance(value, dict):
        return {key: _form(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_form(each, name) for each in value]
    return value


@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="needs bash and curl"
)
def test_the_readmes_http_examples_run(started: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, environment = started
    wanted = examples(README)
    assert wanted, "the README shows HTTP examples"
    printed = run_as_printed(wanted, url, environment, tmp_path)[0]
    assert '"accepted":1' in printed
    assert '"record":"GACC-' in printed
    assert '"root":"' in printed
