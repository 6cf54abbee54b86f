"""Verbs of proof: `prove` makes evidence, `verify` checks it offline."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.audit.command import read_bounded, report, trusted_from
from ledger.audit.signed import WrongKind
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.cli.common import AsJson, emit, opened, write_file
from ledger.cli.read import AsOf, Identifier, day_or_today
from ledger.crypto.notes import MAX_SIGNATURES, RECOMPUTED
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.audit.verifier import EvidenceVerdict


def prove(  # noqa: PLR0917  a verb's options
    identifier: Identifier,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write; `-`: standard output.")
    ],
    without_documents: Annotated[
        bool, typer.Option("--without-documents", help="Withhold what the documents say.")
    ] = False,
    with_signatures: Annotated[
        bool, typer.Option("--with-signatures", help="Add those under the batches the records came in.")
    ] = False,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="VKEY@URL", help="A witness that is to cosign; may be repeated."),
    ] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write an evidence file: an enterprise's complete record, checkable without this ledger. 出具证据."""
    from ledger.workflows.checkpoints import consistency  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.proving import prove as make  # noqa: PLC0415
    from ledger.workflows.witnessing import cosign, parse_witness  # noqa: PLC0415

    witnesses = [parse_witness(each) for each in witness or []]
    with opened() as ledger:
        ledger.follower.catch_up()
        data = make(
            ledger,
            identifier,
            day_or_today(as_of, ledger.today()),
            with_documents=not without_documents,
            with_signatures=with_signatures,
            cosigned=lambda kept: cosign(partial(consistency, ledger), kept, witnesses),
        )
        cards = ledger.cards
    verdict = verify_evidence(data, Trusted(cards=cards))  # first: what no reader takes is not written
    if str(output) == "-":
        sys.stdout.buffer.write(data)
        return
    write_file(output, data)
    found = {
        "file": str(output),
        "bytes": len(data),
        "subjects": len(verdict.subjects),
        "records": sum(len(each.records) for each in verdict.subjects),
        "tree_size": verdict.tree_size,
        "root": verdict.root.hex(),
        "block": verdict.stated.block.number,
        "complete_for": complete_for(verdict),
    }
    emit(as_json, found, _made)


def complete_for(verdict: EvidenceVerdict) -> list[str]:
    """Names of the keys with which the file verifies as complete; empty where no witness recomputed it."""
    if verdict.checkpoint is None:
        return []
    names = [verdict.checkpoint.checkpoint.origin, *verdict.checkpoint.unknown]
    recomputed = sorted({each for each in names if each.endswith(RECOMPUTED)})
    return [names[0], *recomputed] if recomputed else []


_INCOMPLETE = (
    "verifies as NOT proven complete: no witness recomputed its statement (prove --witness VKEY@URL); "
    "as complete only for who has a node of their own (verify --node URL)"
)


def _made(found: Mapping[str, Any]) -> str:
    lines = [
        f"{found['file']}: {found['records']} records, {found['bytes']:,} bytes, at block {found['block']}",
        _INCOMPLETE,
    ]
    if found["complete_for"]:
        lines[1] = "verifies as complete for who has the keys of " + ", ".join(found["complete_for"])
    return "\n".join(lines)


def verify(  # noqa: PLR0917  a verb's options
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence file; `-`: standard input.")],
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="VKEY", help="The log's key: it must have signed.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", metavar="VKEY", help="A witness's key; may be repeated.")
    ] = None,
    quorum: Annotated[
        int | None,
        typer.Option(
            "--quorum", min=0, max=MAX_SIGNATURES, help="Witnesses that must have cosigned; default: all."
        ),
    ] = None,
    card: Annotated[
        list[str] | None, typer.Option("--card", metavar="FILE|HASH", help="A scorecard you know.")
    ] = None,
    not_older_than: Annotated[
        str | None,
        typer.Option("--not-older-than", metavar="SPAN|DATE", help="Refuse older: 36h, 30d, or a day."),
    ] = None,
    node: Annotated[
        str | None, typer.Option("--node", metavar="URL", help="A node of your own, asked for the heads.")
    ] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Exit 0 though it is not proven complete.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check an evidence file, with no ledger or database. Exits 1 unless it is proven. 核验证据."""
    data = read_evidence(file)
    asking = None
    if node is not None:
        from ledger.workflows.own_node import ask_node  # noqa: PLC0415  keeps the start quick

        asking = ask_node(node)
    try:
        trusted = trusted_from(key or [], witness or [], quorum, card or [], not_older_than, asking)
    except WrongKind as wrong:
        raise typer.BadParameter(str(wrong)) from None
    code = report(data, trusted, str(file), as_json, allow_incomplete)
    if code:
        raise typer.Exit(code)


def read_evidence(file: Path) -> bytes:
    """Read a file no larger than evidence can be. Raises `BadValue`."""
    try:
        return read_bounded(str(file))
    except OSError as error:
        raise BadValue("file", file, error.strerror or "cannot be read") from None
