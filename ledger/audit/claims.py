"""What a verified evidence file says, for machines (stable keys) and for people.

Types are named by the catalogue that comes with the software, records by their authority's code where the
file shows it, else by its number. What the file only states (see `verifier`) is under `stated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.domain.calendar import civil_instant, iso
from ledger.domain.catalogue import load_catalogue
from ledger.domain.records import split_id
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.audit.scored import ProvenScore
    from ledger.audit.signed import SignedCheckpoint
    from ledger.audit.subjects import ShownRun, Subject
    from ledger.audit.verifier import EvidenceVerdict
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted


def claims_dict(verdict: EvidenceVerdict) -> dict[str, Any]:
    """The verdict for JSON: `ok`, `stated`, `subjects`, `score`, `assessment`, `checkpoint` and more."""
    catalogue = load_catalogue()
    codes = {number: each.code for number, each in verdict.authorities.items()}
    made = verdict.assessment
    return {
        "ok": True,
        "stated": {
            "chain_id": verdict.chain_id,
            "contract": "0x" + verdict.contract.hex(),
            "block": verdict.block_number,
            "block_hash": verdict.block_hash.hex(),
            "tree_size": verdict.tree_size,
            "root": verdict.root.hex(),
        },
        "leaves": verdict.leaves,
        "subjects": [_subject(each, catalogue, codes) for each in verdict.subjects],
        "unshown": list(verdict.unshown),
        "authorities": codes,
        "score": verdict.score and _score(verdict.score, codes),
        "assessment": made
        and {
            "epoch": made.epoch,
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


def claims_text(verdict: EvidenceVerdict) -> str:
    """The verdict as plain text under a headline in English and Chinese."""
    claims = claims_dict(verdict)
    stated = claims["stated"]
    lines = [
        "The evidence holds. What it proves holds for this chain, contract, block and root:",
        "证据文件核验通过；以下列出的链、合约、区块与日志根为其前提，请与可信来源核对：",
        f"  chain {stated['chain_id']}, contract {stated['contract']}",
        f"  block {stated['block']}, hash {stated['block_hash']}",
        f"  log of {stated['tree_size']:,} leaves, root {stated['root']}",
        *_checkpoint_lines(claims["checkpoint"]),
    ]
    for subject in claims["subjects"]:
        lines += [
            "",
            f"enterprise {subject['enterprise']}  {subject['party'] or '(identity not shown)'}",
            f"  complete record 完整记录: {len(subject['records'])} records, head {subject['head']}",
        ]
        lines += [_line(each) for each in subject["records"]]
    if claims["authorities"]:
        lines += [
            "",
            "each written with a key and a mandate that held, as stated: "
            + ", ".join(claims["authorities"].values()),
        ]
    lines += _signature_lines(claims["signatures"])
    lines += [*_score_lines("score 评分", claims["score"])]
    if claims["assessment"]:
        made = claims["assessment"]
        lines += _score_lines(f"published 已公布 in assessment {made['epoch']}, root {made['root']}:", made)
    if claims["unshown"]:
        others = ", ".join(str(each) for each in claims["unshown"])
        lines += ["", f"not in this file: the records of enterprises {others}, which link records name"]
    return "\n".join(lines) + "\n"


def _subject(subject: Subject, catalogue: Catalogue, codes: Mapping[int, str]) -> dict[str, Any]:
    return {
        "enterprise": subject.enterprise,
        "party": subject.party_key,
        "head": subject.head.hex(),
        "records": [
            _record(each, run, subject, catalogue, codes) for run in subject.runs for each in run.records
        ],
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
        "conduct_on": iso(record.conduct_on),
        "decided_on": iso(record.decided_on),
        "ref": record.ref,
        "commitment": record.commitment.hex(),
        "leaf_index": run.leaf_index,
        "block": run.at and run.at.block,
        "time": run.at and run.at.time,
        "document": None if document is None else document.decode(),
    }


def _score(proven: ProvenScore, codes: Mapping[int, str]) -> dict[str, Any]:
    return {
        "as_of": iso(proven.as_of),
        "score": proven.score.milli / 1000,
        "grade": proven.score.grade,
        "card": proven.card.name,
        "card_hash": proven.card.hash.hex(),
        "reasons": [
            {
                "record": _name(each.record_id, codes),
                "points": each.milli / 1000,
                "rule": each.rule,
                "until": None if each.until is None else iso(each.until),
            }
            for each in proven.score.reasons
        ],
    }


def _checkpoint(found: SignedCheckpoint) -> dict[str, Any]:
    return {
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "signed": [{"name": each.key.name, "time": each.time} for each in found.signed],
        "unknown": list(found.unknown),
    }


def _name(record: int, codes: Mapping[int, str]) -> str:
    authority, number = split_id(record)
    return f"{codes.get(authority, authority)}-{number}"


def _checkpoint_lines(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["  no checkpoint: nobody has signed this root here"]
    lines = [
        f"  root signed by {each['name']}{_at(each['time'])}: verified 签名已核验" for each in found["signed"]
    ]
    return lines + [
        f"  a signature by {each}: not checked, its key was not given 未核验" for each in found["unknown"]
    ]


def _signature_lines(found: list[dict[str, Any]]) -> list[str]:
    lines = [""] if found else []
    for each in found:
        said = "the records here 即本文件所列" if each["whole"] else "a batch of these numbers 仅批次哈希"
        checked = "verified 签名已核验" if each["checked"] else "NOT checked: needs coincurve 未核验"
        lines.append(f"  batch {each['first']} +{each['count']}: {each['key']} signed {said}: {checked}")
    return lines


def _at(time: int | None) -> str:
    if time is None:
        return ""
    try:
        return f" at {civil_instant(time)}"
    except BadValue:
        return f" at {time}"


def _score_lines(headline: str, found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    lines = [
        "",
        f"{headline} {found['score']:g}   grade 等级 {found['grade']}   {found['as_of']}   {found['card']}",
    ]
    return lines + [
        f"  {each['points']:>+8g}  {each['record']:<14} {each['rule']}" for each in found["reasons"]
    ]


def _line(record: dict[str, Any]) -> str:
    shown = "document shown" if record["document"] is not None else "document not shown"
    named = f"{record['type']} {record['type_zh']} {record['type_en']}".rstrip()
    return f"  {record['decided_on']}  {record['record']:<14} {named}  [{shown}]"
