"""Put on PYTHONPATH, it makes a ledger wait BUSY_SECONDS for a lock or a connection: what is tried is what comes after."""

import os

from ledger.store import database

database.BUSY_SECONDS = int(os.environ["BUSY_SECONDS"])
