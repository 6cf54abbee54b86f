"""Checkpoints to hold the log to: what this operator signed and kept, and what the auditor kept.

The folder is the operator's own. A file in it that cannot be read, or that the operator did not sign, says
nothing about the log: it is named as not checked. One of another ledger under the same key is a deviation:
the operator then keeps two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.deviation import Deviation, NotChecked
from ledger.crypto.checkpoints import Checkpoint, parse_checkpoint
from ledger.crypto.notes import open_note
from ledger.errors import LedgerError
from ledger.workflows.checkpoints import operator_key, origin
from ledger.workflows.kept_checkpoints import CheckpointsLost, kept_files, read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ledger.chain.rpc import Node
    from ledger.crypto.notes import SigningKey
    from ledger.workflows.office import Office


class KeptCheckpoints(NamedTuple):
    """Checkpoints of this ledger, and what is to be said of files that are none."""

    checkpoints: tuple[Checkpoint, ...]
    found: tuple[Deviation | NotChecked, ...]


def kept_checkpoints_of(ledger: Office, file: Path | None = None) -> KeptCheckpoints:
    """Return what the log must still extend: all that this operator kept, and the auditor's `file`.

    Raises as `read_checkpoint` does for the auditor's own.
    """
    expected, key = origin(ledger.deployment), operator_key(ledger)
    good: list[Checkpoint] = []
    found: list[Deviation | NotChecked] = []
    try:
        paths = kept_files(ledger.settings.data_dir)
    except CheckpointsLost as lost:
        paths, found = [], [NotChecked("kept checkpoints", str(ledger.settings.data_dir), _why(lost))]
    for path in paths:
        checkpoint, fault = _read(path, expected, key)
        good += [checkpoint] if checkpoint else []
        found += [fault] if fault else []
    if file is not None:
        good.append(read_checkpoint(file, expected, [key.verifier]))
    return KeptCheckpoints(tuple(good), tuple(found))


def compare_blocks(node: Node, checkpoints: Iterable[Checkpoint], last: int) -> Iterator[Deviation]:
    """Yield the checkpoints whose block, up to `last`, is not the one of its number on the chain."""
    for each in checkpoints:
        said = each.statement
        if said is None or said.block.number > last:
            continue
        found = node.request("eth_getBlockByNumber", hex(said.block.number), False)
        block_hash, time = (found["hash"][2:], int(found["timestamp"], 16)) if found else ("none", 0)
        if (said.block.hash.hex(), said.block.time) != (block_hash, time):
            where = f"checkpoint of block {said.block.number}, block"
            expected = f"{said.block.hash.hex()} {said.block.time}"
            yield Deviation("checkpoint differs", where, expected, f"{block_hash} {time}")


def _read(
    path: Path, expected: str, key: SigningKey
) -> tuple[Checkpoint | None, Deviation | NotChecked | None]:
    """Return a kept checkpoint, if the file says one of this ledger, and what is to be said of the file.

    One that the operator's signature is not under is compared all the same: it was left there by somebody.
    """
    try:
        data = path.read_bytes()
        checkpoint = parse_checkpoint(data.partition(b"\n\n")[0].decode() + "\n")
    except (LedgerError, OSError, ValueError) as error:
        return None, NotChecked("kept checkpoint", str(path), f"it cannot be read: {_why(error)}")
    if checkpoint.origin != expected:
        where = f"kept checkpoint {path}"
        return None, Deviation("two ledgers under one key", where, expected, checkpoint.origin)
    try:
        open_note(data, [key.verifier])
    except LedgerError as error:
        why = f"it is not signed by this operator: {_why(error)}"
        return checkpoint, NotChecked("kept checkpoint", str(path), why)
    if checkpoint.statement is None:
        # This software signs none without; what has none says nothing of authorities, objections, scores.
        why = "it says nothing beyond the log: none of the lines that this operator signs"
        return checkpoint, NotChecked("kept checkpoint", str(path), why)
    return checkpoint, None


def _why(error: Exception) -> str:
    return ((getattr(error, "strerror", None) or str(error)).splitlines() or [""])[0][:200]
