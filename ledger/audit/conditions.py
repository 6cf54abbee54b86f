"""What a verified file proves, and every sentence that the verdict rests on, whatever the reader gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.batch_signatures import covering
from ledger.audit.plain import ascii_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.audit.verifier import EvidenceVerdict


def proven(verdict: EvidenceVerdict) -> dict[str, bool]:
    """Which claims are proven, beyond what the file says of itself."""
    state, complete = verdict.vouched.state, verdict.vouched.complete
    score = verdict.score is not None and verdict.score.score is not None
    published = verdict.assessment is not None and verdict.assessment.proven.score is not None
    return {
        "records": complete,
        "log": complete and state,
        "objections": complete and state,
        "authorities": complete and state and bool(verdict.authorities),
        "identity": complete and verdict.subjects[0].party_key is not None,
        "score": complete and score,
        "assessment": complete and state and published,
        "posting": False,
    }


def not_proven(verdict: EvidenceVerdict) -> list[str]:
    """What is not proven, each in a sentence: for whoever relies on it to find out elsewhere."""
    found = [*_rests_on(verdict)]
    if verdict.leaves == "last" and verdict.assessment:
        found.append(
            "what the published score was made from: places of earlier runs in the log are not proven"
        )
    if not verdict.authorities:
        found.append("who wrote the records, and whether they might: nothing is said of authorities")
    elif verdict.rights:
        found.append(
            "when, where and by which key a record was written: the file's word; a signature shows who signed"
        )
    if any(each.four_eyes for each in verdict.rights.values()):
        found.append("that a record under four eyes came from a contract wallet: the audit tells")
    found += _unsigned(verdict)
    found += [
        f"which firm number {each.enterprise} is: not shown"
        for each in verdict.subjects
        if each.party_key is None
    ]
    found.append("that a firm has one number only: the audit of the whole ledger tells")
    if verdict.assessment and verdict.assessment.epoch < verdict.assessment.published:
        found.append(f"what later assessments, up to {verdict.assessment.published}, say: they are not shown")
    found += [
        f"a score by card {each.card_hash.hex()}: not known here, so withheld; give it as --card"
        for each in (verdict.score, verdict.assessment and verdict.assessment.proven)
        if each and each.card is None
    ]
    found += [
        f"that card {each.card_hash.hex()[:16]} is the one in force: which are registered no file shows"
        for each in (verdict.score, verdict.assessment and verdict.assessment.proven)
        if each and each.score is not None
    ]
    if any(subject.runs for subject in verdict.subjects):
        found.append("what other firms object to in these records: it stands in files about those firms")
    if verdict.unshown:
        others = ", ".join(str(each) for each in verdict.unshown)
        found.append(f"what is recorded of enterprises {others}, which link records name")
    return list(dict.fromkeys(found))


def _unsigned(verdict: EvidenceVerdict) -> Iterator[str]:
    """Yield the keys that no signature is shown of, in a file that shows some."""
    signed = verdict.signatures
    runs = (run for subject in verdict.subjects for run in subject.runs) if signed else ()
    keys = {
        verdict.rights[run.leaf_index].key
        for run in runs
        if run.leaf_index in verdict.rights and covering(signed, run.records[0].id) is None
    }
    if keys:
        named = ", ".join(sorted(keys))
        why = "a contract wallet's signature no file can show"
        yield f"that {named} signed all that is said to be by it: {why}"


def _rests_on(verdict: EvidenceVerdict) -> Iterator[str]:
    """Yield what the verdict takes for granted, whichever keys and node the reader gave."""
    said, stated = verdict.vouched, verdict.stated
    if not said.complete:
        yield said.why
    if not said.signed:
        yield f"that contract 0x{stated.contract.hex()} is the ledger you mean: no key of it says so"
    if said.complete and said.lacking is not None:
        yield f"the log, objections, authorities and assessments: {said.lacking}"
    if said.complete and said.lacking is None:
        yield "that the witnesses stand apart from the operator, each with a node of its own: ask them"
    if said.node is not None:
        where = ascii_line(said.node.where)
        yield f"that the node {where} is your own: one that the operator runs says what the operator says"
        if said.node.stated is None:
            yield f"not checked: block {stated.block.number}: your node {where} has none, or no longer"
