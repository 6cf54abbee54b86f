"""What `start --sample` shows: the shipped recalls imported, one firm's score with reasons, the audit."""

from __future__ import annotations

import time
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from ledger.audit.plain import harmless, one_line
from ledger.audit.report import EXIT_OF
from ledger.cli.progress import bar
from ledger.cli.read import score_text
from ledger.domain.calendar import to_day
from ledger.workflows.audit_kept import kept_checkpoints_of
from ledger.workflows.auditing import audit
from ledger.workflows.checkpoints import make_checkpoint
from ledger.workflows.importing import import_file
from ledger.workflows.reading import score_of
from ledger.workflows.record_reading import record_of

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger
    from ledger.workflows.importing import ImportResult
    from ledger.workflows.tally import FirmDict

SAMPLE = "samples/cpsc-recalls-2023-12_2025-06.csv"


def show_sample(ledger: Ledger) -> None:
    """Import the sample (again: nothing twice), score its most recalled firm, audit the whole chain."""
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
    _show_firm(ledger, result.repeated[0])
    # Signed and kept, so that every later audit has something of before to compare with.
    make_checkpoint(ledger)
    kept = kept_checkpoints_of(ledger)
    heads = [(each.size, each.root) for each in kept.checkpoints]
    report = audit(ledger, checkpoints=heads, statements=kept.checkpoints, beside=kept.found)
    checked = ", ".join(f"{many} {what}" for what, many in report.checked.items() if many)
    print("\nAudit 审计: " + (f"holds 通过 ({checked})" if report.ok else report.to_text()))
    if not report.ok:
        raise SystemExit(EXIT_OF[report.verdict])


def _show_firm(ledger: Ledger, firm: FirmDict) -> None:
    """Score the firm on the day of its last notice, with reasons, and today."""
    today = ledger.today()
    whole = record_of(ledger.db, ledger.catalogue, ledger.keystore.master_key, firm["id"], today)
    then = to_day(whole["records"][-1]["decided_on"])
    who = f"{one_line(firm['name'])}, {firm['records']} notices"
    print(f"\nMost often 次数最多: {who}. On the day of the last one:")
    for day in (then, today):
        found = score_of(ledger.db, ledger.catalogue, ledger.cards, firm["id"], day)
        print(score_text(harmless(found)))


def _imported(ledger: Ledger) -> ImportResult:
    with as_file(files("ledger.workflows") / SAMPLE) as path, bar("importing the sample") as progress:
        result = import_file(
            ledger,
            path,
            "cpsc",
            ledger.authorities["US-CPSC"],
            on_progress=lambda at: progress(at.read, at.size, f"{at.rows} rows"),
        )
    ledger.follower.catch_up()
    return result
