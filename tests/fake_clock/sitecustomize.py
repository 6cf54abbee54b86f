"""Put on PYTHONPATH, it makes a Python process see the clock of the tests from its start."""

import fake_clock  # noqa: F401
