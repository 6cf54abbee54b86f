"""The checkpoint in an evidence file, and who vouches for it: rule 9 of `verifier`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.crypto.checkpoints import Checkpoint, origin_of, parse_checkpoint
from ledger.crypto.notes import COSIGNATURE, NotSigned, VerifierKey, parse_note, verify_note
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.crypto.notes import Signed


class CheckpointDiffers(BadProof):
    """The checkpoint is of another log, size or root than the file's."""

    code = "checkpoint-differs"


class QuorumMissed(BadProof):
    """Fewer witnesses than asked for cosigned the checkpoint."""

    code = "quorum-missed"


class SignedCheckpoint(NamedTuple):
    """The checkpoint, whose signatures verified under the reader's keys, and the names on the other lines."""

    checkpoint: Checkpoint
    signed: tuple[Signed, ...]
    unknown: tuple[str, ...]


def open_checkpoint(data: bytes, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
    """Return a checkpoint and whose signatures verified; other keys' are listed and not judged.

    Raises `BadNote` for what is no checkpoint, or a wrong signature of one of `keys`.
    """
    note = parse_note(data)
    found = parse_checkpoint(note.text)
    signed = verify_note(note, keys)
    known = {(each.key.name, each.key.key_id) for each in signed}
    unknown = tuple(line.name for line in note.lines if (line.name, line.key_id) not in known)
    return SignedCheckpoint(found, signed, unknown)


def check_checkpoint(
    data: bytes, chain_id: int, contract: bytes, tree: tuple[int, bytes], keys: Sequence[VerifierKey]
) -> SignedCheckpoint:
    """Return the checkpoint when it is of this log at this size and root.

    Raises `CheckpointDiffers`, and `BadNote` for no note or a wrong signature of one of `keys`.
    """
    opened = open_checkpoint(data, keys)
    # A file of this format does not name the genesis block, which the origin ends with.
    expected = Checkpoint(origin_of(chain_id, b"", contract), *tree)
    found = opened.checkpoint
    if (found.origin[: len(expected.origin)], *found[1:3]) != expected[:3]:
        raise CheckpointDiffers(
            f"the checkpoint is of {found.origin}, size {found.size}, root {found.root.hex()}; "
            f"the file is about {expected.origin}, size {expected.size}, root {expected.root.hex()}"
        )
    return opened


def need_signatures(found: SignedCheckpoint | None, keys: Sequence[VerifierKey], quorum: int) -> None:
    """Raise unless one of the log's keys signed, if any is given, and `quorum` of the witnesses' keys did."""
    signed = found.signed if found else ()
    logs = [each for each in keys if each.kind != COSIGNATURE]
    if logs and not any(each.key in logs for each in signed):
        raise NotSigned("the file has no checkpoint signed by " + " or ".join(each.name for each in logs))
    witnesses = {each.key.public for each in signed if each.key.kind == COSIGNATURE}
    if len(witnesses) < quorum:
        raise QuorumMissed(f"{len(witnesses)} of the known witnesses cosigned, and {quorum} are asked for")
