"""The command `credit-ledger`. Exit codes: 0 done, 1 failed, 2 usage, 3 done but some rows were refused."""

from __future__ import annotations

import gc
import os
import sqlite3

#: Objects made before the collector looks for cycles. Verbs make many objects and few cycles, and the default
#: pace costs an import or a rebuild, and the program's own start, a tenth of their time.
COLLECTOR = (50_000, 20, 50)


def main() -> None:
    """Run the command line. No traceback reaches a user: what goes wrong is said in a sentence."""
    gc.set_threshold(*COLLECTOR)
    # Whatever any verb writes is this user's alone, until he gives it out: databases and what goes with them,
    # locks, keys, checkpoints, a witness's memory, evidence, reports, rejected rows.
    os.umask(0o077)
    from ledger.cli.app import app  # noqa: PLC0415  so that importing the package costs nothing
    from ledger.cli.common import note  # noqa: PLC0415
    from ledger.errors import LedgerError  # noqa: PLC0415
    from ledger.files import disk_fault  # noqa: PLC0415

    try:
        app()
    except BrokenPipeError:
        raise SystemExit(1) from None
    except (LedgerError, OSError, sqlite3.Error) as met:
        error = disk_fault(met) or met
        hint = " (trying again may help)" if isinstance(error, LedgerError) and error.retry_helps else ""
        why = f": {error.why}" if isinstance(error, LedgerError) and error.why else ""
        note(f"error: {_sentence(error)}{why}{hint}")
        raise SystemExit(1) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or type(error).__name__}{where}"
    return str(error)
