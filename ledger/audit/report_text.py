"""What a verified evidence file says, for people: a verdict first, then every claim with what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ledger.audit.claims import claims_dict, nothing_signed
from ledger.audit.plain import ascii_line, harmless, one_line
from ledger.domain.calendar import civil_instant
from ledger.errors import BadValue

if TYPE_CHECKING:
    from ledger.audit.verifier import EvidenceVerdict


_NO_IDENTITY: Final = "which firm this number is: not shown"


def claims_text(verdict: EvidenceVerdict, allow_incomplete: bool = False) -> str:
    """The verdict as plain text under a headline in English and Chinese."""
    claims = harmless(claims_dict(verdict, allow_incomplete))
    lines = [
        *_headline(verdict, claims),
        *_stated_lines(verdict, claims),
        *_checkpoint_lines(claims["checkpoint"]),
    ]
    for subject in claims["subjects"]:
        lines += _subject_lines(subject, claims)
    lines += _authority_lines(claims)
    lines += _signature_lines(claims)
    lines += _score_lines(
        "score 评分" if claims["proven"]["records"] else "score, NOT proven 评分", claims["score"]
    )
    if claims["assessment"]:
        made = claims["assessment"]
        what = "the latest" if made["epoch"] == made["published"] else "NOT the latest"
        place = f"assessment {made['epoch']} of {made['published']} ({what})"
        head = f"published 已公布 in {place}, root {made['root']}:"
        lines += _score_lines(head if claims["proven"]["assessment"] else f"{head} NOT proven:", made)
    lines += ["", "not proven 未证明:", *(f"  {each}" for each in claims["not_proven"])]
    return "\n".join(lines) + "\n"


def _headline(verdict: EvidenceVerdict, claims: dict[str, Any]) -> list[str]:
    if nothing_signed(verdict):
        return [
            "nothing here is signed: it proves nothing. Give the log's and the witnesses' keys, or --node",
            "本文件未经任何已知密钥签名，不证明任何内容",
        ]
    if claims["complete"]:
        return ["The evidence holds 证据文件核验通过:", f"  {claims['complete_why']}"]
    return [
        "The file holds together, and its completeness is NOT proven 文件自洽，完整性未获证明:",
        f"  {claims['complete_why']}",
    ]


def _stated_lines(verdict: EvidenceVerdict, claims: dict[str, Any]) -> list[str]:
    stated, log, node = claims["stated"], claims["proven"]["log"], verdict.vouched.node
    at_node = node is not None and node.stated is not None
    return [
        f"  chain {stated['chain_id']} from block {stated['genesis']}, contract {stated['contract']}"
        + _unless(log or node is not None),
        f"  block {stated['block']}, hash {stated['block_hash']}, its time{_at(stated['block_time'])[3:]}"
        + _unless(log or at_node),
        f"  log of {stated['tree_size']:,} leaves, root {stated['root']}{_unless(log)}",
    ]


def _unless(vouched: bool) -> str:
    """What stands behind everything that nobody whom the reader trusts vouches for."""
    return "" if vouched else "; by the file alone, NOT proven"


def _checkpoint_lines(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["  no checkpoint: nobody has signed this root here"]
    lines = [
        f"  signed by {ascii_line(each['name'])}{_at(each['time'])}: verified 签名已核验"
        for each in found["signed"]
    ]
    return lines + [
        f"  a signature by {ascii_line(each)}: not checked, its key was not given 未核验"
        for each in found["unknown"]
    ]


def _subject_lines(subject: dict[str, Any], claims: dict[str, Any]) -> list[str]:
    number, many = subject["enterprise"], len(subject["records"])
    party = subject["party"]
    proven, stated = claims["proven"]["records"], claims["proven"]["log"]
    who = one_line(party) + _unless(proven) if party is not None else _NO_IDENTITY
    what = (
        f"complete record of number {number} 完整记录"
        if proven
        else "records shown, NOT proven complete 所示记录"
    )
    lines = ["", f"enterprise {number}  {who}", f"  {what}: {many} records, head {subject['head']}"]
    lines += [_line(each, stated) for each in subject["records"]]
    vouched = "" if claims["proven"]["objections"] else "  NOT proven"
    for each in subject["objections"]:
        lines.append(
            f"  objection 异议 {each['objection']} to {each['record']}, opened {each['opened_on']}, "
            f"due {each['due_on']}: {each['outcome']}{_answered(each)}{_carried_out(each)}{vouched}"
        )
    return lines


def _answered(objection: dict[str, Any]) -> str:
    """Who answered, and what is known of that key: the statement covers both, where it is signed."""
    if objection["answered_by"] is None:
        return ""
    by = f", by {objection['answered_by']}"
    if not objection["answer_checked"]:
        return f"{by}; whether that key might answer is not shown"
    since = objection["compromised_from"]
    return by if since is None else f"{by}; {_lost(since)}"


def _lost(since: int) -> str:
    return f"that key was declared compromised 密钥已声明失控: in wrong hands since{_at(since)[3:]}"


def _carried_out(objection: dict[str, Any]) -> str:
    if not objection["upheld"] or objection["carried_out"]:
        return ""
    if objection["carried_out"] is None:
        return "; whether it was carried out is not shown: the record is in another file"
    return "; upheld, and its correction is missing"


def _line(record: dict[str, Any], stated: bool) -> str:
    shown = "document shown" if record["document"] is not None else "document not shown"
    named = f"{record['type']} {record['type_zh']} {record['type_en']}".rstrip()
    line = f"  {record['decided_on']}  {record['record']:<14} {named}  [{shown}]"
    if record["block"] is not None:
        place = f"in block {record['block']}{_at(record['time'])}, as the file says"
        # A signature shows who signed, at any time; who posted the records, no file shows.
        signed = "; that key signed them" if record["key_signed"] else ""
        line += f"  written {place}, by {record['key']}, as the file says{signed}"
    if record["severity"] != record["severity_of_type"] is not None:
        line += f"; severity 严重程度 {record['severity']}, and its type's is {record['severity_of_type']}"
    if record["compromised_from"] is not None:
        line += f"; {_lost(record['compromised_from'])}{_unless(stated)}"
    elif record["perhaps_compromised"]:
        lost = "a key of its authority was declared compromised 密钥曾失控, and may have written it"
        line += f"; {lost}{_unless(stated)}"
    return line


def _authority_lines(claims: dict[str, Any]) -> list[str]:
    if not claims["authorities"]:
        return []
    vouched = "as signed" if claims["proven"]["authorities"] else "as the file says, NOT proven"
    told = "if each was written when and with the key that the file says, its key and mandate held"
    lines = ["", f"{told}, by what was said of ({vouched}):"]
    for each in claims["authority_states"]:
        marks = ["suspended 已暂停"] if each["suspended"] else []
        marks += ["four eyes 双人复核"] if each["four_eyes"] else []
        told = f"{each['number']}, which the file calls {each['code']}"
        who = each["code"] if claims["proven"]["authorities"] else told
        lines.append(f"  {who}" + (f": {', '.join(marks)}" if marks else ""))
        lost = "was declared compromised: that a record here is not by it, no file shows 密钥失陷"
        lines += [f"    key {key} {lost}" for key in each["compromised"]]
    return lines


def _signature_lines(claims: dict[str, Any]) -> list[str]:
    found = claims["signatures"]
    doubt = "" if claims["proven"]["authorities"] else "; whose key it is, NOT proven"
    lines = [""] if found else []
    for each in found:
        said = "the records here 即本文件所列" if each["whole"] else "a batch of these numbers 仅批次哈希"
        checked = "verified 签名已核验" if each["checked"] else "NOT checked: needs coincurve 未核验"
        batch = f"batch {each['first']} +{each['count']}"
        lines.append(f"  {batch}: {each['key']} signed {said}: {checked}{doubt}")
    return lines


def _score_lines(headline: str, found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    day = f"{found['as_of']}{_beside(found)}"
    if found["card"] is None:
        return ["", f"{headline} withheld 不予显示   {day}   unknown card 未知评分卡 {found['card_hash']}"]
    remark = f" ({one_line(found['card_remark'])})" if found["card_remark"] else ""
    card = f"{one_line(found['card'])}{remark} {found['card_hash'][:16]}"
    lines = ["", f"{headline} {found['score']:g}   grade 等级 {found['grade']}   {day}   {card}"]
    return lines + [
        f"  {each['points']:>+8g}  {each['record']:<14} {one_line(each['rule'])}" for each in found["reasons"]
    ]


def _beside(found: dict[str, Any]) -> str:
    """What a score of an earlier day than the last that is vouched for would be on that."""
    day, later = found["last_day"], found["on_last_day"]
    if day is None or day == found["as_of"]:
        return ""
    last = "the day of your node's block" if found["last_day_of"] == "node" else "the signed day"
    told = "" if later is None else f": on that day {later['score']:g} {later['grade']}"
    return f", EARLIER than {last} {day}{told}"


def _at(time: int | None) -> str:
    if time is None:
        return ""
    try:
        return f" at {civil_instant(time)}"
    except BadValue:
        return f" at {time}"
