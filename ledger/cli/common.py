"""What the verbs share: settings, the open ledger, and one way to print."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from ledger.audit.plain import LONG, escaped, harmless, json_line, one_line
from ledger.errors import BadValue, Misconfigured
from ledger.files import disk_fault, write_private
from ledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ledger.bootstrap import Ledger

#: `--json`, on every verb.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

#: Whether `--clock-is-right` was given, before the verb or after it: whatever opens the ledger asks.
_said = {"clock is right": False}


def _say(given: bool) -> bool:
    _said["clock is right"] |= given
    return given


def clock_is_right() -> bool:
    """Return whether somebody said that the clock is right."""
    return _said["clock is right"]


#: `--clock-is-right`, before any verb and on those that write most.
ClockIsRight = Annotated[
    bool,
    typer.Option(
        "--clock-is-right",
        callback=_say,
        help="Somebody looked: the embedded chain may make blocks by this clock, though it rested for long.",
    ),
]

#: `--passphrase-file`, where a key file is opened.
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Opens the key file; default: it is asked for."),
]

#: Keys of texts that an enterprise or an officer wrote at length: shown as a block of lines of their own.
_AT_LENGTH = frozenset({"statement", "answer"})

DONE, FAILED, SOME_REFUSED = 0, 1, 3


def read_settings() -> Settings:
    """Read the settings from the environment; a wrong one is named without its value."""
    for setting, content in os.environb.items():
        if setting.startswith(b"CREDIT_LEDGER_") and not _is_utf8(content):
            raise Misconfigured(f"{os.fsdecode(setting)}: is not text in UTF-8")
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "CREDIT_LEDGER_" + "_".join(str(part) for part in wrong["loc"]).upper()
        raise Misconfigured(f"{name}: {wrong['msg']}") from None


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


@contextlib.contextmanager
def opened(*, renew_index: bool = False) -> Iterator[Ledger]:
    """Open the ledger of this environment for one verb; `renew_index`: with whatever index there is."""
    from ledger.bootstrap import Ledger  # noqa: PLC0415  verbs that need no ledger start faster without it

    right = clock_is_right()
    with Ledger.open(read_settings(), clock_is_right=right, renew_index=renew_index) as ledger:
        yield ledger


def emit(as_json: bool, content: Mapping[str, Any], text: Callable[[Any], str]) -> None:
    """Print a result once: as a JSON document, or as the text a person reads.

    `text` gets the content with every text in it harmless (`ledger.audit.plain`), since others wrote them:
    what it makes of that, and of nothing else, can have no line in it that somebody else began.
    """
    sys.stdout.write((json_line(content) if as_json else _shown(content, text)) + "\n")
    sys.stdout.flush()


def _shown(content: Mapping[str, Any], text: Callable[[Any], str]) -> str:
    lines = text(harmless(dict(content), _AT_LENGTH)).rstrip("\n").split("\n")
    return "\n".join(map(escaped, lines))


def note(message: str) -> None:
    """Tell a person what is going on, a line on standard error, so that standard output stays the result."""
    with contextlib.suppress(OSError):  # a log on a full disk is no reason not to go on
        sys.stderr.write(one_line(message, LONG) + "\n")
        sys.stderr.flush()


def waiting_lines(waiting: Mapping[str, int]) -> list[str]:
    """Say how many records of each authority wait for its wallet, and what to do; nothing if none do."""
    return [
        f"{many:,} records of {code} wait for the signatures of its wallet: credit-ledger batch show {code}"
        for code, many in waiting.items()
    ]


def undone_lines(undone: Sequence[str]) -> list[str]:
    """Say what was taken back and is to be done again; nothing if nothing is."""
    if not undone:
        return []
    first = "taken back, to be done again 须重新办理, or given up (repair --give-up N --reason TEXT):"
    return [first, *(f"  {each}" for each in undone)]


def open_to_others(folder: Path) -> list[str]:
    """Say that other users of this machine can get into the data folder, and what closes it; else nothing."""
    mode = folder.stat().st_mode & 0o777
    if not mode & 0o077:
        return []
    closing = f"chmod 700 {shlex.quote(str(folder))}"
    return [f"warning: other users of this machine can get into {folder} (mode {mode:03o}): {closing}"]


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named, whole or not at all and for him alone. Raises `BadValue`."""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(data)  # what it stands for stays there: /dev/stdout, a pipe
        else:
            write_private(path, data)
    except OSError as error:
        why = disk_fault(error) or error.strerror or "cannot be written"
        raise BadValue("output", path, str(why)) from None


def passphrase_of(file: Path | None, *, new: bool = False) -> str:
    """Read the passphrase of a key file from a file, or ask for it where somebody is there to answer.

    Raises `BadValue` where nobody is, `Misconfigured` for a file that cannot be read.
    """
    from ledger.chain.keystore import passphrase_in  # noqa: PLC0415  keeps the start quick

    if file is not None:
        return passphrase_in(file)
    if not sys.stdin.isatty():
        raise BadValue("passphrase-file", "", "nobody is here to be asked for the passphrase: give a file")
    return str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=new, err=True))
