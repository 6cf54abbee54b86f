"""Put on PYTHONPATH, it makes a Python process see a clock that is FAKE_OFFSET seconds off.

The offset may be in a file (FAKE_OFFSET_FILE), read at every look: a clock that jumps while a process runs.
"""

import os
import time
from pathlib import Path

_offset = os.environ.get("FAKE_OFFSET")
_file = os.environ.get("FAKE_OFFSET_FILE")
if _offset or _file:
    _time, _time_ns = time.time, time.time_ns

    def _off() -> float:
        if _file:
            return float(Path(_file).read_text(encoding="ascii") or 0)
        return float(_offset or 0)

    time.time = lambda: _time() + _off()
    time.time_ns = lambda: _time_ns() + int(_off() * 1e9)
