"""Work that goes on in the background while `start` serves: sending and following, each in its own thread.

Whatever a round meets, the next comes: soon where it went well, later and later (10 s at most) where it did
not. What it met is said once and counted. How long ago a worker last ended a round is what readiness asks:
one that is dead, or stands still, is named there instead of being missed by nobody.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from ledger.errors import LedgerError
from ledger.files import disk_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.workflows.office import Office

#: Seconds without a sign of life, or a round that ended well, after which a worker is no longer ready.
STALE_SECONDS: Final = 120
#: Seconds between rounds that fail, at most.
_LONGEST_PAUSE: Final = 10.0
#: Seconds given to a round under way when the process ends.
_GRACE: Final = 30


class Worker:
    """One kind of work in rounds. `work` does a round, tells `beat` as it gets on, returns what waits."""

    def __init__(
        self,
        name: str,
        work: Callable[[Worker], str],
        pause: float,
        say: Callable[[str], None],
        unforeseen: Callable[[str, Exception], None],
    ) -> None:
        self.name = name
        #: Rounds that ended with an error, so far.
        self.failures = 0
        #: The code of what the last round met; None: it ended well.
        self.error: str | None = None
        self._work, self._pause = work, pause
        self._say, self._unforeseen = say, unforeseen
        self._said = ""
        self._last = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def beat(self, *_: object) -> None:
        """Note a sign of life within a long round."""
        self._last = time.monotonic()

    def start(self) -> None:
        """Begin the rounds."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way; one that lasts longer than 30 s ends with the process."""
        self._ended.set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(_GRACE)

    @property
    def idle_seconds(self) -> float:
        """Seconds since its last sign of life: a round that ended well, or a step within one."""
        return time.monotonic() - self._last

    def fault(self) -> str | None:
        """Say why this worker is not to be relied on at the moment, to whoever asks; None: it works.

        What the last round met goes by its code: its sentence, which the operator has, may name anything.
        """
        why = f"; the last round met: {self.error}" if self.error else ""
        if not self._thread.is_alive():
            return f"is dead{why}"
        if self.idle_seconds > STALE_SECONDS:
            return f"has ended no round for {self.idle_seconds:.0f} s{why}"
        return None

    def _run(self) -> None:
        pause = self._pause
        while not self._ended.wait(pause):
            error = self._round()
            if error is None:
                self.error = None
                self.beat()
                pause = self._pause
                continue
            self.failures += 1
            self.error = error
            pause = min(_LONGEST_PAUSE, max(pause, self._pause) * 2)

    def _round(self) -> str | None:
        """Do one round; return what stopped it, if something did that another round may mend."""
        try:
            waits = self._work(self)
        except LedgerError as error:
            self._tell(f"waiting: {error}" + (f": {error.why}" if error.why else ""))
            # Where trying again does not help, all that could be done was done: the round is a whole one.
            return error.code if error.retry_helps else None
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            full = disk_fault(error)
            if full is not None:
                self._tell(f"waiting: {full}: {full.why}")
                return full.code
            name = type(error).__name__
            self._unforeseen(self.name, error)
            self._tell(f"{self.name}: an error of its own ({name}); it tries again")
            return name
        self._tell(waits)
        return None

    def _tell(self, what: str) -> None:
        # Said once, not every second; what waits stays in the outbox and is tried again.
        if what not in {"", self._said}:
            self._say(what)
        self._said = what


def background(
    office: Office,
    waiting: Callable[[], str],
    say: Callable[[str], None],
    unforeseen: Callable[[str, Exception], None],
) -> tuple[Worker, ...]:
    """Return the workers of a serving ledger, not yet started. `waiting()` says what waits for people."""

    def send(worker: Worker) -> str:
        office.sender.drain(worker.beat)
        return waiting()

    def follow(worker: Worker) -> str:
        office.follower.catch_up(worker.beat)
        return ""

    pause = office.settings.batch_seconds
    return tuple(
        Worker(name, work, pause, say, unforeseen) for name, work in (("sender", send), ("follower", follow))
    )
