"""The command `credit-ledger`. Its exit codes are in `app`, how it ends in `ledger.audit.terminal`."""

from __future__ import annotations

import gc
import os
import sqlite3

#: Objects made before the collector looks for cycles. Verbs make many objects and few cycles, and the default
#: pace costs an import or a rebuild, and the program's own start, a tenth of their time.
COLLECTOR = (50_000, 20, 50)


def main() -> None:
    """Run the command line. No traceback reaches a user: what goes wrong is said in a sentence."""
    from ledger.audit.terminal import run  # noqa: PLC0415  so that importing the package costs nothing

    gc.set_threshold(*COLLECTOR)
    # Whatever any verb writes is this user's alone, until he gives it out: databases and what goes with them,
    # locks, keys, checkpoints, a witness's memory, evidence, reports, rejected rows.
    os.umask(0o077)
    run(_command)


def _command() -> None:
    from ledger.cli.app import app  # noqa: PLC0415
    from ledger.errors import LedgerError  # noqa: PLC0415
    from ledger.files import disk_fault  # noqa: PLC0415

    try:
        app()
    except (OSError, sqlite3.Error) as met:
        error = disk_fault(met) or met
        raise LedgerError(str(met)) if isinstance(error, sqlite3.Error) else error from met
