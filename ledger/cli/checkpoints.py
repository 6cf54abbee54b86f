"""The verb `checkpoint`: sign what the ledger is now, have witnesses cosign it, and say which of them did."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.common import AsJson, emit, note, opened, write_file
from ledger.crypto.notes import RECOMPUTED, verify_note

if TYPE_CHECKING:
    from ledger.crypto.notes import VerifierKey
    from ledger.workflows.kept_checkpoints import Kept
    from ledger.workflows.witnessing import WitnessAt


def checkpoint(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write it here.")
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            "--witness",
            metavar="VKEY@URL",
            help="A witness that is to cosign; may be repeated, as for its key /recomputed if it has one.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign what the ledger is at the latest block as a C2SP checkpoint, and keep it. 日志检查点."""
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
        key = operator_key(ledger).verifier
    if output is not None:
        write_file(output, str(kept.note).encode())
    found = {**_said(kept), "key": str(key), "file": str(output or kept.path), "note": str(kept.note)}
    found |= _who_vouches(kept, key, witnesses)
    emit(as_json, found, lambda _: str(kept.note))
    if not as_json:
        note(f"kept in {kept.path}; who checks it needs the key {key}")
        note(_vouching(found))


def _said(kept: Kept) -> dict[str, Any]:
    """What the checkpoint states, for JSON."""
    point, said = kept.checkpoint, kept.checkpoint.statement
    found: dict[str, Any] = {"origin": point.origin, "size": point.size, "root": point.root.hex()}
    if said is None:
        return found | {"block": None}
    found |= {"block": said.block.number, "block_time": said.block.time, "time": said.time}
    counted = {"heads": said.heads, "objections": said.objections, "assessments": said.assessments}
    for name, tree in counted.items():
        found[name] = {"count": tree.many, "root": tree.root.hex()} if tree else None
    many, facts, root = said.authorities
    return found | {"authorities": {"count": many, "facts": facts, "root": root.hex()}}


def _who_vouches(kept: Kept, key: VerifierKey, witnesses: list[WitnessAt]) -> dict[str, list[str]]:
    """Whose lines the note has: verified where the key is known here, else by their names alone."""
    known = {(key.name, key.key_id)}
    given = verify_note(kept.note, [each.key for each in witnesses])
    known |= {(each.key.name, each.key.key_id) for each in given}
    names = [each.key.name for each in given]
    return {
        "cosigned": [each for each in names if not each.endswith(RECOMPUTED)],
        "recomputed": [each.removesuffix(RECOMPUTED) for each in names if each.endswith(RECOMPUTED)],
        "unverified": [line.name for line in kept.note.lines if (line.name, line.key_id) not in known],
    }


def _vouching(found: dict[str, Any]) -> str:
    cosigned, recomputed = ", ".join(found["cosigned"]), ", ".join(found["recomputed"])
    if not cosigned and not recomputed and not found["unverified"]:
        return "no witness cosigned it: only the operator vouches for it"
    lines = [f"cosigned by {cosigned or 'none whose key was given'}"]
    lines.append(f"recomputed by {recomputed or 'none whose key was given'}")
    if found["unverified"]:
        lines.append("lines not checked here, for want of their keys: " + ", ".join(found["unverified"]))
    return "; ".join(lines)
