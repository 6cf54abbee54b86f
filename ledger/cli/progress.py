"""One progress bar, on standard error, for whatever takes long."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from ledger.audit.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def bar(label: str, *, quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """Yield `progress(done, total, detail)`. Draws on a terminal only, and nothing if `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total, _detail: None
        return
    from rich.console import Console  # noqa: PLC0415  a third of a second, spent where somebody looks
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    said = (TextColumn(each, markup=False) for each in ("{task.description}", "{task.fields[detail]}"))
    columns = (next(said), BarColumn(), next(said), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(one_line(label), total=None, detail="")
        yield lambda done, total, detail: shown.update(task, completed=done, total=total, detail=detail)
