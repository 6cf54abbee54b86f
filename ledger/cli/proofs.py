"""Verbs of proof: `prove` makes evidence, `verify` checks it offline, `checkpoint` signs the log."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ledger.audit.__main__ import read_bounded
from ledger.audit.claims import claims_dict, claims_text
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.cli.common import FAILED, AsJson, emit, note, opened, write_file
from ledger.cli.read import AsOf, Identifier, day_or_today
from ledger.crypto.notes import VerifierKey
from ledger.errors import BadProof, BadValue


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
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write an evidence file: an enterprise's complete record, checkable without this ledger. 出具证据."""
    from ledger.workflows.proving import prove as make  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        ledger.follower.catch_up()
        day = day_or_today(as_of, ledger.today())
        data = make(
            ledger, identifier, day, with_documents=not without_documents, with_signatures=with_signatures
        )
    if str(output) == "-":
        sys.stdout.buffer.write(data)
        return
    write_file(output, data)
    verdict = verify_evidence(data)
    found = {
        "file": str(output),
        "bytes": len(data),
        "subjects": len(verdict.subjects),
        "records": sum(len(each.records) for each in verdict.subjects),
        "tree_size": verdict.tree_size,
        "root": verdict.root.hex(),
        "block": verdict.block_number,
    }
    emit(
        as_json,
        found,
        lambda: f"{output}: {found['records']} records, {found['bytes']:,} bytes, at block {found['block']}",
    )


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence file; `-`: standard input.")],
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="VKEY", help="The log's key: it must have signed.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", metavar="VKEY", help="A witness's key; may be repeated.")
    ] = None,
    quorum: Annotated[
        int | None, typer.Option("--quorum", min=0, help="Witnesses that must have cosigned; default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an evidence file, with no ledger, chain or database. Exits 1 unless it holds. 核验证据."""
    data = read_evidence(file)
    try:
        verdict = verify_evidence(data, _trusted(key or [], witness or [], quorum))
    except BadProof as refused:
        if as_json:
            sys.stdout.write(json.dumps({"ok": False, "rule": refused.code, "why": str(refused)}) + "\n")
        else:
            note(f"{file}: the evidence does NOT hold 证据不成立: {refused.code}: {refused}")
        raise typer.Exit(FAILED) from None
    emit(as_json, claims_dict(verdict), lambda: claims_text(verdict))


def _trusted(keys: list[str], witnesses: list[str], quorum: int | None) -> Trusted:
    if quorum is not None and quorum > len(witnesses):
        raise BadValue("quorum", quorum, f"more than the {len(witnesses)} witnesses given")
    parsed = [VerifierKey.parse(each) for each in (*keys, *witnesses)]
    return Trusted(keys=parsed, quorum=len(witnesses) if quorum is None else quorum)


def read_evidence(file: Path) -> bytes:
    """Read a file no larger than evidence can be. Raises `BadValue`."""
    try:
        return read_bounded(str(file))
    except OSError as error:
        raise BadValue("file", file, error.strerror or "cannot be read") from None


def checkpoint(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write it here.")
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="VKEY@URL", help="A witness that is to cosign; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign the log's size and root as a C2SP checkpoint, and keep it. 日志检查点."""
    from ledger.workflows.checkpoints import (  # noqa: PLC0415  keeps the start quick
        consistency,
        make_checkpoint,
        operator_key,
    )
    from ledger.workflows.witnessing import cosign, parse_witness  # noqa: PLC0415

    witnesses = [parse_witness(each) for each in witness or []]
    with opened() as ledger:
        ledger.follower.catch_up()
        kept = cosign(partial(consistency, ledger), make_checkpoint(ledger), witnesses)
        key = str(operator_key(ledger).verifier)
    note_text = str(kept.note)
    if output is not None:
        write_file(output, note_text.encode())
    found = {
        "origin": kept.checkpoint.origin,
        "size": kept.checkpoint.size,
        "root": kept.checkpoint.root.hex(),
        "block": kept.checkpoint.statement.block.number if kept.checkpoint.statement else None,
        "key": key,
        "file": str(output or kept.path),
        "note": note_text,
    }
    emit(as_json, found, lambda: note_text)
    if not as_json:
        note(f"kept in {kept.path}; who checks it needs the key {key}")
