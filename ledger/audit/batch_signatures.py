"""Signatures of the batches that an evidence file's runs came in: rule 10 of `verifier`.

A signature shows who signed, not who posted: whoever has another key of the authority can sign a batch later.
It is over the whole batch. Where the file shows every record of it, the records are what was signed;
else the file states the types and the hash of the batch, and the signature proves that the key signed a batch
of these numbers and types, and no more.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.forms import read_address, read_record
from ledger.audit.runs import MAX_BATCH
from ledger.crypto.typed_data import (
    SIGNATURE_BYTES,
    SignedBatch,
    batch_digest,
    batch_domain,
    signed_batch,
    signer,
)
from ledger.domain.records import Record, pack_run, split_id
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.audit.rights import RunRight, ShownAuthority
    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import ShownRun, Subject


class SignatureWrong(BadProof):
    """A batch is not signed as the file says."""

    code = "signature-wrong"


class ShownSignature(NamedTuple):
    """A batch's signature. `whole`: the file shows all of its records, so these were signed.

    `checked` is False where the library that recovers keys is not installed.
    """

    first_id: int
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    deadline: int
    key: str
    whole: bool
    checked: bool


def check_signatures(
    entries: Iterable[Fields],
    domain: tuple[int, bytes],
    authorities: Mapping[int, ShownAuthority],
    subjects: Sequence[Subject],
    rights: Mapping[int, RunRight],
) -> tuple[ShownSignature, ...]:
    """Check `signatures`; `domain` is chain and contract. Raises `SignatureWrong` or `Malformed`."""
    runs = sorted((run for each in subjects for run in each.runs), key=_first_id)
    found: list[ShownSignature] = []
    for entry in entries:
        checked = _check(entry, batch_domain(*domain), authorities, runs, rights)
        # One after the other, so that the same signature a thousand times is refused at its second.
        if found and found[-1].first_id + found[-1].count > checked.first_id:
            raise SignatureWrong("signatures overlap, or are not in the order of their batches")
        found.append(checked)
    return tuple(found)


def covering(found: Sequence[ShownSignature], record: int) -> ShownSignature | None:
    """Return the one of these signatures, as `check_signatures` gave them, whose batch has this record."""
    at = bisect_right(found, record, key=lambda each: each.first_id) - 1
    return found[at] if at >= 0 and record < found[at].first_id + found[at].count else None


def _check(
    entry: Fields,
    domain: bytes,
    authorities: Mapping[int, ShownAuthority],
    runs: Sequence[ShownRun],
    rights: Mapping[int, RunRight],
) -> ShownSignature:
    first_id, count = read_record(entry, "first"), entry.integer("count", 1, MAX_BATCH)
    deadline, key = entry.integer("deadline"), read_address(entry, "key")
    signature = entry.base64("signature")
    epoch = entry.integer("epoch", 1) if entry.has("epoch") else 0
    authority, first_number = split_id(first_id)
    if len(signature) != SIGNATURE_BYTES:
        entry.refuse("signature", f"not {SIGNATURE_BYTES} bytes")
    inside = runs[
        bisect_left(runs, first_id, key=_first_id) : bisect_left(runs, first_id + count, key=_first_id)
    ]
    for run in inside:
        _fits(run, first_id + count, deadline, rights.get(run.leaf_index), (key, epoch))
    if authority not in authorities:
        raise SignatureWrong(f"nothing is said of authority {authority}, whose code it signed")
    records = [each for run in inside for each in run.records]
    if not records:
        raise SignatureWrong(f"the batch from record {authority}-{first_number} holds no record shown here")
    whole = len(records) == count
    code = authorities[authority].code
    if whole:
        packed = pack_run(Record(*each[1:]) for each in records)
        batch = signed_batch(code, first_number, packed, deadline, epoch)
    else:
        mask, hashed = int.from_bytes(entry.hex("types", 32), "big"), entry.hex("records_hash", 32)
        types = tuple(each for each in range(256) if mask >> each & 1)
        batch = SignedBatch(code, first_number, count, types, epoch, deadline, hashed)
    entry.done()
    digest = batch_digest(domain, batch)
    try:
        by = signer(digest, signature)
    except ImportError:
        return ShownSignature(first_id, count, deadline, key, whole, checked=False)
    if by != key:
        raise SignatureWrong(f"the batch from record {authority}-{first_number} is not signed by {key}")
    return ShownSignature(first_id, count, deadline, key, whole, checked=True)


def _first_id(run: ShownRun) -> int:
    return run.records[0].id


def _fits(run: ShownRun, end: int, deadline: int, right: RunRight | None, signed: tuple[str, int]) -> None:
    """Refuse a run that reaches beyond its batch, or was written otherwise than the file says elsewhere."""
    if run.records[-1].id >= end:
        raise SignatureWrong(f"leaf {run.leaf_index} reaches beyond the batch it is in")
    if run.at is None or right is None:
        return
    if run.at.time > deadline or right.key != signed[0]:
        raise SignatureWrong(f"leaf {run.leaf_index} was written by another key, or after the deadline")
    if right.epoch != signed[1]:
        raise SignatureWrong(f"leaf {run.leaf_index}: signatures of epoch {signed[1]} were invalid by then")
