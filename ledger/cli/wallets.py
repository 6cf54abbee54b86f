"""What verbs for an authority's wallet share: their options, the file its officers sign, and signing it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.audit.plain import is_code
from ledger.cli.common import AsJson, PassphraseFile, emit, passphrase_of, write_file
from ledger.domain.calendar import iso_instant
from ledger.domain.facts import OUTCOMES
from ledger.errors import BadValue
from ledger.json_text import BadJson, read_json_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.crypto.typed_data import SignedAnswer, SignedBatch
    from ledger.workflows.wallet_signatures import ToSignDict

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `show` wrote.")]
Wallet = Annotated[str, typer.Option("--wallet", metavar="ADDRESS", help="The wallet's address, 0x....")]
SomeWallet = Annotated[
    str | None, typer.Option("--wallet", metavar="ADDRESS", help="Default: the only one there is.")
]
ValidFor = Annotated[
    str, typer.Option("--valid-for", metavar="TIME", help="How long signatures may be used: 12h, 7d.")
]
Signatures = Annotated[
    list[str],
    typer.Option(
        "--signature",
        metavar="FILE",
        help="The wallet's signature in hex (`-`: standard input), or several of a Safe's owners.",
    ),
]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 365 * 86_400
#: No signature is longer; the rest of such a file is not read.
_MOST_TEXT = 1 << 16


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
    """Sign what `show` wrote as one owner of a Safe, with a key file; no ledger is needed. 签署."""
    from ledger.chain.accounts import checked_address  # noqa: PLC0415  keeps the start quick
    from ledger.chain.keyfile import KeyFile  # noqa: PLC0415
    from ledger.crypto.wallet_messages import WalletMessage, safe_digest  # noqa: PLC0415

    message = WalletMessage.from_json(read_message(file))
    if not is_code(message.content.authority):
        raise BadValue("message.authority", message.content.authority, "no authority has such a code")
    digest = safe_digest(message.chain_id, checked_address("wallet", wallet), message.digest)
    key = KeyFile.open(key_file, passphrase_of(passphrase_file))
    write_file(output, f"0x{key.sign_digest(digest).hex()}\n".encode())
    found = {"file": str(output), "officer": key.address(), "safe_digest": "0x" + digest.hex()}
    found["signed"] = _what(message.content)
    emit(as_json, found, lambda it: f"{it['officer']} signed {it['signed']}: {it['file']}")


def write_message(found: ToSignDict, path: Path) -> None:
    """Write what the officers sign. Raises `BadValue`."""
    write_file(path, (json.dumps(found["message"], ensure_ascii=False, indent=1) + "\n").encode())


def to_sign_lines(found: Mapping[str, Any], post: str) -> list[str]:
    """Say until when, what is signed, and what to do then: the command `post`."""
    then = f"credit-ledger {post} {found['file']} --wallet {found['wallet']} --signature FILE"
    return [
        f"to be posted by {found['until']}",
        f"digest of the message 摘要      {found['digest']}",
        f"what a Safe's owners sign 签名  {found['safe_digest']}",
        f"{found['file']} is what they sign in the wallet (EIP-712); then: {then}",
    ]


def seconds_of(text: str) -> int:
    """Return a span such as 12h or 7d in seconds. Raises `BadValue`."""
    found = re.fullmatch(r"([0-9]{1,8})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise BadValue("valid-for", text, "a number and s, m, h or d, up to 365d")
    return seconds


def read_message(file: Path) -> object:
    """Return the JSON in a file. Raises `BadValue`."""
    try:
        return read_json_file(file)
    except OSError as error:
        raise BadValue("file", file, error.strerror or "cannot be read") from None
    except BadJson as error:
        raise BadValue("file", file, str(error)) from None


def read_signature(file: str) -> bytes:
    """Return the signature in a file, or on standard input (`-`). Raises `BadValue`."""
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


def _what(content: SignedBatch | SignedAnswer) -> str:
    from ledger.crypto.typed_data import SignedBatch  # noqa: PLC0415

    by = f"to be posted by {iso_instant(content.deadline)}"
    return f"{_batch(content) if isinstance(content, SignedBatch) else _answer(content)}, {by}"


def _answer(answer: SignedAnswer) -> str:
    record, outcome = f"{answer.authority}-{answer.record}", OUTCOMES.get(answer.outcome, answer.outcome)
    about = f"objection {answer.objection} of enterprise {answer.enterprise} to {record}"
    return f"the answer to {about}: {outcome}, text 0x{answer.answer.hex()}"


def _batch(batch: SignedBatch) -> str:
    from ledger.domain.catalogue import load_catalogue  # noqa: PLC0415  keeps the start quick

    kinds = load_catalogue().by_number
    known = [f"{kinds[each].code} {kinds[each].zh} {kinds[each].en}" for each in batch.types if each in kinds]
    records = f"{batch.count} records of {batch.authority} from number {batch.first_number} on"
    return f"{records} ({', '.join(known)})"
