"""Verbs that write: `import` and `assess`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ledger.cli.common import SOME_REFUSED, AsJson, ClockIsRight, emit, note, opened, waiting_lines
from ledger.cli.identities import authority_of
from ledger.cli.progress import bar
from ledger.cli.read import AsOf, day_or_today
from ledger.errors import BadValue


class Format(StrEnum):
    """What `import` reads."""

    RECORDS = "records"
    CPSC = "cpsc"


def import_records(  # noqa: PLR0917  each is an option with a name
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or NDJSON in UTF-8.")],
    file_format: Annotated[
        Format, typer.Option("--format", help="records, or cpsc: US recalls as published.")
    ],
    authority: Annotated[
        str | None,
        typer.Option("--authority", metavar="CODE", help="Who writes the records (cpsc: US-CPSC)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing.")] = False,
    clock_is_right: ClockIsRight = False,  # noqa: ARG001  `opened` asks for it
    as_json: AsJson = False,
) -> None:
    """Record a file's good rows; put the others, with the reason, into FILE.rejects.csv. 导入."""
    from ledger.workflows.importing import import_file  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.wallet_batches import waiting_now  # noqa: PLC0415

    code = authority or ("US-CPSC" if file_format is Format.CPSC else None)
    if code is None:
        raise BadValue("authority", "", "a records file does not say who writes it: give --authority CODE")
    with opened() as ledger, bar(f"importing {file.name}", quiet=as_json) as progress:
        result = import_file(
            ledger,
            file,
            file_format.value,
            authority_of(ledger, code),
            dry_run=dry_run,
            on_progress=lambda at: progress(at.read, at.size, f"{at.rows:,} rows"),
        )
        if not dry_run:
            ledger.follower.catch_up()
        waits = waiting_now(ledger)
    found = cast("dict[str, Any]", result.to_dict()) | {"waiting": waits}
    emit(as_json, found, import_text)
    for row in result.shown:
        for error in row.errors:
            note(f"row {row.number}: {error.field}: {error.value!r}: {error.reason}")
    if result.rejected:
        raise typer.Exit(SOME_REFUSED)


def import_text(found: dict[str, Any]) -> str:
    """Return an import's result as a person reads it; `waiting`: records that wait for wallets, by code."""
    verb = "would be recorded" if found["dry_run"] else "accepted" if found["waiting"] else "recorded"
    counts = (
        f"{found['rows']:,} rows: {found['recorded']:,} {verb}, {found['duplicate']:,} already there, "
        f"{found['rejected']:,} rejected, {found['skipped']:,} skipped; {found['firms']:,} firms"
    )
    lines = [counts]
    if found["ignored_columns"]:
        lines.append("columns not read: " + ", ".join(found["ignored_columns"]))
    if found["rejects_file"]:
        lines.append(f"rejected rows, with the reason: {found['rejects_file']}")
    return "\n".join([*lines, *waiting_lines(found["waiting"])])


def assess(
    as_of: AsOf = None,
    clock_is_right: ClockIsRight = False,  # noqa: ARG001  `opened` asks for it
    as_json: AsJson = False,
) -> None:
    """Score the enterprises that changed, anchor the scores' root on the chain, sign a checkpoint. 评定."""
    from ledger.workflows.assessing import assess as run  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.checkpoints import check_signing, make_checkpoint  # noqa: PLC0415

    with opened() as ledger:
        check_signing(ledger)  # before anything is published
        found = cast("dict[str, Any]", run(ledger, day_or_today(as_of, ledger.today())))
        found["checkpoint"] = str(make_checkpoint(ledger).path)
    emit(as_json, found, lambda it: "\n".join(f"{key:<10} {value}" for key, value in it.items()))
