"""How an evidence file is spelt: each part as the JSON that `verifier` reads."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from ledger.crypto.multiproof import multi_proof
from ledger.domain.calendar import iso
from ledger.domain.facts import (
    AuthorityAdded,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    ObjectionAnswered,
    SignaturesInvalidated,
)
from ledger.domain.records import RECORD_BYTES, split_id
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from ledger.audit.evidence import (
        Attached,
        EvidenceAuthority,
        EvidenceRun,
        EvidenceScore,
        EvidenceSignature,
        EvidenceSubject,
    )
    from ledger.crypto.statement import AuthorityFact, ObjectionFact, StateTrees
    from ledger.domain.facts import Place


def state_json(
    trees: StateTrees, enterprises: Sequence[int], authorities: Sequence[EvidenceAuthority]
) -> dict[str, object]:
    state, places = trees.state(), [each - 1 for each in enterprises]
    numbers = [each.number - 1 for each in authorities]
    return {
        "heads": {
            "count": state.enterprises,
            "root": state.heads_root.hex(),
            "proof": hashes_text(multi_proof(trees.heads, places)),
        },
        "objections": {
            "count": state.objection_facts,
            "root": state.objections_root.hex(),
            "proof": hashes_text(multi_proof(trees.objections, places)),
        },
        "authorities": {
            "count": state.authorities,
            "facts": state.authority_facts,
            "root": state.authorities_root.hex(),
            "proof": hashes_text(multi_proof(trees.authorities, numbers)),
            "shown": [
                {"authority": each.number, "events": [_event(event) for event in each.events]}
                for each in authorities
            ],
        },
        "assessments": {"count": state.assessments, "root": state.assessments_root.hex()},
    }


def subject_json(subject: EvidenceSubject, keys: Mapping[int, Mapping[str, int]]) -> dict[str, object]:
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
    made["objections"] = [_objection(each) for each in subject.objections]
    return made


def _objection(fact: ObjectionFact) -> dict[str, object]:
    made: dict[str, object] = {"at": _at(fact.at), "objection": fact.objection, "by": fact.by}
    if isinstance(fact, ObjectionAnswered):
        return made | {"outcome": fact.outcome, "answer": fact.answer.hex()}
    days = {"opened_on": iso(fact.opened_on), "due_on": iso(fact.due_on)}
    return made | {"record": _name(fact.record), **days, "grounds": fact.grounds.hex()}


def _run(run: EvidenceRun, keys: Mapping[int, Mapping[str, int]]) -> dict[str, object]:
    made: dict[str, object] = {"first": _name(run.first_id), "leaf_index": run.leaf_index}
    if keys and run.written is not None:
        block, log, time, key = run.written
        known = keys[split_id(run.first_id)[0]]
        made["at"] = f"{block}-{log}-{time}-{known.get(key, len(known))}"
    return made | {"records": _base64(run.records)}


def attached_json(attached: Attached, trees: StateTrees) -> dict[str, object]:
    made: dict[str, object] = {}
    scores = [each for each in (attached.score, attached.assessment and attached.assessment.score) if each]
    if scores:
        cards = {each.card.hash: each.card.canonical.decode() for each in scores}
        made["cards"] = [{"canonical": each} for each in cards.values()]
    if attached.score:
        made["score"] = _score(attached.score)
    if attached.assessment:
        epoch, root, count, log_size, block, heads_root, index, proof, score = attached.assessment
        made["assessment"] = {
            "epoch": epoch,
            "root": root.hex(),
            "count": count,
            "log_size": log_size,
            "block": block,
            "heads_root": heads_root.hex(),
            "anchor": hashes_text(_path(trees, epoch - 1)),
            **_score(score),
            "index": index,
            "proof": hashes_text(proof),
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


def _path(trees: StateTrees, place: int) -> list[bytes]:
    """The ordinary inclusion proof of one assessment."""
    tree, path, low, high = trees.assessments, list[bytes](), 0, trees.assessments.size
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if place < middle:
            path.append(tree.range_hash(middle, high))
            high = middle
        else:
            path.append(tree.range_hash(low, middle))
            low = middle
    return path[::-1]


def _at(at: Place) -> str:
    return f"{at.block_number}-{at.log_index}-{at.timestamp}"


def _event(fact: AuthorityFact) -> dict[str, object]:
    made: dict[str, object] = {"at": _at(fact.at)}
    if isinstance(fact, AuthorityAdded):
        return made | {"code": fact.code}
    if isinstance(fact, MandateSet):
        types = {"mandate": fact.mandate, "weighty": fact.weighty}
        return made | {k: v.to_bytes(32, "big").hex() for k, v in types.items()} | {"from": fact.from_}
    if isinstance(fact, KeySet):
        return made | {"key": fact.key, "from": fact.from_, "until": fact.until}
    if isinstance(fact, KeyCompromised):
        return made | {"compromised": fact.key, "from": fact.from_}
    if isinstance(fact, FourEyesSet):
        return made | {"four_eyes": int(fact.required)}
    if isinstance(fact, SignaturesInvalidated):
        return made | {"epoch": fact.epoch}
    return made | {"suspended": int(fact.suspended)}


def ids_of(run: EvidenceRun) -> range:
    return range(run.first_id, run.first_id + len(run.records) // RECORD_BYTES)


def signature_json(signature: EvidenceSignature, shown: Container[int]) -> dict[str, object]:
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


def keys_by_place(authority: EvidenceAuthority) -> dict[str, int]:
    """Places of addresses in the order they were first named: a run gives its key by its place here."""
    named = dict.fromkeys(each.key for each in authority.events if isinstance(each, KeySet))
    return {key: place for place, key in enumerate(named)}


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


def hashes_text(hashes: Sequence[bytes]) -> str:
    return _base64(b"".join(hashes))


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()
