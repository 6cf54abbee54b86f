"""How a command ends, whatever its terminal, streams and arguments are: in a sentence, with its exit code.

Every command runs in `run`: `credit-ledger`, and the verifier alone. A stream that is closed is opened on
nothing, so that no file gets its number. What an output stream's encoding lacks is written as JSON escapes
it, which keeps documents whole. A reader that has gone (`| head -1`) or a full disk ends the command.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from ledger.audit.plain import LONG, one_line
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED, INTERRUPTED = 1, 130
#: The name of the error handler of the output streams.
_ESCAPED: Final = "json-escaped"
_STANDARD: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def run(command: Callable[[], int | None]) -> NoReturn:
    """Run a command and exit with what it returns, or what it exits with itself; None is 0.

    1: it failed, and standard error says why; or its output could not be written, or nobody reads it any
    more. 130: somebody interrupted it.
    """
    code = FAILED
    try:
        _steady()
        code = _ended(command)
        sys.stdout.flush()
    except LedgerError as error:
        hint = " (trying again may help)" if error.retry_helps else ""
        why = f": {error.why}" if error.why else ""
        code = _failed(f"{error}{why}{hint}")
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = FAILED
    except UnicodeEncodeError as error:
        code = _failed(f"{error.object[:80]!r} is not text in UTF-8")
    except OSError as error:
        code = _failed(f"{error.filename or 'output'}: {error.strerror or type(error).__name__}")
    _give_up_unwritten()
    raise SystemExit(code) from None


def _ended(command: Callable[[], int | None]) -> int:
    try:
        return command() or 0
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0 if done.code is None else _failed(done.code)


def _failed(why: str) -> int:
    # Where not even this can be written, the exit code says it.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: {one_line(why, LONG)}\n")
        sys.stderr.flush()
    return FAILED


def _steady() -> None:
    codecs.register_error(_ESCAPED, _escaped)
    for number, (name, mode) in enumerate(_STANDARD):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors=_ESCAPED)  # type: ignore[union-attr]  # no other stream is ever here


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _give_up_unwritten() -> None:
    """Drop what a stream could not write: the interpreter would try again when it ends, and complain."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
