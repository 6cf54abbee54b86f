"""Verbs about objections: `objection open`, `answer`, `list`."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from ledger.cli.common import AsJson, emit, opened
from ledger.cli.read import Identifier

objections = typer.Typer(no_args_is_help=True, help="Objections to records, and their answers. 异议.")


@objections.command("open")
def open_(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="CODE-NUMBER, such as GACC-12.")],
    statement: Annotated[str, typer.Option("--statement", help="What the enterprise says.")],
    as_json: AsJson = False,
) -> None:
    """Object to a record for the enterprise it is about; the clock of the answer begins. 提出异议."""
    from ledger.workflows.objecting import open_objection  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        found = cast("dict[str, Any]", open_objection(ledger, record, statement))
    emit(as_json, found, lambda: _text(found))


@objections.command("answer")
def answer(
    objection: Annotated[int, typer.Argument(metavar="NUMBER", help="The objection's number.")],
    outcome: Annotated[str, typer.Option("--outcome", help="upheld, 'partly upheld' or rejected.")],
    text: Annotated[str, typer.Option("--answer", help="The written answer.")],
    as_json: AsJson = False,
) -> None:
    """Answer an objection with the key of the authority that made the record. 答复异议."""
    from ledger.workflows.objecting import answer_objection  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        found = cast("dict[str, Any]", answer_objection(ledger, objection, outcome, text))
    emit(as_json, found, lambda: _text(found))


@objections.command("list")
def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """List an enterprise's objections. 异议列表."""
    from ledger.workflows.objecting import objections_of  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.subjects import subject_of  # noqa: PLC0415

    with opened() as ledger:
        ledger.follower.catch_up()
        subject = subject_of(ledger.db, identifier, ledger.today())
        found = objections_of(ledger.db, ledger.keystore.master_key, subject.members, ledger.today())
    emit(
        as_json,
        {"id": subject.key, "objections": found},
        lambda: "\n".join(_text(cast("dict[str, Any]", each)) for each in found) or "no objections",
    )


def _text(found: dict[str, Any]) -> str:
    late = "  OVERDUE 逾期" if found["overdue"] else ""
    head = f"objection {found['objection']}  {found['record']}  {found['outcome']}"
    lines = [f"{head}  opened {found['opened_on']}, due {found['due_on']}{late}"]
    lines += [f"  {name}: {found[name]}" for name in ("statement", "answer") if found[name]]
    return "\n".join(lines)
