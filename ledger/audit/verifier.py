"""The verifier of evidence files: an enterprise's record, complete up to a stated head.

Checked in this order; a file is refused at the first that does not hold:

 1. it has the form below, and its digest is that of everything else in it (`Malformed`);
 2. of every subject, the first head follows from the identity commitment and the runs, in the order given,
    lead to the stated head: none is missing, added, changed or moved (`HeadDiffers`);
 3. every record is about its subject and has no spare bits; an authority's numbers ascend, and so do the leaf
    indices (`RecordsUnfit`);
 4. the leaf of each run (`leaves: "all"`), or of each subject's last run (`"last"`), is in the log of the
    stated size and root (`RootDiffers` and its kin). Every earlier head is inside the last one, so `"last"`
    proves as much about the records and leaves only the earlier leaf indices unproven;
 5. party key and salt, where shown, open the identity commitment, and salt and content of every document
    shown open its record's commitment (`CommitmentDiffers`). What is not shown is not claimed.

What a file cannot prove by itself it *states*, and the verdict repeats: chain, contract, block, log size
and root, heads. Give as `trusted` what you know of these from a node, checkpoint or witness; a file that
contradicts it is refused (`NotAsTrusted`). The digest guards against damage, not against forgery.

    {"format": "credit-ledger-evidence/1", "chain_id", "contract": 20 bytes, "block": {"number", "hash"},
     "tree": {"size", "root", "leaves": "all" | "last", "proof": base64 of 32-byte hashes (see `multiproof`)},
     "subjects": [{"enterprise", "identity_commitment", "identity"?: {"party_key", "salt"}, "head",
                   "runs": [{"first": "authority-number", "leaf_index", "records": base64}],
                   "documents": [{"record": "authority-number", "salt", "content"}]}],
     "digest": SHA-256 of the rest as JSON with sorted keys and no spaces}

The first subject is the one asked about, the others are parties linked with it. Hashes are hexadecimal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.strict_json import Fields, Malformed, canonical, parse_object
from ledger.crypto.commitments import verify_commitment, verify_identity
from ledger.crypto.heads import genesis_head, leaf_data, next_head
from ledger.crypto.merkle import leaf_hash
from ledger.crypto.multiproof import verify_multi
from ledger.domain.records import Posted, record_id, split_id, unpack_run
from ledger.errors import BadProof, BadValue, ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "credit-ledger-evidence/1"
MAX_BYTES = 256 * 1024 * 1024
LINK_TYPES = range(248, 256)
_RECORD_NAME = re.compile(r"([1-9][0-9]{0,4})-([1-9][0-9]{0,14})")


class HeadDiffers(BadProof):
    """The runs do not lead to the stated head: one is missing, added, changed or moved."""

    code = "head-differs"


class RecordsUnfit(BadProof):
    """The records cannot be those of one enterprise in the order the chain took them."""

    code = "records-unfit"


class NotAsTrusted(BadProof):
    """The file states something else than what the reader knows."""

    code = "not-as-trusted"


@dataclass(frozen=True)
class Trusted:
    """What the reader knows for sure, from elsewhere; None or empty: nothing. `heads` are by enterprise."""

    chain_id: int | None = None
    contract: bytes | None = None
    tree: tuple[int, bytes] | None = None
    heads: Mapping[int, bytes] = field(default_factory=dict)


class Subject(NamedTuple):
    """One party's proven record. `party_key` is None when it is not shown; contents are by record id."""

    enterprise: int
    identity_commitment: bytes
    party_key: str | None
    head: bytes
    records: tuple[Posted, ...]
    documents: Mapping[int, bytes]


class EvidenceVerdict(NamedTuple):
    """What a file that holds says. `leaves`: see rule 4. `subjects[0]` is the party asked about.

    `unshown` are the enterprises that link records name and that are no subject: what was recorded under
    those is not in the file.
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


def verify_evidence(data: bytes, trusted: Trusted | None = None) -> EvidenceVerdict:
    """Return what the file proves; raise a `BadProof` that says which rule does not hold."""
    top = _opened(data)
    chain_id, contract = top.integer("chain_id", 1), top.hex("contract", 20)
    block = top.fields("block")
    block_number, block_hash = block.integer("number"), block.hex("hash", 32)
    block.done()
    tree, entries = top.fields("tree"), top.list("subjects")
    top.done()
    size, root, leaves = tree.integer("size"), tree.hex("root", 32), tree.text("leaves")
    proof = _hashes(tree.base64("proof"))
    tree.done()
    if leaves not in ("all", "last"):
        raise Malformed(f"document.tree.leaves: {leaves!r} is neither 'all' nor 'last'")
    if not entries:
        raise Malformed("document.subjects: empty")

    subjects, proven = [], dict[int, bytes]()
    for entry in entries:
        subject, own = _subject(entry)
        for index in list(own) if leaves == "all" else list(own)[-1:]:
            if index in proven:
                raise RecordsUnfit(f"two runs have leaf {index}")
            proven[index] = own[index]
        subjects.append(subject)
    verify_multi(proven, size, proof, root)

    named = {r.ref for each in subjects for r in each.records if r.type in LINK_TYPES}
    shown = {each.enterprise for each in subjects}
    if len(shown) < len(subjects):
        raise Malformed("document.subjects: an enterprise is given twice")
    unshown = tuple(sorted(named - shown))
    verdict = EvidenceVerdict(
        chain_id, contract, block_number, block_hash, size, root, leaves, tuple(subjects), unshown
    )
    _agree(verdict, trusted or Trusted())
    return verdict


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


def _hashes(raw: bytes) -> list[bytes]:
    if len(raw) % 32:
        raise Malformed("document.tree.proof: not a whole number of hashes")
    return [raw[i : i + 32] for i in range(0, len(raw), 32)]


def _subject(entry: Fields) -> tuple[Subject, dict[int, bytes]]:
    """The subject, and the leaf hash of each of its runs by leaf index, in order."""
    enterprise = entry.integer("enterprise", 1, 2**64 - 1)
    commitment, stated = entry.hex("identity_commitment", 32), entry.hex("head", 32)
    head, records = genesis_head(enterprise, commitment), list[Posted]()
    leaves, last_leaf, last_ids = dict[int, bytes](), -1, dict[int, int]()
    for run in entry.list("runs"):
        first_id, index, raw = _record(run, "first"), run.integer("leaf_index"), run.base64("records")
        run.done()
        records += _run_records(enterprise, first_id, raw, last_ids)
        if index <= last_leaf:
            raise RecordsUnfit(f"enterprise {enterprise}: leaf {index} comes after leaf {last_leaf}")
        last_leaf, head = index, next_head(head, first_id, raw)
        leaves[index] = leaf_hash(leaf_data(enterprise, head))
    if head != stated:
        raise HeadDiffers(f"enterprise {enterprise}: the runs lead to {head.hex()}, not to {stated.hex()}")
    party_key = _party_key(entry.fields("identity"), commitment) if entry.has("identity") else None
    documents = _documents(entry.list("documents"), {r.id: r.commitment for r in records})
    entry.done()
    return Subject(enterprise, commitment, party_key, head, tuple(records), documents), leaves


def _run_records(enterprise: int, first_id: int, raw: bytes, last_ids: dict[int, int]) -> list[Posted]:
    """The run's records; `last_ids` holds each authority's last id so far and is moved on."""
    try:
        records = unpack_run(first_id, raw)
    except ChainDamaged as error:
        raise RecordsUnfit(f"enterprise {enterprise}: {error}") from None
    authority = split_id(first_id)[0]
    if not records or split_id(records[-1].id)[0] != authority:
        raise RecordsUnfit(f"enterprise {enterprise}: a run of {len(records)} records cannot be")
    if any(each.enterprise != enterprise for each in records):
        raise RecordsUnfit(f"a record about another enterprise is shown as one about {enterprise}")
    if first_id <= last_ids.get(authority, 0):
        raise RecordsUnfit(f"enterprise {enterprise}: numbers of authority {authority} do not ascend")
    last_ids[authority] = records[-1].id
    return records


def _record(fields: Fields, key: str) -> int:
    text = fields.text(key)
    found = _RECORD_NAME.fullmatch(text)
    try:
        return (
            record_id(int(found[1]), int(found[2])) if found else fields.refuse(key, "not authority-number")
        )
    except BadValue as error:
        raise Malformed(f"{key}: {error}") from None


def _party_key(identity: Fields, commitment: bytes) -> str:
    party_key, salt = identity.text("party_key"), identity.hex("salt", 32)
    identity.done()
    verify_identity(commitment, salt, party_key)
    return party_key


def _documents(entries: list[Fields], commitments: Mapping[int, bytes]) -> dict[int, bytes]:
    documents = dict[int, bytes]()
    for entry in entries:
        record, salt, content = (
            _record(entry, "record"),
            entry.hex("salt", 32),
            entry.text("content").encode(),
        )
        entry.done()
        if record not in commitments or record in documents:
            raise Malformed("document.subjects: a document of no record, or a second one of the same")
        verify_commitment(commitments[record], salt, content)
        documents[record] = content
    return documents


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
