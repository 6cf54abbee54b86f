"""Verbs for four eyes: show the batch that waits for a wallet's officers, sign it, post what they signed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ledger.cli.common import AsJson, PassphraseFile, emit, opened, passphrase_of, write_file
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue

if TYPE_CHECKING:
    from ledger.crypto.typed_data import SignedBatch
    from ledger.workflows.wallet_batches import RecordDict, ShownDict

batches = typer.Typer(
    no_args_is_help=True, help="Batches for the officers of an authority's wallet. 双人复核."
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The authority, such as GACC.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="What `batch show` wrote.")]
Wallet = Annotated[str, typer.Option("--wallet", metavar="ADDRESS", help="The wallet's address, 0x....")]
#: NDRC Order 36.
_SEVERITIES = ("none 无", "minor 轻微", "general 一般", "serious 严重")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 365 * 86_400
#: No signature is longer; the rest of such a file is not read.
_MOST_TEXT = 1 << 16


@batches.command("show")
def show(
    code: Code,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: CODE-NUMBER.json.")
    ] = None,
    wallet: Annotated[
        str | None, typer.Option("--wallet", metavar="ADDRESS", help="Default: the only one there is.")
    ] = None,
    valid_for: Annotated[
        str, typer.Option("--valid-for", metavar="TIME", help="How long signatures may be used: 12h, 7d.")
    ] = "7d",
    as_json: AsJson = False,
) -> None:
    """Show what the wallet's officers are to sign next, and write it as they sign it. 待签批次."""
    from ledger.workflows.wallet_batches import show as shown  # noqa: PLC0415  keeps the start quick

    seconds = _seconds(valid_for)
    with opened() as ledger:
        found = shown(ledger, code.upper(), wallet, seconds, ledger.settings.batch_size)
    path = output or Path(f"{found['first']}.json")
    write_file(path, (json.dumps(found["message"], ensure_ascii=False, indent=1) + "\n").encode())
    emit(as_json, {**found, "file": str(path)}, lambda: _shown(found, path))


@batches.command("sign")
def sign(  # noqa: PLR0917  the options of the command
    file: File,
    wallet: Wallet,
    key_file: Annotated[
        Path, typer.Option("--key-file", metavar="FILE", help="The officer's own key (objection new-key).")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The signature, in hex.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a batch as one owner of a Safe, with a key file; no ledger is needed. 签署."""
    from ledger.chain.accounts import checked_address  # noqa: PLC0415  keeps the start quick
    from ledger.chain.keyfile import KeyFile  # noqa: PLC0415
    from ledger.crypto.batch_messages import BatchMessage, safe_digest  # noqa: PLC0415

    message = BatchMessage.from_json(_message(file))
    digest = safe_digest(message.chain_id, checked_address("wallet", wallet), message.digest)
    key = KeyFile.open(key_file, passphrase_of(passphrase_file))
    write_file(output, f"0x{key.sign_digest(digest).hex()}\n".encode())
    found = {"file": str(output), "officer": key.address(), "safe_digest": "0x" + digest.hex()}
    emit(as_json, found, lambda: f"{key.address()} signed {_what(message.batch)}: {output}")


@batches.command("post")
def post(
    code: Code,
    file: File,
    wallet: Wallet,
    signature: Annotated[
        list[str],
        typer.Option(
            "--signature",
            metavar="FILE",
            help="The wallet's signature in hex (`-`: standard input), or several of a Safe's owners.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Post a batch with the signature of the wallet's officers, after checking all of it. 提交."""
    from ledger.workflows.wallet_batches import post as posted  # noqa: PLC0415  keeps the start quick

    message, signatures = _message(file), [_signature(each) for each in signature]
    with opened() as ledger:
        ledger.follower.catch_up()
        found = posted(ledger, code.upper(), message, wallet, signatures)
    what = "were recorded already" if found["already"] else "recorded"
    text = f"{found['count']} records {what}: {found['first']} to {found['last']}"
    emit(as_json, cast("dict[str, Any]", found), lambda: text)


def _shown(found: ShownDict, path: Path) -> str:
    code, records = found["authority"], found["records"]
    lines = [f"{code}: {len(records)} records wait for the officers of {found['wallet']}  待签"]
    lines += [_record_text(each) for each in records]
    lines.append(f"to be posted by {found['until']}")
    lines.append(f"digest of the message 摘要      {found['digest']}")
    lines.append(f"what a Safe's owners sign 签名  {found['safe_digest']}")
    then = f"credit-ledger batch post {code} {path} --wallet {found['wallet']} --signature FILE"
    return "\n".join([*lines, f"{path} is what they sign in the wallet (EIP-712); then: {then}"])


def _what(batch: SignedBatch) -> str:
    from ledger.domain.catalogue import load_catalogue  # noqa: PLC0415  keeps the start quick

    kinds = load_catalogue().by_number
    known = [f"{kinds[each].code} {kinds[each].zh} {kinds[each].en}" for each in batch.types if each in kinds]
    records = f"{batch.count} records of {batch.authority} from number {batch.first_number} on"
    return f"{records} ({', '.join(known)}), to be posted by {iso_instant(batch.deadline)}"


def _record_text(each: RecordDict) -> str:
    kind = f"{each['type']} {each['type_zh']} {each['type_en']}  severity {_SEVERITIES[each['severity']]}"
    days = f"decided 决定 {each['decided_on']}, conduct 行为 {each['conduct_on']}"
    refers = f", refers to {each['refers_to']}" if each["refers_to"] else ""
    who = each["id"] if each["name"] in each["id"] else f"{each['id']} {each['name']}"
    return (
        f"  {each['record']:<12} {kind}\n{'':<15}{who}\n{'':<15}{days}; reference {each['reference']}{refers}"
    )


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,8})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise BadValue("valid-for", text, "a number and s, m, h or d, up to 365d")
    return seconds


def _message(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise BadValue("file", file, error.strerror or "cannot be read") from None
    except ValueError:
        raise BadValue("file", file, "is not JSON") from None


def _signature(file: str) -> bytes:
    try:
        text = sys.stdin.read(_MOST_TEXT) if file == "-" else Path(file).read_text("ascii")[:_MOST_TEXT]
        found = bytes.fromhex(text.strip().removeprefix("0x"))
    except OSError as error:
        raise BadValue("signature", file, error.strerror or "cannot be read") from None
    except ValueError:
        raise BadValue("signature", file, "is not a signature in hexadecimal digits") from None
    if not found:
        raise BadValue("signature", file, "is empty")
    return found
