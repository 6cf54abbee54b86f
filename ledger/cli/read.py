"""Verbs that read: `score` and `record`."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from ledger.cli.common import AsJson, emit, opened
from ledger.domain.calendar import iso, to_day
from ledger.errors import BadValue

Identifier = Annotated[
    str,
    typer.Argument(metavar="ID", help="uscc:... (a bare 18-character code is one), lei:... or name:CN:..."),
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Day in Asia/Shanghai; default: today.")
]

GRADES = {"A": "守信 excellent", "B": "良好 good", "C": "一般 fair", "D": "失信 poor", "M": "新设 new, clean"}


def day_or_today(text: str | None, today: int, option: str = "as-of") -> int:
    """Read an option that is a day. Raises `BadValue` for a day that is none, or that has not come yet."""
    if text is None:
        return today
    try:
        day = to_day(text)
    except BadValue as error:
        raise BadValue(option, text, error.reason) from None
    if day > today:
        raise BadValue(option, text, "in the future")
    return day


def score(
    identifier: Identifier,
    as_of: AsOf = None,
    known_on: Annotated[
        str | None,
        typer.Option("--known-on", metavar="DATE", help="Only from what was posted by the end of that day."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score an enterprise, with a reason for every point. 信用评分."""
    from ledger.workflows.reading import score_of  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        day = day_or_today(as_of, ledger.today())
        known = None if known_on is None else day_or_today(known_on, ledger.today(), "known-on")
        answer = score_of(ledger.db, ledger.catalogue, ledger.cards, identifier, day, known_on=known)
        found = cast("dict[str, Any]", answer) | ({} if known is None else {"known_on": iso(known)})
    emit(as_json, found, score_text)


def score_text(found: dict[str, Any]) -> str:
    """Return a score as a person reads it."""
    grade = f"{found['grade']} ({GRADES[found['grade']]})"
    lines = [
        f"{found['id']}   {found['as_of']}",
        f"score 评分 {found['score']}   grade 等级 {grade}   card {found['card']}",
    ]
    if "known_on" in found:
        lines.append(f"from what was known 已知 on {found['known_on']}")
    if found["linked"]:
        lines.append("with the records of " + ", ".join(found["linked"]))
    for each in found["reasons"]:
        until = f"until {each['until']}" if each["until"] else "while valid"
        effect = f"  {each['effect']}" if each["effect"] else ""
        what = f"{each['type']} {each['type_zh']} {each['type_en']}{effect}"
        lines.append(f"  {each['points']:>+8}  {each['record']:<14} {what}")
        lines.append(f"{'':<12}{until}; rule: {each['rule']}")
    if not found["reasons"]:
        lines.append("  nothing counts on that day")
    return "\n".join(lines)


def record(identifier: Identifier, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Show an enterprise's whole record, with the status of each item. 信用记录."""
    from ledger.workflows.record_reading import record_of  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        day = day_or_today(as_of, ledger.today())
        master = ledger.keystore.master_key
        found = cast("dict[str, Any]", record_of(ledger.db, ledger.catalogue, master, identifier, day))
    emit(as_json, found, _record_text)


def _record_text(found: dict[str, Any]) -> str:
    lines = [f"{found['id']}   {found['as_of']}   {len(found['records'])} records   {found['name']}"]
    if found["linked"]:
        lines.append("with the records of " + ", ".join(found["linked"]))
    for each in found["records"]:
        objected = "  disputed 异议中" if each["disputed"] else ""
        what = f"{each['type']} {each['type_zh']} {each['type_en']}  [{each['status']}]{objected}"
        lines.append(f"  {each['decided_on']}  {each['record']:<14} {what}")
        if each["reference"]:
            refers = f"refers to {each['refers_to']}, " if each["refers_to"] else ""
            lines.append(f"{'':<14}{refers}reference {each['reference']}")
    return "\n".join(lines)
