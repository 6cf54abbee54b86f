"""What a verified evidence file says, for machines (stable keys) and for people.

Types are named by the catalogue that comes with the software; records by the authority's number, which is
what the chain knows. What the file only states (see `verifier`) is under `stated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.domain.calendar import iso
from ledger.domain.catalogue import load_catalogue
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from ledger.audit.verifier import EvidenceVerdict, Subject
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted


def claims_dict(verdict: EvidenceVerdict) -> dict[str, Any]:
    """The verdict for JSON: `ok`, `stated{}`, `subjects[]` with `records[]`, `unshown[]`."""
    catalogue = load_catalogue()
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
        "subjects": [_subject(each, catalogue) for each in verdict.subjects],
        "unshown": list(verdict.unshown),
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
    ]
    for subject in claims["subjects"]:
        shown = subject["party"] or "(identity not shown)"
        lines += [
            "",
            f"enterprise {subject['enterprise']}  {shown}",
            f"  complete record 完整记录: {len(subject['records'])} records, head {subject['head']}",
        ]
        lines += [_line(each) for each in subject["records"]]
    if claims["unshown"]:
        others = ", ".join(str(each) for each in claims["unshown"])
        lines += ["", f"not in this file: the records of enterprises {others}, which link records name"]
    return "\n".join(lines) + "\n"


def _subject(subject: Subject, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "enterprise": subject.enterprise,
        "party": subject.party_key,
        "head": subject.head.hex(),
        "records": [_record(each, subject, catalogue) for each in subject.records],
    }


def _record(record: Posted, subject: Subject, catalogue: Catalogue) -> dict[str, Any]:
    authority, number = split_id(record.id)
    known = catalogue.by_number.get(record.type)
    document = subject.documents.get(record.id)
    return {
        "record": f"{authority}-{number}",
        "type": known.code if known else str(record.type),
        "type_en": known.en if known else "",
        "type_zh": known.zh if known else "",
        "severity": record.severity,
        "conduct_on": iso(record.conduct_on),
        "decided_on": iso(record.decided_on),
        "ref": record.ref,
        "commitment": record.commitment.hex(),
        "document": None if document is None else document.decode(),
    }


def _line(record: dict[str, Any]) -> str:
    shown = "document shown" if record["document"] is not None else "document not shown"
    named = f"{record['type']} {record['type_zh']} {record['type_en']}".rstrip()
    return f"  {record['decided_on']}  {record['record']:<14} {named}  [{shown}]"
