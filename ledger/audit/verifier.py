"""The verifier of evidence files: an enterprise's record, complete up to a stated head.

Checked in this order; a file is refused at the first that does not hold:

 1. it has the form below, and its digest is that of everything else in it (`Malformed`);
 2. of every subject, the first head follows from the identity commitment and the runs, in the order given,
    lead to the stated head: none is missing, added, changed or moved (`HeadDiffers`);
 3. every record is about its subject, of days before 3000, and has no spare bits; an authority's numbers
    ascend, and so do the leaf indices (`RecordsUnfit`);
 4. the leaf of each run (`leaves: "all"`), or of each subject's last run (`"last"`), is in the log of the
    stated size and root (`RootDiffers` and its kin). Every earlier head is inside the last one, so `"last"`
    proves as much about the records and leaves only the earlier leaf indices unproven;
 5. party key and salt, where shown, open the identity commitment, and salt and content of every document
    shown open its record's commitment (`CommitmentDiffers`). What is not shown is not claimed;
 6. with `authorities`: each run was written by a key in its window, of an authority not suspended, within the
    mandate of its time, and decided by then (`NotAuthorised`; see `rights`);
 7. with `score`: on that day the card gives the first subject that score, from its records and those of the
    names linked to it, which must all be shown (`ScoreDiffers`, `ScoreIncomplete`; see `scored`);
 8. with `assessment`: the published score is under the assessment's root, and follows likewise from the runs
    below its log size (`RootDiffers` and its kin, `ScoreDiffers`, `ScoreIncomplete`);
 9. with `checkpoint`: it is of this contract's log, of the same size and root (`CheckpointDiffers`), and no
    signature of a key you gave is wrong (`BadNote`). With keys in `trusted`, one of the log's must have
    signed (`NotSigned`), and so must `quorum` of the witnesses' (`QuorumMissed`);
10. with `signatures`: each is by its key over the batch that some of the runs came in (`SignatureWrong`; see
    `batch_signatures`), whose authority is among `authorities`. Without coincurve installed they are not
    checked, and the verdict says so.

What a file cannot prove by itself it *states*, and the verdict repeats: chain, contract, block, log size
and root, heads; what was said of authorities and when runs were written; an assessment's root and log size.
Give as `trusted` what you know of these from a node, checkpoint or witness; a file that contradicts it is
refused (`NotAsTrusted`). The digest guards against damage, not against forgery.

    {"format": "credit-ledger-evidence/1", "chain_id", "contract": 20 bytes, "block": {"number", "hash"},
     "tree": {"size", "root", "leaves": "all" | "last", "proof": base64 of 32-byte hashes (see `multiproof`)},
     "subjects": [{"enterprise", "identity_commitment", "identity"?: {"party_key", "salt"}, "head",
                   "runs": [{"first": "authority-number", "leaf_index", "at"?: "block-log-time-key",
                             "records": base64}],
                   "documents": [{"record": "authority-number", "salt", "content"}]}],
     "authorities"?: [{"authority", "code", "events": [{"at": "block-log", and "mandate", "from" or
                       "key": address, "from", "until" or "suspended": 0 | 1}]}],
     "cards"?: [{"canonical"}], "score"?: {"as_of", "card": hash, "milli", "grade"},
     "assessment"?: {"epoch", "root", "count", "log_size", "as_of", "card", "milli", "grade", "index",
                     "proof"},
     "checkpoint"?: signed note,
     "signatures"?: [{"first": "authority-number", "count", "deadline", "key": address, "signature": base64,
                      "epoch"?: if not 0, "types"? and "records_hash"?: of a batch that is not shown whole}],
     "digest": SHA-256 of the rest as JSON with sorted keys and no spaces}

The first subject is the one asked about, the others are parties linked with it. Hashes are hexadecimal. The
same form as a JSON Schema is in `evidence-1.schema.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.batch_signatures import ShownSignature, SignatureWrong, check_signatures
from ledger.audit.rights import NotAuthorised, ShownAuthority, check_rights, read_authorities
from ledger.audit.scored import (
    ProvenAssessment,
    ProvenScore,
    ScoreDiffers,
    ScoreIncomplete,
    check_assessment,
    check_score,
    read_cards,
)
from ledger.audit.signed import (
    CheckpointDiffers,
    QuorumMissed,
    SignedCheckpoint,
    check_checkpoint,
    need_signatures,
)
from ledger.audit.strict_json import Fields, Malformed, canonical, parse_object
from ledger.audit.subjects import HeadDiffers, RecordsUnfit, Subject, read_subject
from ledger.crypto.multiproof import verify_multi
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.crypto.notes import VerifierKey

__all__ = [
    "FORMAT",
    "MAX_BYTES",
    "CheckpointDiffers",
    "EvidenceVerdict",
    "HeadDiffers",
    "Malformed",
    "NotAsTrusted",
    "NotAuthorised",
    "QuorumMissed",
    "RecordsUnfit",
    "ScoreDiffers",
    "ScoreIncomplete",
    "ShownSignature",
    "SignatureWrong",
    "Subject",
    "Trusted",
    "digest_of",
    "verify_evidence",
]

FORMAT = "credit-ledger-evidence/1"
MAX_BYTES = 256 * 1024 * 1024
LINK_TYPES = range(248, 256)


class NotAsTrusted(BadProof):
    """The file states something else than what the reader knows."""

    code = "not-as-trusted"


@dataclass(frozen=True)
class Trusted:
    """What the reader knows for sure, from elsewhere; None or empty: nothing. `heads` are by enterprise.

    `keys` are the log's and the witnesses'; `quorum` is how many of the latter must have cosigned.
    """

    chain_id: int | None = None
    contract: bytes | None = None
    tree: tuple[int, bytes] | None = None
    heads: Mapping[int, bytes] = field(default_factory=dict)
    keys: Sequence[VerifierKey] = ()
    quorum: int = 0


class EvidenceVerdict(NamedTuple):
    """What a file that holds says. `leaves`: see rule 4. `subjects[0]` is the party asked about.

    `unshown` are the enterprises that link records name and that are no subject: what was recorded under
    those is not in the file. The rest is None or empty where the file does not have it.
    """

    chain_id: int
    contract: bytes
    block_number: int
    block_hash: bytes
    tree_size: int
    root: bytes
    leaves: str
    subjects: tuple[Subject, ...]
    unshown: tuple[int, ...]
    authorities: Mapping[int, ShownAuthority]
    score: ProvenScore | None
    assessment: ProvenAssessment | None
    checkpoint: SignedCheckpoint | None
    signatures: tuple[ShownSignature, ...]


def verify_evidence(data: bytes, trusted: Trusted | None = None) -> EvidenceVerdict:
    """Return what the file proves; raise a `BadProof` that says which rule does not hold."""
    trusted = trusted or Trusted()
    top = _opened(data)
    chain_id, contract = top.integer("chain_id", 1), top.hex("contract", 20)
    block = top.fields("block")
    block_number, block_hash = block.integer("number"), block.hex("hash", 32)
    block.done()
    tree = top.fields("tree")
    size, root, leaves = tree.integer("size"), tree.hex("root", 32), tree.text("leaves")
    subjects = _subjects(top.entries("subjects"), size, root, leaves, tree.hashes("proof"))
    tree.done()
    authorities = _authorities(top, subjects)
    cards = read_cards(top.entries("cards")) if top.has("cards") else {}
    score = check_score(top.fields("score"), cards, subjects) if top.has("score") else None
    assessment = (
        check_assessment(top.fields("assessment"), cards, subjects) if top.has("assessment") else None
    )
    checkpoint = None
    if top.has("checkpoint"):
        note = top.text("checkpoint").encode()
        checkpoint = check_checkpoint(note, chain_id, contract, (size, root), trusted.keys)
    signatures = (
        check_signatures(top.entries("signatures"), (chain_id, contract), authorities, subjects)
        if top.has("signatures")
        else ()
    )
    top.done()
    need_signatures(checkpoint, trusted.keys, trusted.quorum)
    named = {r.ref for each in subjects for r in each.records if r.type in LINK_TYPES}
    unshown = tuple(sorted(named - {each.enterprise for each in subjects}))
    verdict = EvidenceVerdict(
        chain_id, contract, block_number, block_hash, size, root, leaves, subjects, unshown,
        authorities, score, assessment, checkpoint, signatures,
    )  # fmt: skip
    _agree(verdict, trusted)
    return verdict


def _subjects(
    entries: Iterable[Fields], size: int, root: bytes, leaves: str, proof: list[bytes]
) -> tuple[Subject, ...]:
    """Read the subjects and prove their leaves."""
    if leaves not in ("all", "last"):
        raise Malformed(f"document.tree.leaves: {leaves!r} is neither 'all' nor 'last'")
    subjects, proven = list[Subject](), dict[int, bytes]()
    for entry in entries:
        subject, own = read_subject(entry)
        for index in list(own) if leaves == "all" else list(own)[-1:]:
            if index in proven:
                raise RecordsUnfit(f"two runs have leaf {index}")
            proven[index] = own[index]
        subjects.append(subject)
    if not subjects:
        raise Malformed("document.subjects: empty")
    verify_multi(proven, size, proof, root)
    if len({each.enterprise for each in subjects}) < len(subjects):
        raise Malformed("document.subjects: an enterprise is given twice")
    return tuple(subjects)


def _authorities(top: Fields, subjects: Sequence[Subject]) -> dict[int, ShownAuthority]:
    if not top.has("authorities"):
        if any(run.at for subject in subjects for run in subject.runs):
            raise Malformed("document: runs say where they stand, and nothing is said of authorities")
        return {}
    authorities = read_authorities(top.entries("authorities"))
    check_rights(authorities, subjects)
    return authorities


def digest_of(content: Mapping[str, object]) -> str:
    """Digest of a file's content, without its `digest`."""
    return sha256(canonical({key: value for key, value in content.items() if key != "digest"})).hexdigest()


def _opened(data: bytes) -> Fields:
    content = parse_object(data, MAX_BYTES)
    top = Fields(content, "document")
    if (name := top.text("format")) != FORMAT:
        raise Malformed(f"format {name[:40]!r} is not {FORMAT!r}")
    if top.hex("digest", 32).hex() != digest_of(content):
        raise Malformed("the digest is not that of the document: it was changed or damaged")
    return top


def _agree(verdict: EvidenceVerdict, trusted: Trusted) -> None:
    if trusted.chain_id not in (None, verdict.chain_id):
        raise NotAsTrusted(f"the file is about chain {verdict.chain_id}, not {trusted.chain_id}")
    if trusted.contract not in (None, verdict.contract):
        raise NotAsTrusted(f"the file is about contract 0x{verdict.contract.hex()}")
    if trusted.tree not in (None, (verdict.tree_size, verdict.root)):
        raise NotAsTrusted(f"the file's tree head is size {verdict.tree_size}, root {verdict.root.hex()}")
    for subject in verdict.subjects:
        known = trusted.heads.get(subject.enterprise, subject.head)
        if known != subject.head:
            raise NotAsTrusted(
                f"enterprise {subject.enterprise} is at head {known.hex()}, the file at {subject.head.hex()}"
            )
