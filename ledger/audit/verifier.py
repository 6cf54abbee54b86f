"""The verifier of evidence files: what is recorded of an enterprise's number, and how far that is proven.

Checked in this order; a file is refused at the first that does not hold:

 1. it has the form below, within bounds (see `strict_json`), and its digest is that of everything else in it
    (`Malformed`);
 2. of every subject, the first head follows from the identity commitment and the runs, in the order given,
    lead to the stated head: none is missing before it, added, changed or moved (`HeadDiffers`). A subject
    that no link leads to from the first is refused (`UnrelatedSubject`);
 3. every record is about its subject, of days before 3000, and has no spare bits; an authority's numbers
    ascend, and so do the leaf indices (`RecordsUnfit`);
 4. the leaf of each run (`leaves: "all"`), or of each subject's last run (`"last"`), is in the log of the
    stated size and root (`RootDiffers` and its kin). Every earlier head is inside the last one, so `"last"`
    proves as much about the records and leaves only the earlier leaf indices unproven;
 5. each subject's head, the chain of its objections and the chain of each authority shown are in the stated
    trees (see `crypto.statement`): under a signed root, no later record, objection or fact is left out;
    party key and salt, where shown, open the identity commitment, and salt and content of every document
    shown open its record's commitment (`CommitmentDiffers`). What is not shown is not claimed;
 6. with authorities shown: each run was written by a key in its window, of an authority not suspended, within
    the mandate of its time, and decided by then (`NotAuthorised`; see `rights`);
 7. with `score`: on that day the card gives the first subject that score, from its records and those of the
    names linked to it, which must all be shown (`ScoreDiffers`, `ScoreIncomplete`; see `scored`), and the day
    is not after the signed one (`DayToCome`). By a card that the reader does not know nothing is computed;
 8. with `assessment`: it is in the tree of assessments, the published score is under its root, and follows
    likewise from the runs below its log size;
 9. with `checkpoint`: it is of this log, of the same block, and every root and count is the file's
    (`CheckpointDiffers`); no signature of a key you gave is wrong (`BadNote`). With keys in `trusted`, the
    log's own must have signed (`NotSigned`), and so must the witnesses' (`QuorumMissed`), late enough and of
    a block that is late enough (`TooOld`);
10. with `signatures`: each is by its key over the batch that some of the runs came in (`SignatureWrong`; see
    `batch_signatures`), whose authority is among those shown. That shows who signed, not who posted. Without
    coincurve installed they are not checked, and the verdict says so.

A file that holds is not yet proven: `EvidenceVerdict.vouched` says by whom its roots are vouched for. What no
key and no node of yours vouches for is only stated, and printed as that. Give as `trusted` what you know; a
file that contradicts it is refused (`NotAsTrusted`). The digest guards against damage, not against forgery.

    {"format": "credit-ledger-evidence/2", "chain_id", "genesis": hash, "contract": 20 bytes,
     "block": {"number", "hash", "time"},
     "tree": {"size", "root", "leaves": "all" | "last", "proof": base64 of 32-byte hashes (see `multiproof`)},
     "heads": {"count", "root", "proof"}, "objections": {"count", "root", "proof"}: of all subjects,
     "authorities": {"count", "facts", "root", "proof",
                     "shown": [{"authority", "events": [{"at": "block-log-time", and "code" or
                       "mandate", "weighty", "from" or "key", "from", "until" or "compromised", "from" or
                       "four_eyes": 0 | 1 or "epoch" or "suspended": 0 | 1}]}]},
     "assessments": {"count", "root"},
     "subjects": [{"enterprise", "identity_commitment", "identity"?: {"party_key", "salt"}, "head",
                   "runs": [{"first": "authority-number", "leaf_index", "at"?: "block-log-time-key",
                             "records": base64}],
                   "documents": [{"record": "authority-number", "salt", "content"}],
                   "objections": [{"at", "objection", "by", and "record", "opened_on", "due_on", "grounds"
                                   or "outcome", "answer"}]}],
     "cards"?: [{"canonical"}], "score"?: {"as_of", "card": hash, "milli", "grade"},
     "assessment"?: {"epoch", "root", "count", "log_size", "block", "heads_root", "anchor", "as_of", "card",
                     "milli", "grade", "index", "proof"},
     "checkpoint"?: signed note,
     "signatures"?: [{"first": "authority-number", "count", "deadline", "key": address, "signature": base64,
                      "epoch"?: if not 0, "types"? and "records_hash"?: of a batch that is not shown whole}],
     "digest": SHA-256 of the rest as JSON with sorted keys and no spaces}

The first subject is the one asked about, the others are parties linked with it. Hashes are hexadecimal. The
same form as a JSON Schema is in `evidence-2.schema.json`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.batch_signatures import ShownSignature, SignatureWrong, check_signatures
from ledger.audit.completeness import NodeSays, Vouched, vouched
from ledger.audit.links import UnrelatedSubject, named_in_links, refuse_unrelated
from ledger.audit.objected import carried_out
from ledger.audit.rights import (
    NotAuthorised,
    RunRight,
    ShownAuthority,
    check_answers,
    check_rights,
    read_authorities,
)
from ledger.audit.scored import (
    DayToCome,
    LastDay,
    ProvenAssessment,
    ProvenScore,
    Scored,
    ScoreDiffers,
    ScoreIncomplete,
    cards_by_hash,
    check_assessment,
    check_score,
    read_cards,
)
from ledger.audit.signed import (
    CheckpointDiffers,
    QuorumMissed,
    SignedCheckpoint,
    TooOld,
    check_checkpoint,
    need_signatures,
)
from ledger.audit.stated import Stated, read_stated
from ledger.audit.strict_json import Fields, Malformed, canonical, parse_object
from ledger.audit.subjects import HeadDiffers, RecordsUnfit, Subject, read_subjects
from ledger.audit.trusted import NotAsTrusted, Trusted, agree, ask_node, refuse_old
from ledger.domain.calendar import day_of
from ledger.domain.numbered import numbers
from ledger.scoring.cards import load_cards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "FORMAT",
    "MAX_BYTES",
    "CheckpointDiffers",
    "DayToCome",
    "EvidenceVerdict",
    "HeadDiffers",
    "Malformed",
    "NodeSays",
    "NotAsTrusted",
    "NotAuthorised",
    "QuorumMissed",
    "RecordsUnfit",
    "ScoreDiffers",
    "ScoreIncomplete",
    "ShownSignature",
    "SignatureWrong",
    "Subject",
    "TooOld",
    "Trusted",
    "UnrelatedSubject",
    "digest_of",
    "verify_evidence",
]

FORMAT = "credit-ledger-evidence/2"
MAX_BYTES = 256 * 1024 * 1024


class EvidenceVerdict(NamedTuple):
    """What a file that holds says. `leaves`: see rule 4. `subjects[0]` is the party asked about.

    `unshown` are the enterprises that link records name and that are no subject: what was recorded under
    those is not in the file. `rights` are by leaf index. The rest is None or empty where the file does not
    have it.
    """

    stated: Stated
    leaves: str
    subjects: tuple[Subject, ...]
    unshown: tuple[int, ...]
    authorities: Mapping[int, ShownAuthority]
    rights: Mapping[int, RunRight]
    score: ProvenScore | None
    assessment: ProvenAssessment | None
    checkpoint: SignedCheckpoint | None
    signatures: tuple[ShownSignature, ...]
    vouched: Vouched

    @property
    def tree_size(self) -> int:
        """Leaves of the log."""
        return self.stated.size

    @property
    def root(self) -> bytes:
        """The log's root."""
        return self.stated.root


def verify_evidence(data: bytes, trusted: Trusted | None = None) -> EvidenceVerdict:
    """Return what the file says and how far it is proven, or raise a `BadProof` that names the rule."""
    trusted = trusted or Trusted()
    top = _opened(data)
    stated, proofs = read_stated(top)
    subjects = read_subjects(top.entries("subjects"), stated.size, stated.root, proofs.leaves, proofs.log)
    refuse_unrelated(subjects)
    proofs.check_subjects(stated, subjects)
    authorities = read_authorities(proofs.authorities, stated.block.number)
    proofs.check_authorities(stated, authorities)
    rights = _rights(authorities, subjects, stated)
    subjects = carried_out(check_answers(authorities, subjects))
    checkpoint = None
    if top.has("checkpoint"):
        note = top.text("checkpoint").encode()
        checkpoint = check_checkpoint(note, stated.checkpoint, trusted.keys)
    need_signatures(checkpoint, trusted.keys, trusted.quorum)
    agree(stated, subjects, trusted)
    node = ask_node(stated, subjects, trusted)
    score, assessment = _scores(top, subjects, trusted, stated, _last_day(stated, checkpoint, node))
    signatures: tuple[ShownSignature, ...] = ()
    if top.has("signatures"):
        domain = (stated.chain_id, stated.contract)
        signatures = check_signatures(top.entries("signatures"), domain, authorities, subjects, rights)
    top.done()
    found = vouched(stated.block, checkpoint, trusted.keys, trusted.quorum, node)
    refuse_old(found, trusted.not_before)
    shown = numbers(each.enterprise for each in subjects)
    unshown = tuple(sorted(each for each in named_in_links(subjects) if each not in shown))
    return EvidenceVerdict(
        stated, proofs.leaves, subjects, unshown, authorities, rights, score, assessment, checkpoint,
        signatures, found,
    )  # fmt: skip


def _rights(
    authorities: Mapping[int, ShownAuthority], subjects: Sequence[Subject], stated: Stated
) -> Mapping[int, RunRight]:
    if authorities:
        return check_rights(authorities, subjects, (stated.block.number, stated.block.time))
    if any(run.at for subject in subjects for run in subject.runs):
        raise Malformed("document: runs say where they stand, and nothing is said of authorities")
    return {}


def _last_day(stated: Stated, checkpoint: SignedCheckpoint | None, node: NodeSays | None) -> LastDay | None:
    """The last day that anybody vouches for; None: nobody does. No signature is older than its block."""
    if node is not None:
        return LastDay(day_of(node.block.time), by_node=True)
    if checkpoint is None or not checkpoint.signed or checkpoint.time is None:
        return None
    return LastDay(day_of(max(checkpoint.time, stated.block.time)), by_node=False)


def _scores(
    top: Fields, subjects: Sequence[Subject], trusted: Trusted, stated: Stated, last: LastDay | None
) -> tuple[ProvenScore | None, ProvenAssessment | None]:
    shown = read_cards(top.entries("cards"), trusted.card_hashes) if top.has("cards") else {}
    known = cards_by_hash((*load_cards(), *trusted.cards, *(card for card in shown.values() if card)))
    scored = Scored(subjects, known, shown, last)
    score = check_score(top.fields("score"), scored) if top.has("score") else None
    if not top.has("assessment"):
        return score, None
    place = (stated.size, stated.block.number, stated.assessments)
    return score, check_assessment(top.fields("assessment"), scored, *place)


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
