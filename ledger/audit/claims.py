"""What a verified evidence file says, for machines (stable keys); `report_text` says it to people.

Types are named by the catalogue that comes with the software, records by their authority's code where the
file shows it, else by its number. `proven` and `not_proven` say which claims anybody vouches for; what the
file only states (see `verifier`) is under `stated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.audit.batch_signatures import covering
from ledger.audit.completeness import NOTHING_SIGNED
from ledger.audit.conditions import not_proven, proven
from ledger.domain.calendar import day_of, iso
from ledger.domain.catalogue import load_catalogue
from ledger.domain.facts import KeyCompromised
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.audit.completeness import NodeSays
    from ledger.audit.objected import ShownObjection
    from ledger.audit.scored import ProvenScore
    from ledger.audit.signed import SignedCheckpoint
    from ledger.audit.subjects import ShownRun, Subject
    from ledger.audit.verifier import EvidenceVerdict
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted
    from ledger.scoring.score import Score


def holds(verdict: EvidenceVerdict, allow_incomplete: bool = False) -> bool:
    """Whether the verdict is a yes: complete, or signed by the log's own key and incompleteness allowed."""
    return verdict.vouched.complete or (allow_incomplete and verdict.vouched.signed)


def claims_dict(verdict: EvidenceVerdict, allow_incomplete: bool = False) -> dict[str, Any]:
    """The verdict for JSON: `ok`, `complete`, `proven`, `stated`, `subjects`, `score` and more."""
    catalogue = load_catalogue()
    holding = proven(verdict)
    # A code that nobody vouches for is the file's own word: records then go by their authority's number.
    codes = {n: each.code for n, each in verdict.authorities.items()} if holding["authorities"] else {}
    made, stated, lost = verdict.assessment, verdict.stated, _lost_until(verdict)
    return {
        "ok": holds(verdict, allow_incomplete),
        "complete": verdict.vouched.complete,
        "complete_why": verdict.vouched.why,
        "proven": holding,
        "not_proven": not_proven(verdict),
        "known_at": verdict.vouched.time,
        "node": verdict.vouched.node and _node(verdict.vouched.node),
        "stated": {
            "chain_id": stated.chain_id,
            "genesis": stated.genesis.hex(),
            "contract": "0x" + stated.contract.hex(),
            "block": stated.block.number,
            "block_hash": stated.block.hash.hex(),
            "block_time": stated.block.time,
            "tree_size": stated.size,
            "root": stated.root.hex(),
            "heads": _counted(stated.heads.many, stated.heads.root),
            "authorities": _counted(stated.authorities.many, stated.authorities.root)
            | {"facts": stated.authorities.facts},
            "objections": _counted(stated.objections.many, stated.objections.root),
            "assessments": _counted(stated.assessments.many, stated.assessments.root),
        },
        "leaves": verdict.leaves,
        "subjects": [_subject(each, verdict, catalogue, codes, lost) for each in verdict.subjects],
        "unshown": list(verdict.unshown),
        "authorities": {number: each.code for number, each in verdict.authorities.items()},
        "authority_states": [
            {
                "number": each.number,
                "code": each.code,
                "suspended": each.suspended,
                "four_eyes": each.four_eyes,
                "compromised": [fact.key for fact in each.facts if isinstance(fact, KeyCompromised)],
            }
            for each in verdict.authorities.values()
        ],
        "score": verdict.score and _score(verdict.score, codes),
        "assessment": made
        and {
            "epoch": made.epoch,
            "published": made.published,
            "root": made.root.hex(),
            "count": made.count,
            "log_size": made.log_size,
            **_score(made.proven, codes),
        },
        "checkpoint": verdict.checkpoint and _checkpoint(verdict.checkpoint),
        "signatures": [
            {
                "first": _name(each.first_id, codes),
                "count": each.count,
                "key": each.key,
                "deadline": each.deadline,
                "whole": each.whole,
                "checked": each.checked,
            }
            for each in verdict.signatures
        ],
    }


def nothing_signed(verdict: EvidenceVerdict) -> bool:
    """Whether the file is worth nothing because nobody vouches for any of it."""
    return verdict.vouched.why == NOTHING_SIGNED


def _node(says: NodeSays) -> dict[str, Any]:
    return {
        "where": says.where,
        "block": says.block.number,
        "block_hash": says.block.hash.hex(),
        "block_time": says.block.time,
        "has_stated_block": says.stated is not None,
    }


def _counted(many: int, root: bytes) -> dict[str, Any]:
    return {"count": many, "root": root.hex()}


def _lost_until(verdict: EvidenceVerdict) -> dict[int, int]:
    """The last day on which a key of each authority was declared compromised: it wrote no later."""
    return {
        number: day_of(fact.at.timestamp)
        for number, each in verdict.authorities.items()
        for fact in each.facts
        if isinstance(fact, KeyCompromised)
    }


def _subject(
    subject: Subject,
    verdict: EvidenceVerdict,
    catalogue: Catalogue,
    codes: Mapping[int, str],
    lost: Mapping[int, int],
) -> dict[str, Any]:
    return {
        "enterprise": subject.enterprise,
        "party": subject.party_key,
        "head": subject.head.hex(),
        "records": [
            _record(each, run, subject, catalogue, codes) | _written(each, run, verdict, lost)
            for run in subject.runs
            for each in run.records
        ],
        "objections": [_objection(each, codes) for each in subject.objections],
    }


def _written(
    record: Posted, run: ShownRun, verdict: EvidenceVerdict, lost: Mapping[int, int]
) -> dict[str, Any]:
    """By whom, by the file's word; and whether a key declared compromised may have, whatever that says."""
    right, signature = verdict.rights.get(run.leaf_index), covering(verdict.signatures, record.id)
    return {
        "key": right and right.key,
        "key_signed": signature is not None and signature.checked and signature.whole,
        "compromised_from": right and right.compromised_from,
        "perhaps_compromised": record.decided_on <= lost.get(split_id(record.id)[0], -1),
    }


def _record(
    record: Posted, run: ShownRun, subject: Subject, catalogue: Catalogue, codes: Mapping[int, str]
) -> dict[str, Any]:
    known = catalogue.by_number.get(record.type)
    document = subject.documents.get(record.id)
    return {
        "record": _name(record.id, codes),
        "type": known.code if known else str(record.type),
        "type_en": known.en if known else "",
        "type_zh": known.zh if known else "",
        "severity": record.severity,
        "severity_of_type": known.severity if known else None,
        "conduct_on": iso(record.conduct_on),
        "decided_on": iso(record.decided_on),
        "ref": record.ref,
        "commitment": record.commitment.hex(),
        "leaf_index": run.leaf_index,
        "block": run.at and run.at.block,
        "time": run.at and run.at.time,
        "document": None if document is None else document.decode(),
    }


def _objection(shown: ShownObjection, codes: Mapping[int, str]) -> dict[str, Any]:
    opened, answer = shown.opened, shown.answered
    return {
        "objection": opened.objection,
        "record": _name(opened.record, codes),
        "opened_on": iso(opened.opened_on),
        "due_on": iso(opened.due_on),
        "outcome": shown.outcome,
        "upheld": shown.upheld,
        "carried_out": shown.carried_out,
        "by": opened.by,
        "answered_by": answer and answer.by,
        "answered_at": answer and answer.at.timestamp,
        "answer_checked": shown.answer_checked,
        "compromised_from": shown.compromised_from,
    }


def _score(proven_score: ProvenScore, codes: Mapping[int, str]) -> dict[str, Any]:
    card, found, later = proven_score.card, proven_score.score, proven_score.later
    last = proven_score.last
    return {
        "as_of": iso(proven_score.as_of),
        "score": None if found is None else found.milli / 1000,
        "grade": None if found is None else found.grade,
        "card": None if card is None else card.name,
        "card_hash": proven_score.card_hash.hex(),
        "card_remark": proven_score.remark,
        "last_day": None if last is None else iso(last.day),
        "last_day_of": last and ("node" if last.by_node else "signature"),
        "on_last_day": None if later is None else {"score": later.milli / 1000, "grade": later.grade},
        "reasons": [] if found is None else _reasons(found, codes),
    }


def _reasons(found: Score, codes: Mapping[int, str]) -> list[dict[str, Any]]:
    return [
        {
            "record": _name(each.record_id, codes),
            "points": each.milli / 1000,
            "rule": each.rule,
            "until": None if each.until is None else iso(each.until),
        }
        for each in found.reasons
    ]


def _checkpoint(found: SignedCheckpoint) -> dict[str, Any]:
    said = found.checkpoint.statement
    return {
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "time": None if said is None else said.time,
        "signed": [
            {"name": each.key.name, "time": found.said_at if each.time is None else each.time}
            for each in found.signed
        ],
        "recomputed": list(found.recomputed),
        "unknown": list(found.unknown),
    }


def _name(record: int, codes: Mapping[int, str]) -> str:
    authority, number = split_id(record)
    return f"{codes.get(authority, authority)}-{number}"
