"""What the verbs share: settings, the open ledger, and one way to print."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from ledger.errors import BadValue, Misconfigured
from ledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ledger.bootstrap import Ledger

#: `--json`, on every verb.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

DONE, FAILED, SOME_REFUSED = 0, 1, 3


def read_settings() -> Settings:
    """Read the settings from the environment; a wrong one is named without its value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "CREDIT_LEDGER_" + "_".join(str(part) for part in wrong["loc"]).upper()
        raise Misconfigured(f"{name}: {wrong['msg']}") from None


@contextlib.contextmanager
def opened() -> Iterator[Ledger]:
    """Open the ledger of this environment for one verb."""
    from ledger.bootstrap import Ledger  # noqa: PLC0415  verbs that need no ledger start faster without it

    with Ledger.open(read_settings()) as ledger:
        yield ledger


def emit(as_json: bool, content: Mapping[str, Any], text: Callable[[], str]) -> None:
    """Print a result once: as a JSON document, or as the text a person reads."""
    if as_json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(text().rstrip("\n") + "\n")
    sys.stdout.flush()


def note(message: str) -> None:
    """Tell a person what is going on, on standard error, so that standard output stays the result."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named. Raises `BadValue`."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadValue("output", path, error.strerror or "cannot be written") from None
