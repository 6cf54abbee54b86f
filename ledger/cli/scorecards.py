"""Verbs about scorecards: which there are, and a new one of the operator's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.authorities import act_text
from ledger.cli.common import AsJson, emit, opened
from ledger.errors import BadValue

cards = typer.Typer(no_args_is_help=True, help="Scorecards: the rules scores follow. 评分卡.")


@cards.command("list")
def show(as_json: AsJson = False) -> None:
    """List the scorecards with their dates and hashes. 评分卡列表."""
    from ledger.workflows.scorecards import list_cards  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        found = list_cards(ledger)

    def text(shown: dict[str, Any]) -> str:
        lines = []
        for each in shown["cards"]:
            state = "in force 现行" if each["in_force"] else ""
            state = state if each["registered"] else "not registered 未登记"
            lines.append(f"from {each['effective_on']}  {each['name']}  {each['hash']}  {state}".rstrip())
        return "\n".join(lines)

    emit(as_json, {"cards": found}, text)


@cards.command("register")
def register(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A card in TOML, as ledger/scoring has one.")],
    as_json: AsJson = False,
) -> None:
    """Register a scorecard, by which days from its date on are scored. 登记评分卡."""
    from ledger.workflows.scorecards import register_card  # noqa: PLC0415  keeps the start quick

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadValue("file", str(file), f"cannot be read: {error}") from None
    with opened() as ledger:
        ledger.follower.catch_up()
        found = register_card(ledger, text, str(file))
    note = "\n  a running `credit-ledger start` takes it up when it is started again" if found["done"] else ""
    emit(as_json, found, lambda it: act_text(it) + note)
