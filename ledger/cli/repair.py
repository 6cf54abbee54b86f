"""The verb `repair`: vault and chain brought together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.common import AsJson, ClockIsRight, clock_is_right, emit, note, opened, undone_lines
from ledger.errors import BadValue, LedgerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.bootstrap import Ledger

#: Lines of what is not held, or is to be done again, that are shown; `--json` has all of them.
_SHOWN = 20


def repair(
    take_back: Annotated[
        bool,
        typer.Option("--take-back", help="First remove the embedded chain's blocks made ahead of the clock."),
    ] = False,
    acts_too: Annotated[
        bool,
        typer.Option("--acts-too", help="Take back the governor's acts as well, to be done again first."),
    ] = False,
    give_up: Annotated[
        list[int] | None,
        typer.Option("--give-up", metavar="N", help="Of what was taken back: not to be done again."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why, with --give-up; the audit shows it.")
    ] = None,
    _right: ClockIsRight = False,
    as_json: AsJson = False,
) -> None:
    """Take up what the chain has and this vault does not, then send what waits. 修复."""
    from ledger.outbox import undone  # noqa: PLC0415
    from ledger.workflows.repairing import repair as run  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.taking_back import take_back as remove  # noqa: PLC0415

    with opened() as ledger:
        found: dict[str, Any] = {}
        if give_up:
            undone.give_up(ledger.db, give_up, reason_given(reason))
        if take_back:
            confirmed = clock_is_right()
            found["taken_back"] = dict(remove(ledger, acts_too=acts_too, confirmed=confirmed))
        found |= run(ledger)
        found["recorded"], found["problem"] = _send(ledger)
        found["undone"] = [each.line for each in undone.still_open(ledger.db, ledger.contracts)]
    emit(as_json, found, lambda it: "\n".join(_lines(it)))
    if found["problem"]:
        note(f"waiting: {found['problem']}")


def reason_given(reason: str | None) -> str:
    """Return the reason. Raises `BadValue` for none."""
    if reason is None or not reason.strip():
        raise BadValue("reason", "", "is needed to give something up: whoever audits will ask")
    return reason.strip()


def _send(ledger: Ledger) -> tuple[int, str | None]:
    """Send what waits; return how many records it recorded, and what stopped the others if something did."""
    recorded = [0]
    try:
        ledger.sender.drain(recorded.append)
    except LedgerError as error:
        return recorded[-1], str(error)
    finally:
        ledger.follower.catch_up()
    return recorded[-1], None


def _lines(found: Mapping[str, Any]) -> list[str]:
    lines = []
    taken = found.get("taken_back")
    if taken is not None:
        lines += _taken_back(taken)
    lines.append(
        f"taken up 补录: {found['enterprises']:,} enterprises, {found['records']:,} records not held here;"
        f" {found['recognised']:,} recognised, {found['renumbered']:,} firms renumbered"
    )
    lines += [f"  {each}" for each in found["not_held"][:_SHOWN]]
    if len(found["not_held"]) > _SHOWN:
        lines.append(f"  and {len(found['not_held']) - _SHOWN:,} more (--json lists them)")
    lines += [
        f"  this vault was changed, and is as the chain has it again: {each}" for each in found["changed"]
    ]
    if found["dated_anew"]:
        lines.append(
            f"  {found['dated_anew']:,} calls were accepted by a clock that was ahead: counted from now"
        )
    lines.append(f"sent 已发送: {found['recorded']:,} records")
    lines += undone_lines(found["undone"])
    return lines


def _taken_back(taken: Mapping[str, Any]) -> list[str]:
    if not taken["blocks"]:
        nothing = "no block was made ahead of the clock"
        what = "an earlier taking back is finished" if taken["resumed"] else f"nothing, {nothing}"
        return [f"taken back 撤回: {what}"]
    blocks = f"{taken['blocks']:,} blocks, {taken['first']:,} to {taken['last']:,}"
    lines = [
        f"taken back 撤回: {blocks} (kept in {taken['file']})",
        f"  sent again by themselves: {taken['registrations']:,} registrations, {taken['records']:,} records",
    ]
    if taken["waiting"]:
        lines.append(f"  of these {taken['waiting']:,} wait, since some are of days to come")
    if taken["assessments"]:
        lines.append(f"  {taken['assessments']:,} assessments are gone: credit-ledger assess")
    return lines
