"""Verbs for four eyes: show the batch that waits for a wallet's officers, sign it, post what they signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ledger.cli import wallets
from ledger.cli.common import AsJson, emit, opened

batches = typer.Typer(
    no_args_is_help=True, help="Batches for the officers of an authority's wallet. 双人复核."
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The authority, such as GACC.")]
#: NDRC Order 36.
_SEVERITIES = ("none 无", "minor 轻微", "general 一般", "serious 严重")


@batches.command("show")
def show(
    code: Code,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: CODE-NUMBER.json.")
    ] = None,
    wallet: wallets.SomeWallet = None,
    valid_for: wallets.ValidFor = "7d",
    as_json: AsJson = False,
) -> None:
    """Show what the wallet's officers are to sign next, and write it as they sign it. 待签批次."""
    from ledger.workflows.wallet_batches import show as shown  # noqa: PLC0415  keeps the start quick

    seconds = wallets.seconds_of(valid_for)
    with opened() as ledger:
        found = shown(ledger, code.upper(), wallet, seconds, ledger.settings.batch_size)
    path = output or Path(f"{found['first']}.json")
    wallets.write_message(found, path)
    emit(as_json, {**found, "file": str(path)}, _shown)


batches.command("sign")(wallets.sign)


@batches.command("post")
def post(
    code: Code,
    file: wallets.File,
    wallet: wallets.Wallet,
    signature: wallets.Signatures,
    as_json: AsJson = False,
) -> None:
    """Post a batch with the signature of the wallet's officers, after checking all of it. 提交."""
    from ledger.workflows.wallet_batches import post as posted  # noqa: PLC0415  keeps the start quick

    message, signatures = wallets.read_message(file), [wallets.read_signature(each) for each in signature]
    with opened() as ledger:
        ledger.follower.catch_up()
        found = posted(ledger, code.upper(), message, wallet, signatures)
    emit(as_json, cast("dict[str, Any]", found), _posted)


def _posted(found: dict[str, Any]) -> str:
    what = "were recorded already" if found["already"] else "recorded"
    return f"{found['count']} records {what}: {found['first']} to {found['last']}"


def _shown(found: dict[str, Any]) -> str:
    code, records = found["authority"], found["records"]
    lines = [f"{code}: {len(records)} records wait for the officers of {found['wallet']}  待签"]
    lines += [_record_text(each) for each in records]
    return "\n".join([*lines, *wallets.to_sign_lines(found, f"batch post {code}")])


def _record_text(each: dict[str, Any]) -> str:
    kind = f"{each['type']} {each['type_zh']} {each['type_en']}  severity {_SEVERITIES[each['severity']]}"
    days = f"decided 决定 {each['decided_on']}, conduct 行为 {each['conduct_on']}"
    refers = f"; refers to {each['refers_to']}" if each["refers_to"] else ""
    who = each["id"] if each["name"] in each["id"] else f"{each['id']} {each['name']}"
    return (
        f"  {each['record']:<12} {kind}\n{'':<15}{who}\n{'':<15}{days}{refers}; reference {each['reference']}"
    )
