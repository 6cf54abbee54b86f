"""The checkpoint in an evidence file, and who vouches for it: rule 9 of `verifier`.

A log's key counts only for the log it is named after, a witness's key is no log's, and a key given twice or
under two names counts once. A witness's second key, `<name>/recomputed`, means more than that the log went
on: that the witness recomputed every line of the statement from a node of its own (see `crypto.statement`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.crypto.checkpoints import Checkpoint, parse_checkpoint
from ledger.crypto.notes import COSIGNATURE, RECOMPUTED, NotSigned, VerifierKey, parse_note, verify_note
from ledger.errors import BadProof, BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.crypto.notes import Signed


class CheckpointDiffers(BadProof):
    """The checkpoint is of another log, block or state than the file's."""

    code = "checkpoint-differs"


class QuorumMissed(BadProof):
    """Fewer witnesses than asked for cosigned the checkpoint."""

    code = "quorum-missed"


class TooOld(BadProof):
    """What was signed is older than the reader takes."""

    code = "too-old"


class WrongKind(BadValue):
    """A witness's key given as the log's, or the other way round."""

    code = "wrong-kind-of-key"


class SignedCheckpoint(NamedTuple):
    """The checkpoint, whose signatures verified under the reader's keys, and the names on the other lines."""

    checkpoint: Checkpoint
    signed: tuple[Signed, ...]
    unknown: tuple[str, ...]

    @property
    def operator(self) -> str | None:
        """The log's own name, if its key was given and signed."""
        own = [e for e in self.signed if e.key.kind != COSIGNATURE and e.key.name == self.checkpoint.origin]
        return own[0].key.name if own else None

    @property
    def recomputed(self) -> tuple[str, ...]:
        """Names of the witnesses that recomputed the statement; one key under two names is one.

        The log's own key under a witness's name is nobody else's word.
        """
        own = {each.key.public for each in self.signed if each.key.kind != COSIGNATURE}
        found = {e.key.public: e.key.name for e in reversed(self.signed) if _recomputes(e.key)}
        return tuple(sorted(name for public, name in found.items() if public not in own))

    @property
    def said_at(self) -> int:
        """When the operator says that it signed, Unix seconds; 0 where it says nothing."""
        return 0 if self.checkpoint.statement is None else self.checkpoint.statement.time

    @property
    def time(self) -> int | None:
        """When it was signed, Unix seconds: the oldest of the operator's word and the witnesses'."""
        said = self.checkpoint.statement
        times = [each.time for each in self.signed if each.time is not None]
        return min([*times, said.time]) if said else min(times, default=None)


def read_keys(logs: Iterable[str], witnesses: Iterable[str]) -> tuple[VerifierKey, ...]:
    """Read verifier keys, each in its role. Raises `BadValue`; `WrongKind` for one in the other's role."""
    found = []
    for text in logs:
        key = VerifierKey.parse(text)
        if key.kind == COSIGNATURE:
            raise WrongKind("key", text, "a witness's key: give it as --witness")
        found.append(key)
    for text in witnesses:
        key = VerifierKey.parse(text)
        if key.kind != COSIGNATURE:
            raise WrongKind("witness", text, "a log's key: give it as --key")
        found.append(key)
    return tuple(dict.fromkeys(found))


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


def check_checkpoint(data: bytes, expected: Checkpoint, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
    """Return the checkpoint when it says what the file says: log, block, and every root and count.

    `expected` has the time of signing 0: that is the checkpoint's own. One of other make, without a
    statement, is compared as far as it goes. Raises `CheckpointDiffers`, and `BadNote` for no note or a wrong
    signature.
    """
    opened = open_checkpoint(data, keys)
    found = opened.checkpoint
    if found[:3] != expected[:3]:
        raise CheckpointDiffers(
            f"the checkpoint is of {found.origin}, size {found.size}, root {found.root.hex()}; "
            f"the file is about {expected.origin}, size {expected.size}, root {expected.root.hex()}"
        )
    if found.statement is not None and expected.statement is not None:
        pairs = zip(found.statement.lines(), expected.statement.lines(), strict=False)
        for signed, stated in pairs:
            if signed != stated and not signed.startswith("time "):
                raise CheckpointDiffers(f"signed is `{signed}`, the file says `{stated}`")
        if len(found.statement.lines()) != len(expected.statement.lines()):
            raise CheckpointDiffers("the checkpoint and the file state different things")
    return opened


def need_signatures(found: SignedCheckpoint | None, keys: Sequence[VerifierKey], quorum: int | None) -> None:
    """Raise unless the log's own key signed, if one is given, and the witnesses' keys did.

    `quorum` is how many of the witnesses must have; None: all whose keys are given.
    """
    logs = [each for each in keys if each.kind != COSIGNATURE]
    if logs and (found is None or found.operator is None):
        raise NotSigned("the file has no checkpoint signed by " + " or ".join(each.name for each in logs))
    known = {each.public for each in keys if each.kind == COSIGNATURE}
    witnesses = {e.key.public for e in found.signed if e.key.kind == COSIGNATURE} if found else set()
    asked = len(known) if quorum is None else quorum
    if len(witnesses) < asked:
        raise QuorumMissed(f"{len(witnesses)} of the known witnesses cosigned, and {asked} are asked for")


def wanted_recomputing(keys: Sequence[VerifierKey], quorum: int | None) -> int:
    """How many witnesses must have recomputed before a record is complete: one at the least."""
    known = len({each.public for each in keys if _recomputes(each)})
    return max(1, known) if quorum is None else quorum


def _recomputes(key: VerifierKey) -> bool:
    return key.kind == COSIGNATURE and key.name.endswith(RECOMPUTED)
