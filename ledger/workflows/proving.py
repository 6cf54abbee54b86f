"""Evidence about one enterprise, made from index and vault at one block, with the statement of that block.

The file holds the whole record, every run and objection ever, because only that leads to what is signed;
`as_of` says which names are shown beside the code, those linked to it on that day, and of which day the score
is. The log's root is asked of the contract at the same block, so a file never states a root that the chain
does not have.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ledger.audit.evidence import Attached, EvidenceRun, EvidenceSubject, StatedPlace, build_evidence
from ledger.audit.links import partners
from ledger.crypto.heads import genesis_head
from ledger.domain.calendar import day_of, start_of
from ledger.domain.records import split_id, unpack_run
from ledger.errors import BadValue
from ledger.index.queries import authority_number, enterprise_by_index, runs_of
from ledger.index.statement import counters, objection_facts, read_trees
from ledger.outbox.identities import identity_shown
from ledger.workflows.attached import assessment_shown, authorities_shown, score_shown, written
from ledger.workflows.checkpoints import checkpoint_of, take_snapshot
from ledger.workflows.held import held_documents, sizes_held
from ledger.workflows.signed_batches import signatures_shown
from ledger.workflows.subjects import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from ledger.crypto.merkle import Tree
    from ledger.domain.records import Posted
    from ledger.workflows.checkpoints import TreesOf
    from ledger.workflows.kept_checkpoints import Kept
    from ledger.workflows.office import Office

#: Bytes of documents in a file that is made for a caller of the API: base64 makes a third more of it.
EVIDENCE_BYTES: Final = 32 << 20


def prove(
    ledger: Office,
    text: str,
    as_of: int,
    *,
    with_documents: bool = True,
    documents_of: str | None = None,
    most: int | None = None,
    with_signatures: bool = False,
    log: Tree | None = None,
    trees: TreesOf = read_trees,
    cosigned: Callable[[Kept], Kept] | None = None,
) -> bytes:
    """Return an evidence file (see `audit.verifier`) about an identifier's enterprise and its linked names.

    `log` is the log's tree if the caller keeps one, and `trees` gives those of the state; they are made from
    the index otherwise. Documents that are erased, missing or damaged are left out, as all are without
    `with_documents`. `documents_of` is the code of an authority that asks: it is shown the documents it
    wrote, and not what binds names to numbers, as who has an identity's salt can tell that firm's number for
    ever. `most` is how many bytes of documents are taken. `with_signatures` adds those of the batches the
    runs came in, from the chain's transactions. `cosigned` has witnesses cosign the checkpoint. Raises
    `BadValue` for no identifier, and for documents of more than `most` bytes; `NotFound` for an enterprise
    unknown or not on the chain yet, `ChainDamaged` when index and contract do not agree.
    """
    subject = subject_of(ledger.db, text, as_of)
    with ledger.db.read_index() as index, ledger.db.read_vault() as vault:
        snapshot = take_snapshot(ledger, index, log, trees)
        members = (subject.enterprise, *(each for each in subject.members if each != subject.enterprise))
        subjects = [_subject(index, vault, each) for each in members]
        if documents_of is not None:
            subjects = [each._replace(identity=None) for each in subjects]
        if with_documents:
            master_key = ledger.keystore.master_key
            only = None if documents_of is None else authority_number(index, documents_of)
            subjects = _documents(vault, master_key, subjects, only, most)
        attached = Attached(
            score=score_shown(_posted(subjects), ledger.cards, as_of),
            assessment=assessment_shown(index, vault, ledger.cards, subject.enterprise, as_of),
        )
        subjects += _also_scored(index, vault, subjects, as_of, attached)
        authorities = {split_id(run.first_id)[0] for each in subjects for run in each.runs}
        attached = attached._replace(authorities=authorities_shown(index, authorities))
        if with_signatures:
            runs = [run for each in subjects for run in each.runs]
            signatures = signatures_shown(index, ledger.node, ledger.deployment, runs)
            attached = attached._replace(signatures=signatures)
        size = counters(index).log_size
    block = snapshot.block
    # A score of today needs a statement of today; for another day an older one of the same state will do.
    kept = checkpoint_of(ledger, snapshot, start_of(as_of))
    if kept is not None:
        kept = cosigned(kept) if cosigned is not None else kept
        attached = attached._replace(checkpoint=str(kept.note))
        if kept.checkpoint.statement is not None:
            block = kept.checkpoint.statement.block
    deployment = ledger.deployment
    genesis, contract = (
        bytes.fromhex(deployment.genesis_hash[2:]),
        bytes.fromhex(deployment.credit_ledger[2:]),
    )
    place = StatedPlace(deployment.chain_id, genesis, contract, *block)
    return build_evidence(place, subjects, snapshot.log, snapshot.trees, size, attached, ledger.cards)


def _subject(index: Connection, vault: Connection, enterprise: int) -> EvidenceSubject:
    """All runs and objections of an enterprise and what opens its identity; documents not yet."""
    commitment = enterprise_by_index(index, enterprise).commitment
    identity = identity_shown(vault, enterprise)
    rows = runs_of(index, (enterprise,))
    places = written(index, rows)
    return EvidenceSubject(
        enterprise,
        commitment,
        rows[-1].head if rows else genesis_head(enterprise, commitment),
        [EvidenceRun(each.first_id, each.leaf_index, each.records, places[each.leaf_index]) for each in rows],
        (identity.party_key, identity.salt) if identity.salt else None,
        {},
        objection_facts(index, enterprise),
    )


def _also_scored(
    index: Connection, vault: Connection, subjects: Sequence[EvidenceSubject], as_of: int, attached: Attached
) -> list[EvidenceSubject]:
    """Parties that who checks the scores must see though they do not belong: their records alone.

    Whether a link counts is told by both of its records, so each party that a standing side of one leads to
    is shown: on the day of the score, on the day of the published one, and today.
    """
    leader, added, days = subjects[0].enterprise, list[EvidenceSubject](), {as_of, day_of(int(time.time()))}
    if attached.assessment is not None:
        days.add(attached.assessment.score.as_of)
    while True:
        shown = [*subjects, *added]
        posted = _posted(shown)
        wanted = set().union(*(partners(posted, leader, day) for day in days))
        if attached.assessment is not None:
            posted = [each for run in _runs(shown, attached.assessment.log_size) for each in _unpacked(run)]
            wanted.update(partners(posted, leader, attached.assessment.score.as_of))
        missing = sorted(wanted - {each.enterprise for each in shown})
        if not missing:
            return added
        added += [_subject(index, vault, each)._replace(identity=None) for each in missing]


def _runs(subjects: Iterable[EvidenceSubject], below: int) -> Iterable[EvidenceRun]:
    return (run for each in subjects for run in each.runs if run.leaf_index < below)


def _unpacked(run: EvidenceRun) -> list[Posted]:
    return unpack_run(run.first_id, run.records)


def _posted(subjects: Iterable[EvidenceSubject]) -> list[Posted]:
    return [each for subject in subjects for run in subject.runs for each in _unpacked(run)]


def _documents(
    vault: Connection,
    master_key: bytes,
    subjects: Sequence[EvidenceSubject],
    only: int | None,
    most: int | None,
) -> list[EvidenceSubject]:
    """Add salt and content, by record id, of the documents that open; of one authority, if given."""
    wanted = [
        [each for each in _posted([subject]) if only in (None, split_id(each.id)[0])] for subject in subjects
    ]
    if most is not None and sum(sum(sizes_held(vault, each)) for each in wanted) > most:
        why = f"they have more than {most} bytes: ask with documents=false, and for the record in pages"
        raise BadValue("documents", "true", why)
    return [
        subject._replace(
            documents={
                each.record.id: (each.salt, each.content)
                for each in held_documents(vault, master_key, posted)
                if each.held == "opened"
            }
        )
        for subject, posted in zip(subjects, wanted, strict=True)
    ]
