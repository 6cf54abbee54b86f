"""The parties of an evidence file: rules 2, 3 and 5 of `verifier`, for one subject at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.forms import in_time, read_record
from ledger.audit.objected import ShownObjection, read_objections
from ledger.audit.runs import HIGHEST_SEVERITY, MAX_BATCH
from ledger.audit.strict_json import Fields, Malformed
from ledger.crypto.commitments import verify_commitment, verify_identity
from ledger.crypto.heads import genesis_head, leaf_data, next_head
from ledger.crypto.merkle import leaf_hash
from ledger.crypto.multiproof import verify_multi
from ledger.domain.calendar import LAST_YEAR, iso, to_day
from ledger.domain.numbered import Numbered, numbers
from ledger.domain.records import Posted, split_id, unpack_run
from ledger.errors import BadProof, ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAST_DAY = to_day(f"{LAST_YEAR}-12-31")
_PLACE = re.compile(r"-".join([r"(0|[1-9][0-9]{0,17})"] * 4))


class HeadDiffers(BadProof):
    """The runs do not lead to the stated head: one is missing, added, changed or moved."""

    code = "head-differs"


class RecordsUnfit(BadProof):
    """The records cannot be those of one enterprise in the order the chain took them."""

    code = "records-unfit"


class RunPlace(NamedTuple):
    """Where a run stands: block, log in it, block time (Unix seconds); and which of the keys wrote it."""

    block: int
    log: int
    time: int
    key: int


class ShownRun(NamedTuple):
    """A run as the file shows it; `at` is None where the file does not say."""

    leaf_index: int
    at: RunPlace | None
    records: tuple[Posted, ...]


class Subject(NamedTuple):
    """One party's record. `party_key` is None when it is not shown; contents are by record id.

    `objections_chain` is what its objections lead to.
    """

    enterprise: int
    identity_commitment: bytes
    party_key: str | None
    head: bytes
    runs: tuple[ShownRun, ...]
    documents: Mapping[int, bytes]
    objections: tuple[ShownObjection, ...]
    objections_chain: bytes

    @property
    def records(self) -> tuple[Posted, ...]:
        """All its records, in the order the chain took them."""
        return tuple(record for run in self.runs for record in run.records)


def read_subjects(
    entries: Iterable[Fields], size: int, root: bytes, leaves: str, proof: list[bytes]
) -> tuple[Subject, ...]:
    """Read the subjects and prove their leaves in the log: all, or with `leaves` "last" each last one."""
    subjects, proven = list[Subject](), Numbered[bytes]()
    for entry in entries:
        subject, own = read_subject(entry)
        for index, leaf in own if leaves == "all" else own[-1:]:
            if index in proven:
                raise RecordsUnfit(f"two runs have leaf {index}")
            proven[index] = leaf
        subjects.append(subject)
    if not subjects:
        raise Malformed("document.subjects: empty")
    verify_multi(proven, size, proof, root)
    if len(numbers(each.enterprise for each in subjects)) < len(subjects):
        raise Malformed("document.subjects: an enterprise is given twice")
    told = [one.opened.objection for each in subjects for one in each.objections]
    if len(numbers(told)) < len(told):
        raise Malformed("document.subjects: two of them have one objection")
    return tuple(subjects)


def read_subject(entry: Fields) -> tuple[Subject, list[tuple[int, bytes]]]:
    """Return the subject, and the leaf index and leaf hash of each of its runs, in order."""
    enterprise = entry.integer("enterprise", 1, 2**64 - 1)
    commitment, stated = entry.hex("identity_commitment", 32), entry.hex("head", 32)
    head, runs = genesis_head(enterprise, commitment), list[ShownRun]()
    leaves, last_leaf, last_ids = list[tuple[int, bytes]](), -1, dict[int, int]()
    for run in entry.entries("runs"):
        first_id, index, raw = read_record(run, "first"), run.integer("leaf_index"), run.base64("records")
        at = _place(run) if run.has("at") else None
        run.done()
        records = _run_records(enterprise, first_id, raw, last_ids)
        if index <= last_leaf:
            raise RecordsUnfit(f"enterprise {enterprise}: leaf {index} comes after leaf {last_leaf}")
        last_leaf, head = index, next_head(head, first_id, raw)
        leaves.append((index, leaf_hash(leaf_data(enterprise, head))))
        runs.append(ShownRun(index, at, tuple(records)))
    if head != stated:
        raise HeadDiffers(f"enterprise {enterprise}: the runs lead to {head.hex()}, not to {stated.hex()}")
    party_key = _party_key(entry.fields("identity"), commitment) if entry.has("identity") else None
    posted = [each for run in runs for each in run.records]
    commitments = Numbered((each.id, each.commitment) for each in posted)
    documents = _documents(entry.entries("documents"), commitments)
    objections, chain = read_objections(entry.entries("objections"), enterprise)
    entry.done()
    return Subject(enterprise, commitment, party_key, head, tuple(runs), documents, objections, chain), leaves


def _run_records(enterprise: int, first_id: int, raw: bytes, last_ids: dict[int, int]) -> list[Posted]:
    """The run's records; `last_ids` holds each authority's last id so far and is moved on."""
    try:
        records = unpack_run(first_id, raw)
    except ChainDamaged as error:
        raise RecordsUnfit(f"enterprise {enterprise}: {error}") from None
    authority = split_id(first_id)[0]
    if not 0 < len(records) <= MAX_BATCH or split_id(records[-1].id)[0] != authority:
        raise RecordsUnfit(f"enterprise {enterprise}: a run of {len(records)} records cannot be")
    if any(each.enterprise != enterprise for each in records):
        raise RecordsUnfit(f"a record about another enterprise is shown as one about {enterprise}")
    if any(max(each.conduct_on, each.decided_on) > LAST_DAY for each in records):
        raise RecordsUnfit(f"enterprise {enterprise}: a record of a day beyond {iso(LAST_DAY)}")
    if any(each.severity > HIGHEST_SEVERITY for each in records):
        raise RecordsUnfit(f"enterprise {enterprise}: a record of a severity above {HIGHEST_SEVERITY}")
    if first_id <= last_ids.get(authority, 0):
        raise RecordsUnfit(f"enterprise {enterprise}: numbers of authority {authority} do not ascend")
    last_ids[authority] = records[-1].id
    return records


def _place(run: Fields) -> RunPlace:
    found = _PLACE.fullmatch(run.text("at"))
    if found is None:
        run.refuse("at", "not block-log-time-key")
    block, log, time, key = map(int, found.groups())
    return RunPlace(block, log, in_time(run, "at", time), key)


def _party_key(identity: Fields, commitment: bytes) -> str:
    party_key, salt = identity.text("party_key"), identity.hex("salt", 32)
    identity.done()
    verify_identity(commitment, salt, party_key)
    return party_key


def _documents(entries: Iterable[Fields], commitments: Mapping[int, bytes]) -> Mapping[int, bytes]:
    documents = Numbered[bytes]()
    for entry in entries:
        record, salt = read_record(entry, "record"), entry.hex("salt", 32)
        content = entry.text("content").encode()
        entry.done()
        if record not in commitments or record in documents:
            raise Malformed("document.subjects: a document of no record, or a second one of the same")
        verify_commitment(commitments[record], salt, content)
        documents[record] = content
    return documents
