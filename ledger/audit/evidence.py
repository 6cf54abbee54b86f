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
from ledger.domain.records import split_id
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.crypto.merkle import Tree

__all__ = [
    "EvidenceRun",
    "EvidenceSubject",
    "EvidenceVerdict",
    "HeadDiffers",
    "NotAsTrusted",
    "RecordsUnfit",
    "StatedPlace",
    "Subject",
    "Trusted",
    "build_evidence",
    "verify_evidence",
]

#: Proofs of all leaves may take this many hashes (205 kB in base64); beyond, only the last ones are proven.
MAX_PROOF_HASHES = 4_800


class EvidenceRun(NamedTuple):
    """One run as the chain logged it."""

    first_id: int
    leaf_index: int
    records: bytes


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


class StatedPlace(NamedTuple):
    """Chain, contract (20 bytes) and block at which heads and log are as stated."""

    chain_id: int
    contract: bytes
    block_number: int
    block_hash: bytes


def build_evidence(
    place: StatedPlace, subjects: Sequence[EvidenceSubject], tree: Tree, size: int | None = None
) -> bytes:
    """Return an evidence file about `subjects`, the party asked about first, in the first `size` leaves.

    The file is verified before it is returned: runs that do not lead to the head, or leaves that are not the
    log's, raise `BadProof` here. A document that is not UTF-8 raises `BadValue`: withhold it.
    """
    size = tree.size if size is None else size
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
        "subjects": [_subject(each) for each in subjects],
    }
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


def _subject(subject: EvidenceSubject) -> dict[str, object]:
    made: dict[str, object] = {
        "enterprise": subject.enterprise,
        "identity_commitment": subject.identity_commitment.hex(),
    }
    if subject.identity is not None:
        party_key, salt = subject.identity
        made["identity"] = {"party_key": party_key, "salt": salt.hex()}
    made["head"] = subject.head.hex()
    made["runs"] = [
        {"first": _name(run.first_id), "leaf_index": run.leaf_index, "records": _base64(run.records)}
        for run in subject.runs
    ]
    made["documents"] = [
        {"record": _name(record), "salt": salt.hex(), "content": _text(record, content)}
        for record, (salt, content) in sorted(subject.documents.items())
    ]
    return made


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
