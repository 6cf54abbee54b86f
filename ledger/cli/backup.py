"""The verbs `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ledger.cli.common import AsJson, emit, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The backup's folder.")]


def backup(folder: Folder, as_json: AsJson = False) -> None:
    """Copy keys, checkpoints, chain and vault, in this order, while everything goes on. 备份."""
    from ledger.workflows.backup import back_up  # noqa: PLC0415  keeps the start quick

    found = cast("dict[str, Any]", back_up(read_settings(), folder))
    emit(as_json, found, lambda it: _text("backed up 已备份", it))


def restore(
    folder: Folder,
    without_keystore: Annotated[
        bool, typer.Option("--without-keystore", help="The keys are kept elsewhere, and put there by hand.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the data folder, which must be empty, from a backup; or go on where that was interrupted. 恢复."""
    from ledger.workflows.restoring import restore as run  # noqa: PLC0415  keeps the start quick

    found = cast("dict[str, Any]", run(read_settings(), folder, without_keystore=without_keystore))
    emit(as_json, found, lambda it: _text("restored 已恢复", it))


def _text(done: str, found: Mapping[str, Any]) -> str:
    lines = [
        f"{done}: {found['files']} files, {found['bytes']:,} bytes, in {found['folder']}",
        f"  as of {found['made_at']}; with it: {', '.join(found['holds']) or 'nothing of use'}",
        *(f"  {each} is a link in the data folder, and a copy here" for each in found["linked"]),
        *(f"  next: {each}" for each in found["next"]),
    ]
    return "\n".join(lines)
