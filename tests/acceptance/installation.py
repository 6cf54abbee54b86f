"""An installation as its operator has it: a data folder, an environment, and the command `credit-ledger`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.error import URLError
from urllib.request import urlopen

from ledger.chain.keystore import FIRST_NAMES, Keystore
from ledger.cli import common, main

if TYPE_CHECKING:
    from nodes import Anvil

COMMAND = Path(sys.executable).with_name("credit-ledger")


@dataclass
class Installation:
    """One data folder and where its chain and database are."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDIT_LEDGER_")}
        path = f"{COMMAND.parent}{os.pathsep}{clean['PATH']}"
        return {**clean, "PATH": path, "CREDIT_LEDGER_DATA_DIR": str(self.folder), **self.settings}

    def on_anvil(self, node: Anvil) -> None:
        """Use this node, with money for the keys that pay gas there, as a consortium's genesis would give."""
        (self.folder).mkdir(exist_ok=True)
        (self.folder / "passphrase").write_text("an operator's passphrase")
        keystore = Keystore.open_or_create(self.folder / "keystore.json", "an operator's passphrase")
        node.fund(*(keystore.address(name) for name in FIRST_NAMES))
        self.settings["CREDIT_LEDGER_RPC_URL"] = node.url

    def run(self, *arguments: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end; it must exit with `code`, and never show a traceback.

        Within this process, which saves a second each time, unless the settings are for an interpreter to
        read as it starts.
        """
        if "PYTHONPATH" in self.settings:
            return self.alone(*arguments, code=code)
        return self.here(*arguments, code=code)

    def alone(self, *arguments: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a verb in a process of its own."""
        done = subprocess.run(
            [COMMAND, *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            umask=0,
        )
        return _checked(done, code)

    def here(self, *arguments: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a verb within this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        umask = os.umask(0)  # the command sets its own, whatever it was called under
        argv = [str(COMMAND), *map(str, arguments)]
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", argv),
            mock.patch.dict(common._said),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
                status = 0
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            finally:
                os.umask(umask)
        said = []
        for each in (out, err):
            each.flush()
            said.append(each.buffer.getvalue().decode())  # type: ignore[attr-defined]
        return _checked(subprocess.CompletedProcess(argv, status, *said), code)

    def json(self, *arguments: str | Path, code: int | None = 0) -> Any:
        """Run a verb with `--json` and return its document."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a verb that goes on by itself."""
        return subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            umask=0,
        )

    def start(self, port: int) -> subprocess.Popen[str]:
        """Start serving and wait until it is ready."""
        self.settings["CREDIT_LEDGER_PORT"] = str(port)
        process = self.begin("start")
        deadline = time.monotonic() + 60
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                    return process
            except (URLError, OSError):
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    raise AssertionError(process.communicate()[0]) from None
                time.sleep(0.1)


def _checked(done: subprocess.CompletedProcess[str], code: int | None) -> subprocess.CompletedProcess[str]:
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    if code is not None:
        said = (done.stdout[-3000:], done.stderr[-3000:])
        assert done.returncode == code, (done.args[1:], done.returncode, *said)
    return done


def write_records(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write a records file."""
    columns = ["party", "type", "decided_on", "conduct_on", "reference", "refers_to", "document"]
    lines = [",".join(columns)]
    lines += [",".join(row.get(column, "") for column in columns) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
