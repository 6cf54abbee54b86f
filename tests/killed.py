"""Killing a process (-9) at a line of its choice, to see what it leaves.

A fork of this process does the work, which saves the start of another; lines are counted in the given places,
each `file.py:function`, or the end of that.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: How a process ends that was not killed: all of it done.
DONE = 77


def lines_of(work: Callable[[], object], *within: str) -> list[int]:
    """Do the work here; return which of its lines in these places to be killed at: each one's first and last time."""
    seen: list[tuple[str, int]] = []
    _traced(work, within, seen.append)
    first = {place: number for number, place in reversed(list(enumerate(seen)))}
    last = {place: number for number, place in enumerate(seen)}
    return sorted({*first.values(), *last.values()})


def killed_at(number: int, work: Callable[[], object], *within: str) -> bool:
    """Do the work in a fork that is killed before its line of this number; return whether it got to the end."""
    child = os.fork()
    if child == 0:
        status, count = 1, iter(range(1 << 30))
        try:
            _traced(work, within, lambda _: next(count) == number and os.kill(os.getpid(), signal.SIGKILL))
            status = DONE
        except BaseException:  # noqa: BLE001  the fork must not go on as a second test run
            traceback.print_exc()
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (-signal.SIGKILL, DONE), code
    return code == DONE


def _traced(
    work: Callable[[], object], within: tuple[str, ...], at: Callable[[tuple[str, int]], object]
) -> None:
    def tracer(frame: Any, event: str, _: object) -> Any:
        if not f"{frame.f_code.co_filename}:{frame.f_code.co_name}".endswith(within):
            return None
        if event == "line":
            at((frame.f_code.co_filename, frame.f_lineno))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        work()
    finally:
        sys.settrace(before)
