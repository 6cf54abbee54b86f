"""Verbs about objections: `open`, `answer`, `list`; `key`, `new-key` for enterprises' own keys.

`show`, `sign` and `post` are for answers that the officers of an authority's wallet sign.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ledger.cli import wallets
from ledger.cli.common import AsJson, PassphraseFile, emit, opened, passphrase_of
from ledger.cli.read import Identifier

objections = typer.Typer(no_args_is_help=True, help="Objections to records, and their answers. 异议.")

#: The largest number that a database holds.
_LARGEST = (1 << 63) - 1
Objection = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, max=_LARGEST, help="The objection's number.")
]
Outcome = Annotated[str, typer.Option("--outcome", help="upheld, 'partly upheld' or rejected.")]
AnswerText = Annotated[str, typer.Option("--answer", help="The written answer.")]


@objections.command("open")
def open_(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="CODE-NUMBER, such as GACC-12.")],
    statement: Annotated[str, typer.Option("--statement", help="What the enterprise says.")],
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", metavar="FILE", help="The enterprise's own key; default: as registrar."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Object to a record as its enterprise, or for it; the clock of the answer begins. 提出异议."""
    from ledger.chain.keyfile import KeyFile  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.objecting import open_objection  # noqa: PLC0415

    key = KeyFile.open(key_file, passphrase_of(passphrase_file)) if key_file else None
    with opened() as ledger:
        ledger.follower.catch_up()
        found = cast("dict[str, Any]", open_objection(ledger, record, statement, key))
    emit(as_json, found, _text)


@objections.command("answer")
def answer(
    objection: Objection,
    outcome: Outcome,
    text: AnswerText,
    as_json: AsJson = False,
) -> None:
    """Answer an objection with the key of the authority that made the record. 答复异议."""
    from ledger.workflows.objecting import answer_objection  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        found = cast("dict[str, Any]", answer_objection(ledger, objection, outcome, text))
    emit(as_json, found, _text)


@objections.command("show")
def show_answer(  # noqa: PLR0917  the options of the command
    objection: Objection,
    outcome: Outcome,
    text: AnswerText,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: objection-NUMBER.json.")
    ] = None,
    wallet: wallets.SomeWallet = None,
    valid_for: wallets.ValidFor = "7d",
    as_json: AsJson = False,
) -> None:
    """Show an answer to the officers of the authority's wallet, and write it as they sign it. 待签答复."""
    from ledger.workflows.wallet_answers import show  # noqa: PLC0415  keeps the start quick

    seconds = wallets.seconds_of(valid_for)
    with opened() as ledger:
        found = show(ledger, objection, outcome, text, wallet, seconds)
    path = output or Path(f"objection-{objection}.json")
    wallets.write_message(found, path)
    emit(as_json, {**found, "file": str(path)}, _to_sign)


objections.command("sign")(wallets.sign)


@objections.command("post")
def post(
    file: wallets.File, wallet: wallets.Wallet, signature: wallets.Signatures, as_json: AsJson = False
) -> None:
    """Post an answer with the signature of the wallet's officers, after checking all of it. 提交答复."""
    from ledger.workflows.wallet_answers import post as posted  # noqa: PLC0415  keeps the start quick

    message, signatures = wallets.read_message(file), [wallets.read_signature(each) for each in signature]
    with opened() as ledger:
        done = posted(ledger, message, wallet, signatures)
    found = cast("dict[str, Any]", done)
    what = "was answered so already" if done["already"] else "is answered"
    emit(as_json, found, lambda it: f"objection {it['objection']} {what}\n{_text(it)}")


@objections.command("key")
def key_(
    identifier: Identifier,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="0x..., or `none` to take it away.")],
    as_json: AsJson = False,
) -> None:
    """Set the account that speaks for an enterprise: from then on it objects itself. 企业密钥."""
    from ledger.workflows.enterprise_keys import set_enterprise_key  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        done = set_enterprise_key(ledger, identifier, None if address == "none" else address)
    found = cast("dict[str, Any]", done)
    emit(as_json, found, lambda it: f"{it['id']} speaks by {it['key'] or 'the registrar'}")


@objections.command("new-key")
def new_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the encrypted key is written.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key file, as wallets read it, and print its address for the registrar. 生成企业密钥."""
    from ledger.chain.keyfile import KeyFile  # noqa: PLC0415  keeps the start quick

    made = KeyFile.make(file, passphrase_of(passphrase_file, new=True))
    emit(as_json, {"file": str(file), "key": made.address()}, lambda it: it["key"])


@objections.command("list")
def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """List an enterprise's objections. 异议列表."""
    from ledger.workflows.enterprise_keys import enterprise_key  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.objecting import objections_of  # noqa: PLC0415
    from ledger.workflows.subjects import subject_of  # noqa: PLC0415

    with opened() as ledger:
        ledger.follower.catch_up()
        subject = subject_of(ledger.db, identifier, ledger.today())
        found = objections_of(ledger.db, ledger.keystore.master_key, subject.members, ledger.today())
        with ledger.db.read_index() as index:
            key = enterprise_key(index, subject.enterprise)
    emit(as_json, {"id": subject.key, "key": key, "objections": found}, _list)


def _list(found: dict[str, Any]) -> str:
    lines = [f"objects by its own key 企业密钥 {found['key']}"] if found["key"] else []
    return "\n".join(lines + ([_text(each) for each in found["objections"]] or ["no objections"]))


def _to_sign(found: dict[str, Any]) -> str:
    lines = [f"{found['authority']}: an answer for the officers of {found['wallet']}  待签"]
    lines.append(f"  objection {found['objection']} to {found['record']}: {found['outcome']}")
    return "\n".join([*lines, *_texts(found), *wallets.to_sign_lines(found, "objection post")])


def _text(found: dict[str, Any]) -> str:
    late = "  OVERDUE 逾期" if found["overdue"] else ""
    head = f"objection {found['objection']}  {found['record']}  {found['outcome']}"
    lines = [f"{head}  opened {found['opened_on']}, due {found['due_on']}{late}"]
    return "\n".join([*lines, *_texts(found)])


def _texts(found: dict[str, Any]) -> list[str]:
    """What was said on both sides, as far as it is held here: each a block of lines (`emit`)."""
    said = [(name, found[name]) for name in ("statement", "answer") if found[name]]
    return [line for name, lines in said for line in (f"  {name}:", *lines)]
