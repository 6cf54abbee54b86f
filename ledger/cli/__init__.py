"""The command `credit-ledger`. Exit codes: 0 done, 1 failed, 2 usage, 3 done but some rows were refused."""

from __future__ import annotations

import gc
import os
import sys

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
    from ledger.errors import LedgerError  # noqa: PLC0415

    try:
        app()
    except LedgerError as error:
        hint = " (trying again may help)" if error.retry_helps else ""
        why = f": {error.why}" if error.why else ""
        sys.stderr.write(f"error: {error}{why}{hint}\n")
        raise SystemExit(1) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"error: {error.strerror or type(error).__name__}{where}\n")
        raise SystemExit(1) from None
