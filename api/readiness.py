"""Checks that each have a thread of their own, so that one that hangs is named and holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Seconds a check may take; whoever asks hears within that and a little more.
PATIENCE: Final = 1.0


class Checks:
    """Named questions. One that is still being answered is not asked a second time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._asked: dict[str, tuple[Future[Any], float]] = {}

    async def answers(self, questions: Mapping[str, Callable[[], Any]]) -> dict[str, Future[Any] | str]:
        """Ask all at once; each answer is a finished future, or a sentence where there is none in time."""
        begun = {name: self._ask(name, question) for name, question in questions.items()}
        waiting = [asyncio.wrap_future(future) for future, _ in begun.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=PATIENCE)
        for each in waiting:
            each.add_done_callback(_seen)
        now = time.monotonic()
        return {
            name: future if future.done() else f"no answer for {now - since:.1f} s"
            for name, (future, since) in begun.items()
        }

    def _ask(self, name: str, question: Callable[[], Any]) -> tuple[Future[Any], float]:
        with self._guard:
            known = self._asked.get(name)
            if known is not None and not known[0].done():
                return known
            asked: tuple[Future[Any], float] = (Future(), time.monotonic())
            self._asked[name] = asked
        threading.Thread(target=_answer, args=(asked[0], question), name=name, daemon=True).start()
        return asked


def _answer(future: Future[Any], question: Callable[[], Any]) -> None:
    try:
        future.set_result(question())
    except BaseException as error:  # noqa: BLE001 - whoever asked hears it
        future.set_exception(error)


def _seen(future: asyncio.Future[Any]) -> None:
    """Look at what a check raised, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
