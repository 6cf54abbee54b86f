"""The API's log: one JSON object a line on standard error, each with the request id; no bodies, no secrets.

What may be logged is written here: the route's template and not the address asked for (it names an
enterprise), the id of the API key and not the key.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Any, TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from ledger.audit.plain import json_line


class _Stderr:
    """Writes to whatever `sys.stderr` is when a line is written, as tests and services replace it."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):  # a log on a full disk must not refuse who can be answered
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _make() -> structlog.typing.FilteringBoundLogger:
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        # Without the values of local variables: they hold keys and bodies.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(json_line),
    ]
    return cast(
        "structlog.typing.FilteringBoundLogger",
        structlog.wrap_logger(
            structlog.PrintLogger(cast("TextIO", _Stderr())),
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger("INFO"),
            cache_logger_on_first_use=True,
        ),
    )


#: The logger of the whole API.
log = _make()


class _AsJson(logging.Handler):
    """Writes what a library says as a line of this log."""

    def emit(self, record: logging.LogRecord) -> None:
        level = log.error if record.levelno >= logging.ERROR else log.warning
        level("server", said=record.getMessage(), by=record.name, exc_info=record.exc_info)


def take_over(*names: str) -> None:
    """Have the warnings of these libraries in this log, and not as plain lines beside it."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(each, _AsJson) for each in logger.handlers):
            logger.addHandler(_AsJson(logging.WARNING))
