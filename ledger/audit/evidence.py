"""Evidence files, made: form and rules are those of `verifier`, whose calls are offered here too."""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.verifier import (
    FORMAT,
    EvidenceVerdict,
    HeadDiffers,
    NotAsTrusted,
    RecordsUnfit,
    Subject,
    Trusted,
    digest_of,
    verify_evidence,
)
from ledger.crypto.multiproof import multi_proof
from ledger.domain.calendar import iso
from ledger.domain.facts import KeyCompromised, KeySet, MandateSet, SuspensionSet
from ledger.domain.records import RECORD_BYTES, split_id
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from ledger.crypto.merkle import Tree
    from ledger.scoring.cards import Scorecard

__all__ = [
    "Attached",
    "EvidenceAssessment",
    "EvidenceAuthority",
    "EvidenceRun",
    "EvidenceScore",
    "EvidenceSignature",
    "EvidenceSubject",
    "EvidenceVerdict",
    "HeadDiffers",
    "NotAsTrusted",
    "RecordsUnfit",
    "StatedPlace",
    "Subject",
    "Trusted",
    "Written",
    "build_evidence",
    "verify_evidence",
]

#: Proofs of all leaves may take this many hashes (192 kB in base64); beyond, only the last ones are proven.
MAX_PROOF_HASHES = 4_500


class Written(NamedTuple):
    """Where a run stands: block, log in it, block time (Unix seconds); and the key it was accepted from."""

    block: int
    log: int
    time: int
    key: str


class EvidenceRun(NamedTuple):
    """One run as the chain logged it; `written` is needed where authorities are shown."""

    first_id: int
    leaf_index: int
    records: bytes
    written: Written | None = None


class EvidenceSubject(NamedTuple):
    """A party and all its runs in chain order, up to `head`.

    `identity` is (party key, salt), None to withhold it; `documents` are (salt, content) by record id, as
    many as are to be shown.
    """

    enterprise: int
    identity_commitment: bytes
    head: bytes
    runs: Sequence[EvidenceRun]
    identity: tuple[str, bytes] | None
    documents: Mapping[int, tuple[bytes, bytes]]


class EvidenceAuthority(NamedTuple):
    """An authority and what the chain said of it, in chain order."""

    number: int
    code: str
    events: Sequence[MandateSet | KeySet | KeyCompromised | SuspensionSet]


class EvidenceSignature(NamedTuple):
    """The signature under a batch that some of the runs came in; `deadline` in Unix seconds.

    `types` are those in the batch; `epoch` is how often the authority had invalidated its signatures before.
    """

    first_id: int
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    deadline: int
    key: str
    types: tuple[int, ...]
    records_hash: bytes
    signature: bytes
    epoch: int = 0


class EvidenceScore(NamedTuple):
    """A score of a day (milli-points) by a card."""

    as_of: int
    card: Scorecard
    milli: int
    grade: str


class EvidenceAssessment(NamedTuple):
    """A published score, its place and proof under the assessment's root, and the log it was made from."""

    epoch: int
    root: bytes
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    log_size: int
    index: int  # type: ignore[assignment]  # hides tuple.index
    proof: Sequence[bytes]
    score: EvidenceScore


class Attached(NamedTuple):
    """What a file may carry beside the record; each may be left out. `checkpoint` is a signed note."""

    authorities: Sequence[EvidenceAuthority] = ()
    score: EvidenceScore | None = None
    assessment: EvidenceAssessment | None = None
    checkpoint: str | None = None
    signatures: Sequence[EvidenceSignature] = ()


class StatedPlace(NamedTuple):
    """Chain, contract (20 bytes) and block at which heads and log are as stated."""

    chain_id: int
    contract: bytes
    block_number: int
    block_hash: bytes


def build_evidence(
    place: StatedPlace,
    subjects: Sequence[EvidenceSubject],
    tree: Tree,
    size: int | None = None,
    attached: Attached | None = None,
) -> bytes:
    """Return an evidence file about `subjects`, the party asked about first, in the first `size` leaves.

    The file is verified before it is returned: runs that do not lead to the head, or leaves that are not the
    log's, raise `BadProof` here. A document that is not UTF-8 raises `BadValue`: withhold it.
    """
    size = tree.size if size is None else size
    attached = attached or Attached()
    keys = {each.number: _keys(each) for each in attached.authorities}
    leaves, proof = _proof(subjects, tree, size)
    content: dict[str, object] = {
        "format": FORMAT,
        "chain_id": place.chain_id,
        "contract": place.contract.hex(),
        "block": {"number": place.block_number, "hash": place.block_hash.hex()},
        "tree": {
            "size": size,
            "root": tree.root(size).hex(),
            "leaves": leaves,
            "proof": _base64(b"".join(proof)),
        },
        "subjects": [_subject(each, keys) for each in subjects],
    }
    content |= _attached(attached)
    if attached.signatures:
        shown = {each for subject in subjects for run in subject.runs for each in _ids(run)}
        content["signatures"] = [_signature(each, shown) for each in attached.signatures]
    content["digest"] = digest_of(content)
    data = (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
    verify_evidence(data)
    return data


def _proof(subjects: Sequence[EvidenceSubject], tree: Tree, size: int) -> tuple[str, list[bytes]]:
    every = [run.leaf_index for subject in subjects for run in subject.runs]
    proof = multi_proof(tree, every, size)
    if len(proof) <= MAX_PROOF_HASHES:
        return "all", proof
    last = [subject.runs[-1].leaf_index for subject in subjects if subject.runs]
    return "last", multi_proof(tree, last, size)


def _subject(subject: EvidenceSubject, keys: Mapping[int, list[str]]) -> dict[str, object]:
    made: dict[str, object] = {
        "enterprise": subject.enterprise,
        "identity_commitment": subject.identity_commitment.hex(),
    }
    if subject.identity is not None:
        party_key, salt = subject.identity
        made["identity"] = {"party_key": party_key, "salt": salt.hex()}
    made["head"] = subject.head.hex()
    made["runs"] = [_run(run, keys) for run in subject.runs]
    made["documents"] = [
        {"record": _name(record), "salt": salt.hex(), "content": _text(record, content)}
        for record, (salt, content) in sorted(subject.documents.items())
    ]
    return made


def _run(run: EvidenceRun, keys: Mapping[int, list[str]]) -> dict[str, object]:
    made: dict[str, object] = {"first": _name(run.first_id), "leaf_index": run.leaf_index}
    if keys and run.written is not None:
        block, log, time, key = run.written
        known = keys[split_id(run.first_id)[0]]
        made["at"] = f"{block}-{log}-{time}-{known.index(key) if key in known else len(known)}"
    return made | {"records": _base64(run.records)}


def _attached(attached: Attached) -> dict[str, object]:
    made: dict[str, object] = {}
    if attached.authorities:
        made["authorities"] = [
            {"authority": each.number, "code": each.code, "events": [_event(event) for event in each.events]}
            for each in attached.authorities
        ]
    scores = [each for each in (attached.score, attached.assessment and attached.assessment.score) if each]
    if scores:
        cards = {each.card.hash: each.card.canonical.decode() for each in scores}
        made["cards"] = [{"canonical": each} for each in cards.values()]
    if attached.score:
        made["score"] = _score(attached.score)
    if attached.assessment:
        epoch, root, count, log_size, index, proof, score = attached.assessment
        made["assessment"] = {
            "epoch": epoch,
            "root": root.hex(),
            "count": count,
            "log_size": log_size,
            **_score(score),
            "index": index,
            "proof": _base64(b"".join(proof)),
        }
    if attached.checkpoint is not None:
        made["checkpoint"] = attached.checkpoint
    return made


def _score(score: EvidenceScore) -> dict[str, object]:
    return {
        "as_of": iso(score.as_of),
        "card": score.card.hash.hex(),
        "milli": score.milli,
        "grade": score.grade,
    }


def _event(event: MandateSet | KeySet | KeyCompromised | SuspensionSet) -> dict[str, object]:
    made: dict[str, object] = {"at": f"{event.at.block_number}-{event.at.log_index}"}
    if isinstance(event, MandateSet):
        return made | {"mandate": event.mandate.to_bytes(32, "big").hex(), "from": event.from_}
    if isinstance(event, KeySet):
        return made | {"key": event.key, "from": event.from_, "until": event.until}
    if isinstance(event, KeyCompromised):
        return made | {"compromised": event.key, "from": event.from_}
    return made | {"suspended": int(event.suspended)}


def _ids(run: EvidenceRun) -> range:
    return range(run.first_id, run.first_id + len(run.records) // RECORD_BYTES)


def _signature(signature: EvidenceSignature, shown: Container[int]) -> dict[str, object]:
    first_id, count, deadline, key, types, records_hash, raw, epoch = signature
    made: dict[str, object] = {
        "first": _name(first_id),
        "count": count,
        "deadline": deadline,
        "key": key,
        "signature": _base64(raw),
    }
    if epoch:
        made["epoch"] = epoch
    whole = all(each in shown for each in range(first_id, first_id + count))
    if whole:
        return made
    mask = sum(1 << each for each in types)
    return made | {"types": mask.to_bytes(32, "big").hex(), "records_hash": records_hash.hex()}


def _keys(authority: EvidenceAuthority) -> list[str]:
    """Addresses in the order they were first named: a run gives its key by its place here."""
    return list(dict.fromkeys(each.key for each in authority.events if isinstance(each, KeySet)))


def _text(record: int, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadValue(
            "document", _name(record), "not UTF-8, so it cannot be shown in an evidence file"
        ) from None


def _name(record: int) -> str:
    authority, number = split_id(record)
    return f"{authority}-{number}"


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()
