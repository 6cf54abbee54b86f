"""The verb `audit`: the whole chain recomputed, and a report a person can file."""

from __future__ import annotations

import contextlib
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.audit.report import EXIT_OF
from ledger.cli.common import AsJson, emit, note, opened, write_file
from ledger.cli.progress import bar
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue, ChainDamaged, LedgerError

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger


def audit(
    checkpoint_file: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="One you kept: the log must still begin with it."),
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            "--node", metavar="URL", help="Another node of the chain, to be told the same; repeatable."
        ),
    ] = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Also write the report as an HTML page.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Take up an earlier audit; what it looked at is not looked at again."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute the whole chain, and compare what is kept elsewhere. 审计.

    Exits 1 on a deviation, 4 where something could not be checked and nothing deviates.
    """
    from ledger.audit.html import report_html  # noqa: PLC0415  keeps the start quick
    from ledger.chain.rpc import HttpNode  # noqa: PLC0415
    from ledger.workflows.audit_kept import kept_checkpoints_of  # noqa: PLC0415
    from ledger.workflows.audit_progress import Progress  # noqa: PLC0415
    from ledger.workflows.auditing import audit as run  # noqa: PLC0415

    others = [HttpNode(each) for each in node or []]
    begun = time.time()
    with opened() as ledger, bar("auditing", quiet=as_json) as progress:
        # What the index lacks would be a line in the report; what is wrong is for the audit to say.
        with contextlib.suppress(LedgerError):
            ledger.follower.catch_up()
        kept = kept_checkpoints_of(ledger, checkpoint_file)
        report = run(
            ledger,
            checkpoints=[(each.size, each.root) for each in kept.checkpoints],
            statements=kept.checkpoints,
            beside=kept.found,
            nodes=others,
            progress=Progress(ledger.settings.data_dir, ledger.deployment),
            resume=resume,
            on_progress=lambda at, last: progress(at, last, f"block {at:,} of {last:,}"),
        )
        about = _about(ledger, begun, [each.where for each in others])
    emit(as_json, {**report.to_dict(), "about": about}, lambda _: report.to_text())
    if report_file is not None:
        write_file(report_file, report_html(report, about).encode())
        note(f"report: {report_file}")
    if not report.ok:
        raise typer.Exit(EXIT_OF[report.verdict])


def _about(ledger: Ledger, begun: float, others: list[str]) -> dict[str, str]:
    """What was audited, when, and by what."""
    return {
        "chain": f"{ledger.deployment.chain_id}, {ledger.node.where}",
        "contract": ledger.deployment.credit_ledger,
        "block": _last_block(ledger),
        "other nodes": ", ".join(others) or "none",
        "begun": _instant(begun),
        "ended": _instant(time.time()),
        "credit-ledger": version("credit-ledger"),
        "python": platform.python_version(),
    }


def _last_block(ledger: Ledger) -> str:
    try:
        latest = ledger.node.request("eth_getBlockByNumber", "latest", False)
    except ChainDamaged:
        return "damaged"  # a deviation by now; the report is all the more wanted
    return f"{int(latest['number'], 16)}, {latest['hash']}"


def _instant(timestamp: float) -> str:
    try:
        return iso_instant(int(timestamp))
    except BadValue:
        return f"{int(timestamp)} s since 1970, beyond the calendar"
