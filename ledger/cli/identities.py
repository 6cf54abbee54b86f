"""Verbs about who is who: `id check`, `enterprise register`, `show`, `link`, `unlink`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ledger.audit.plain import LONG, json_line, one_line
from ledger.cli.common import AsJson, emit, opened
from ledger.cli.read import Identifier
from ledger.domain.identifiers import check_identifier
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.bootstrap import Ledger
    from ledger.domain.catalogue import Authority

identifiers = typer.Typer(no_args_is_help=True, help="Check identifiers. 校验代码.")
enterprises = typer.Typer(no_args_is_help=True, help="Register, show and link enterprises. 企业主体.")

LinkingAuthority = Annotated[
    str, typer.Option("--authority", metavar="CODE", help="The authority whose officer decides.")
]
#: Said in place of a record's id while it waits for a wallet.
_UNSIGNED = "waits for the signatures of its wallet"
Why = Annotated[str, typer.Option("--reason", help="The officer's reason, kept with the record.")]


def authority_of(ledger: Ledger, code: str) -> Authority:
    """Return an authority by its code. Raises `BadValue`."""
    found = ledger.authorities.get(code.upper())
    if found is None:
        raise BadValue("authority", code, f"unknown; there are {', '.join(ledger.authorities)}")
    return found


@identifiers.command("check")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="One identifier a line; `-`: standard input.")],
    as_json: AsJson = False,
) -> None:
    """Judge identifiers, one a line: `valid<TAB>code` or `invalid<TAB>code<TAB>why`."""
    verdicts = (check_identifier(line) for line in _lines(file))
    if as_json:
        found = [{"code": v.code, "valid": v.valid, "why": v.why} for v in verdicts]
        sys.stdout.write(json_line(found) + "\n")
        return
    for verdict in verdicts:
        if verdict.valid:
            sys.stdout.write(f"valid\t{one_line(verdict.code, LONG)}\n")
        else:
            sys.stdout.write(f"invalid\t{one_line(verdict.code, LONG)}\t{one_line(verdict.why, LONG)}\n")


def _lines(file: str) -> Iterator[str]:
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
            for number, line in enumerate(source):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
                shown = text.decode("utf-8", "replace").strip()
                if shown:
                    yield shown
    except OSError as error:
        raise BadValue("file", file, error.strerror or "cannot be read") from None


@enterprises.command("register")
def register(identifier: Identifier, as_json: AsJson = False) -> None:
    """Register an enterprise on the chain under a salted commitment of its identifier."""
    from ledger.domain.parties import parse_party  # noqa: PLC0415  keeps the start quick
    from ledger.outbox.identities import register_party  # noqa: PLC0415

    party = parse_party(identifier)
    with opened() as ledger:
        enterprise = register_party(ledger.db, party)
        ledger.sender.drain()
        ledger.follower.catch_up()
    found = {"id": party.key, "enterprise": enterprise}
    emit(as_json, found, lambda it: f"{it['id']} is enterprise {it['enterprise']}")


@enterprises.command("show")
def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """Show who an enterprise is: its number on the chain, the names linked to it, its head."""
    from ledger.workflows.subjects import subject_of  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        subject = subject_of(ledger.db, identifier, ledger.today())
        head = ledger.contracts.head(subject.enterprise).hex()
    found = {
        "id": subject.key,
        "asked": subject.asked,
        "name": subject.text,
        "enterprise": subject.enterprise,
        "linked": list(subject.linked),
        "head": head,
    }
    emit(as_json, found, lambda it: "\n".join(f"{key:<11} {value}" for key, value in it.items()))


@enterprises.command("link")
def link(
    name: Annotated[str, typer.Argument(help="The unresolved name, name:CN:...")],
    code: Annotated[str, typer.Argument(help="The code it was found to be, uscc:... or lei:...")],
    reason: Why = "identified by an officer",
    authority: LinkingAuthority = "SAMR",
    as_json: AsJson = False,
) -> None:
    """Link an unresolved name to a code: from today its record follows the code."""
    from ledger.workflows.linking import link as link_names  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        done = link_names(ledger, authority_of(ledger, authority), name, code, reason)
    emit(
        as_json,
        cast("dict[str, Any]", done),
        lambda it: f"{it['name']} now follows {it['code']} (record {it['record'] or _UNSIGNED})",
    )


@enterprises.command("unlink")
def unlink(
    name: Annotated[str, typer.Argument(help="The linked name, name:CN:...")],
    reason: Why = "the link was found to be wrong",
    authority: LinkingAuthority = "SAMR",
    as_json: AsJson = False,
) -> None:
    """Undo a link: from today the name's record is its own again."""
    from ledger.workflows.linking import unlink as unlink_name  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        done = unlink_name(ledger, authority_of(ledger, authority), name, reason)
    emit(
        as_json,
        cast("dict[str, Any]", done),
        lambda it: f"{it['name']} no longer follows {it['code']} (record {it['record'] or _UNSIGNED})",
    )
