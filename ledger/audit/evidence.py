"""Evidence files, made: form and rules are those of `verifier`, whose calls are offered here too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.spelling import (
    attached_json,
    hashes_text,
    ids_of,
    keys_by_place,
    signature_json,
    state_json,
    subject_json,
)
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.crypto.merkle import Tree
    from ledger.crypto.statement import AuthorityFact, ObjectionFact, StateTrees
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
    """A party and all its runs in chain order, up to `head`, and its objections and their answers.

    `identity` is (party key, salt), None to withhold it; `documents` are (salt, content) by record id, as
    many as are to be shown.
    """

    enterprise: int
    identity_commitment: bytes
    head: bytes
    runs: Sequence[EvidenceRun]
    identity: tuple[str, bytes] | None
    documents: Mapping[int, tuple[bytes, bytes]]
    objections: Sequence[ObjectionFact] = ()


class EvidenceAuthority(NamedTuple):
    """An authority and all that the chain said of it, in chain order, its code first."""

    number: int
    events: Sequence[AuthorityFact]


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
    """A published score, its place and proof under the assessment's root, and the state it was made from."""

    epoch: int
    root: bytes
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    log_size: int
    block: int
    heads_root: bytes
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
    """Chain (by its id and first block's hash), contract (20 bytes) and block of all that is stated."""

    chain_id: int
    genesis: bytes
    contract: bytes
    block_number: int
    block_hash: bytes
    block_time: int


def build_evidence(  # noqa: PLR0917  the parts of a file
    place: StatedPlace,
    subjects: Sequence[EvidenceSubject],
    tree: Tree,
    trees: StateTrees,
    size: int | None = None,
    attached: Attached | None = None,
    cards: Sequence[Scorecard] = (),
) -> bytes:
    """Return an evidence file about `subjects`, the party asked about first, in the first `size` leaves.

    `trees` are those of the statement at the same block. The file is verified before it is returned, with
    `cards` known: runs that do not lead to the head, or leaves that are not the trees', raise `BadProof`
    here. A document that is not UTF-8 raises `BadValue`: withhold it.
    """
    size = tree.size if size is None else size
    attached = attached or Attached()
    keys = {each.number: keys_by_place(each) for each in attached.authorities}
    leaves, proof = _proof(subjects, tree, size)
    content: dict[str, object] = {
        "format": FORMAT,
        "chain_id": place.chain_id,
        "genesis": place.genesis.hex(),
        "contract": place.contract.hex(),
        "block": {
            "number": place.block_number,
            "hash": place.block_hash.hex(),
            "time": place.block_time,
        },
        "tree": {
            "size": size,
            "root": tree.root(size).hex(),
            "leaves": leaves,
            "proof": hashes_text(proof),
        },
        **state_json(trees, [each.enterprise for each in subjects], attached.authorities),
        "subjects": [subject_json(each, keys) for each in subjects],
    }
    content |= attached_json(attached, trees)
    if attached.signatures:
        shown = {each for subject in subjects for run in subject.runs for each in ids_of(run)}
        content["signatures"] = [signature_json(each, shown) for each in attached.signatures]
    content["digest"] = digest_of(content)
    data = (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
    verify_evidence(data, Trusted(cards=cards))
    return data


def _proof(subjects: Sequence[EvidenceSubject], tree: Tree, size: int) -> tuple[str, list[bytes]]:
    every = [run.leaf_index for subject in subjects for run in subject.runs]
    proof = multi_proof(tree, every, size)
    if len(proof) <= MAX_PROOF_HASHES:
        return "all", proof
    last = [subject.runs[-1].leaf_index for subject in subjects if subject.runs]
    return "last", multi_proof(tree, last, size)
