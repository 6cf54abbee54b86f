"""Runs verbs of the command one after the other, each in a fork of this process, which has loaded everything.

    python forked.py < cases.json > ended.json

A case: {"argv": [hex], "out": "file" | "full" | "closed", "encoding"}; what ended: {"code", "out", "err"}. A fork ends as
the command itself does, the interpreter's last flush included.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import sys
import tempfile
from typing import Any

import typer.main
import typer.rich_utils

import ledger.bootstrap
import ledger.cli.app
import ledger.workflows
from ledger.cli import main


def become(case: dict[str, Any], out: int, err: int) -> None:
    """Take the place of a process that was started so."""
    null = os.open(os.devnull, os.O_RDONLY)
    for number, place in enumerate((null, out, err)):
        os.dup2(place, number)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.BufferedWriter(io.FileIO(number, "wb", closefd=False))
        errors = "strict" if number == 1 else "backslashreplace"
        setattr(sys, name, io.TextIOWrapper(raw, encoding=case["encoding"], errors=errors))
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    sys.argv = ["credit-ledger", *(os.fsdecode(bytes.fromhex(each)) for each in case["argv"])]


def opened(case: dict[str, Any]) -> int:
    if case["out"] == "full":
        return os.open("/dev/full", os.O_WRONLY)
    if case["out"] == "closed":
        gone, out = os.pipe()
        os.close(gone)
        return out
    return os.open(tempfile.mktemp(), os.O_RDWR | os.O_CREAT)


def text(number: int) -> str:
    with open(number, "rb") as file:
        file.seek(0)
        return file.read().decode(errors="replace")


if __name__ == "__main__":
    for each in pkgutil.iter_modules(ledger.workflows.__path__):
        importlib.import_module(f"ledger.workflows.{each.name}")
    # What calling it would build anew every time.
    ledger.cli.app.app = typer.main.get_command(ledger.cli.app.app)  # type: ignore[assignment]
    gc.freeze()  # the children share what is loaded
    ended = []
    for case in json.load(sys.stdin):
        out, err = opened(case), os.open(tempfile.mktemp(), os.O_RDWR | os.O_CREAT)
        child = os.fork()
        if child == 0:
            become(case, out, err)
            main()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = text(out) if case["out"] == "file" else ""
        ended.append({"code": code, "out": said, "err": text(err)})
        if case["out"] != "file":
            os.close(out)
    print(json.dumps(ended))
