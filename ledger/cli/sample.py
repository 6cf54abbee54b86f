"""What `start --sample` shows: the shipped recalls imported, one firm's score with its reasons, the audit's verdict."""

from __future__ import annotations

import time
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, cast

from ledger.cli.progress import bar
from ledger.cli.read import score_text
from ledger.workflows.auditing import audit
from ledger.workflows.importing import import_file
from ledger.workflows.reading import score_of

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger
    from ledger.workflows.importing import ImportResult

SAMPLE = "samples/cpsc-recalls-2023-12_2025-06.csv"


def show_sample(ledger: Ledger) -> None:
    """Import the sample (again: nothing is recorded twice), score its most recalled firm, audit the whole chain."""
    begun = time.monotonic()
    result = _imported(ledger)
    print(
        f"Sample 样例: {result.rows} recalls 召回 by the US CPSC; {result.skipped} name no firm in China; "
        f"{result.firms} firms 企业, {len(result.repeated)} of them more than once"
    )
    print(
        f"  recorded {result.recorded}, already there {result.duplicate}, rejected {result.rejected} "
        f"({time.monotonic() - begun:.1f} s)"
    )
    most = result.repeated[0]
    print(f"\nMost often 次数最多: {most['name']}, {most['records']} notices")
    found = score_of(ledger.db, ledger.catalogue, ledger.cards, most["id"], ledger.today())
    print(score_text(cast("dict[str, Any]", found)))
    report = audit(ledger)
    print("\n" + report.to_text().rstrip())


def _imported(ledger: Ledger) -> ImportResult:
    with as_file(files("ledger.workflows") / SAMPLE) as path, bar("importing the sample") as progress:
        result = import_file(
            ledger,
            path,
            "cpsc",
            ledger.authorities["US-CPSC"],
            chunk=ledger.settings.batch_size,
            on_progress=lambda at: progress(at.read, at.size, f"{at.rows} rows"),
        )
    ledger.follower.catch_up()
    return result
