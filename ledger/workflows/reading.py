"""What the ledger says of one enterprise: its score with a reason for every point, and its whole record.

The dictionaries are the JSON that others read: keys stay, more may be added. Days are `YYYY-MM-DD`, records
go by `CODE-NUMBER`, points and scores are numbers with up to three decimals.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from ledger.domain.calendar import iso
from ledger.domain.records import split_id
from ledger.domain.standing import standing
from ledger.index.queries import all_authorities, posted_of, runs_of
from ledger.scoring.cards import card_in_force
from ledger.scoring.score import score as score_records
from ledger.workflows.held import held_documents
from ledger.workflows.subjects import members_of, party_keys, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.audit.documents import DocumentCheck
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted
    from ledger.domain.standing import Standing
    from ledger.index.queries import RunRow
    from ledger.scoring.cards import Scorecard
    from ledger.scoring.score import Score
    from ledger.store.database import Database
    from ledger.workflows.subjects import Subject

Number = int | float
_LIFECYCLE = range(240, 248)


class ReasonDict(TypedDict):
    """One event that counts: its record, type, points (signed), rule, and the day it stops counting."""

    record: str
    type: str
    type_en: str
    type_zh: str
    points: Number
    rule: str
    until: str | None
    effect: str


class ScoreDict(TypedDict):
    """A score: `score` is 0..100; `card` names the rules; `linked` the names whose records count too."""

    id: str
    asked: str
    as_of: str
    score: Number
    grade: str
    card: str
    card_hash: str
    linked: list[str]
    reasons: list[ReasonDict]


class ItemDict(TypedDict):
    """One record with how it stands on the day asked for.

    `status` of an event or link: in force, corrected, revoked, repaired, reinstated; of a lifecycle record:
    applied, or without effect. `held` says whether its document is opened, erased, missing or broken.
    """

    record: str
    authority: str
    type: str
    type_en: str
    type_zh: str
    severity: int
    decided_on: str
    conduct_on: str
    status: str
    since: str
    by: str | None
    party: str
    reference: str | None
    refers_to: str | None
    held: str
    document: object
    commitment: str
    leaf_index: int
    block: int


class RecordDict(TypedDict):
    """An enterprise's whole record as of a day, in the order of decision."""

    id: str
    asked: str
    name: str
    as_of: str
    enterprise: int
    linked: list[str]
    records: list[ItemDict]


class _Names(NamedTuple):
    """How numbers are shown."""

    catalogue: Catalogue
    codes: Mapping[int, str]

    def record(self, record: int) -> str:
        authority, number = split_id(record)
        return f"{self.codes.get(authority, f'authority {authority}')}-{number}"

    def type(self, number: int) -> tuple[str, str, str]:
        known = self.catalogue.by_number.get(number)
        return (known.code, known.en, known.zh) if known else (str(number), "", "")


def score_of(
    database: Database, catalogue: Catalogue, cards: Sequence[Scorecard], text: str, as_of: int
) -> ScoreDict:
    """Score an enterprise as of a day. Raises `BadValue` for no identifier, `NotFound` for an unknown one."""
    subject = subject_of(database, text, as_of)
    with database.read_index() as index:
        posted = posted_of(index, subject.members)
        codes = {each.authority: each.code for each in all_authorities(index)}
    card = card_in_force(cards, as_of)
    return score_dict(subject, score_records(posted, card, as_of), card, _Names(catalogue, codes), as_of)


def score_at(database: Database, card: Scorecard, enterprise: int, as_of: int) -> Score:
    """Score the enterprise that an index follows on a day, as numbers: what an assessment publishes of it."""
    with database.read_index() as index:
        return score_records(posted_of(index, members_of(index, enterprise, as_of)[1]), card, as_of)


def score_dict(subject: Subject, score: Score, card: Scorecard, names: _Names, as_of: int) -> ScoreDict:
    """Return a score as JSON."""
    reasons: list[ReasonDict] = []
    for each in score.reasons:
        code, en, zh = names.type(each.type_number)
        reasons.append(
            {
                "record": names.record(each.record_id),
                "type": code,
                "type_en": en,
                "type_zh": zh,
                "points": thousandths(each.milli),
                "rule": each.rule,
                "until": None if each.until is None else iso(each.until),
                "effect": each.effect,
            }
        )
    return {
        "id": subject.key,
        "asked": subject.asked,
        "as_of": iso(as_of),
        "score": thousandths(score.milli),
        "grade": score.grade,
        "card": card.name,
        "card_hash": card.hash.hex(),
        "linked": list(subject.linked),
        "reasons": reasons,
    }


def record_of(
    database: Database, catalogue: Catalogue, master_key: bytes, text: str, as_of: int
) -> RecordDict:
    """Return an enterprise's whole record as of a day. Raises `BadValue`, `NotFound`."""
    subject = subject_of(database, text, as_of)
    with database.read_index() as index:
        runs = runs_of(index, subject.members)
        codes = {each.authority: each.code for each in all_authorities(index)}
    placed = {each.id: (each, run) for run in runs for each in run.posted if each.decided_on <= as_of}
    posted = [each for each, _ in placed.values()]
    with database.read_vault() as vault:
        checks = list(held_documents(vault, master_key, posted))
        keys = party_keys(vault, subject.members)
    names = _Names(catalogue, codes)
    standings = standing(posted, as_of)
    without_effect = {each.record.id for each in standings.ignored}
    items = [
        _item(check, placed[check.record.id][1], names, keys)
        | _status(check.record, standings.by_id, without_effect, names)
        for check in sorted(checks, key=lambda check: (check.record.decided_on, check.record.id))
    ]
    return {
        "id": subject.key,
        "asked": subject.asked,
        "name": subject.text,
        "as_of": iso(as_of),
        "enterprise": subject.enterprise,
        "linked": list(subject.linked),
        "records": items,  # type: ignore[typeddict-item]  # two halves of one ItemDict
    }


def thousandths(milli: int) -> Number:
    """Return milli-points as points: a whole number where it is one."""
    return milli // 1000 if milli % 1000 == 0 else milli / 1000


def _item(check: DocumentCheck, run: RunRow, names: _Names, keys: Mapping[int, str]) -> dict[str, object]:
    record = check.record
    code, en, zh = names.type(record.type)
    return {
        "record": names.record(record.id),
        "authority": names.codes.get(split_id(record.id)[0], str(split_id(record.id)[0])),
        "type": code,
        "type_en": en,
        "type_zh": zh,
        "severity": record.severity,
        "decided_on": iso(record.decided_on),
        "conduct_on": iso(record.conduct_on),
        "party": keys.get(record.enterprise, ""),
        "reference": check.reference,
        "refers_to": check.refers_to,
        "held": check.held,
        "document": _document(check),
        "commitment": record.commitment.hex(),
        "leaf_index": run.leaf_index,
        "block": run.block_number,
    }


def _status(
    record: Posted, by_id: Mapping[int, Standing], without_effect: set[int], names: _Names
) -> dict[str, object]:
    found = by_id.get(record.id)
    if found is not None:
        by = None if found.by is None else names.record(found.by)
        return {"status": found.state, "since": iso(found.since), "by": by}
    status = "without effect" if record.id in without_effect else "applied"
    return {"status": status, "since": iso(record.decided_on), "by": None}


def _document(check: DocumentCheck) -> object:
    """Return what the authority wrote: JSON where it is JSON, else text; None where nothing is held."""
    if check.held != "opened":
        return None
    written = json.loads(check.content).get("document", "")
    try:
        return json.loads(written) if written[:1] in ("{", "[") else written
    except (ValueError, RecursionError):
        return written
