"""A clock that is FAKE_OFFSET seconds off while the environment says so; right where it says nothing.

The offset may be in a file (FAKE_OFFSET_FILE), read at every look: a clock that jumps while a process runs.
Imported before anything that keeps `time.time` as a default: by the tests, and by processes that have this
folder on PYTHONPATH.
"""

import os
import time
from pathlib import Path

_time, _time_ns = time.time, time.time_ns


def _off() -> float:
    file = os.environ.get("FAKE_OFFSET_FILE")
    if file:
        return float(Path(file).read_text(encoding="ascii") or 0)
    return float(os.environ.get("FAKE_OFFSET") or 0)


time.time = lambda: _time() + _off()
time.time_ns = lambda: _time_ns() + int(_off() * 1e9)
