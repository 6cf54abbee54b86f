"""What the ledger says of one enterprise: its score with a reason for every point, and its whole record.

The dictionaries are the JSON that others read: keys stay, more may be added. Days are `YYYY-MM-DD`, records
go by `CODE-NUMBER`, points and scores are numbers with up to three decimals.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from ledger.domain.calendar import iso
from ledger.domain.records import split_id
from ledger.domain.standing import in_order, standing
from ledger.index.queries import all_authorities, posted_of, runs_of
from ledger.scoring.cards import card_in_force
from ledger.scoring.score import score as score_records
from ledger.workflows.held import held_documents
from ledger.workflows.json_text import BadJson, read_json
from ledger.workflows.knowing import subject_known
from ledger.workflows.objecting import disputed
from ledger.workflows.subjects import subject_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

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
    applied, or without effect. `disputed`: an objection to it is open now. `held` says whether its document
    is opened, erased, not held (taken up from the chain by a repair), missing or broken.
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
    disputed: bool


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

    def authority(self, number: int) -> str:
        return self.codes.get(number, f"authority {number}")

    def record(self, record: int) -> str:
        authority, number = split_id(record)
        return f"{self.authority(authority)}-{number}"

    def type(self, number: int) -> tuple[str, str, str]:
        known = self.catalogue.by_number.get(number)
        return (known.code, known.en, known.zh) if known else (str(number), "", "")


def _names(catalogue: Catalogue, index: Connection) -> _Names:
    return _Names(catalogue, {each.authority: each.code for each in all_authorities(index)})


def score_of(
    database: Database,
    catalogue: Catalogue,
    cards: Sequence[Scorecard],
    text: str,
    as_of: int,
    *,
    known_on: int | None = None,
) -> ScoreDict:
    """Score an enterprise as of a day, from all that is known now or, given `known_on`, was by that day.

    Raises `BadValue` for no identifier, `NotFound` for an unknown one.
    """
    with database.read_vault() as vault, database.read_index() as index:
        if known_on is None:
            subject = subject_at(vault, index, text, as_of)
            posted = posted_of(index, subject.members)
        else:
            subject, posted = subject_known(vault, index, text, as_of, known_on)
        names = _names(catalogue, index)
    card = card_in_force(cards, as_of)
    return _score_dict(subject, score_records(posted, card, as_of), card, names, as_of)


def _score_dict(subject: Subject, score: Score, card: Scorecard, names: _Names, as_of: int) -> ScoreDict:
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
    with database.read_vault() as vault, database.read_index() as index:
        subject = subject_at(vault, index, text, as_of)
        runs = runs_of(index, subject.members)
        objected = disputed(index, subject.members)
        names = _names(catalogue, index)
        placed = {each.id: (each, run) for run in runs for each in run.posted if each.decided_on <= as_of}
        posted = sorted((each for each, _ in placed.values()), key=in_order)
        checks = list(held_documents(vault, master_key, posted))
    standings = standing(posted, as_of)
    ignored = {each.record.id for each in standings.ignored}
    items: list[ItemDict] = []
    for check in checks:
        state = _state(check.record, standings.by_id, ignored, names)
        item = _item(check, placed[check.record.id][1], names, state)
        items.append({**item, "disputed": check.record.id in objected})
    return {
        "id": subject.key,
        "asked": subject.asked,
        "name": subject.text,
        "as_of": iso(as_of),
        "enterprise": subject.enterprise,
        "linked": list(subject.linked),
        "records": items,
    }


def thousandths(milli: int) -> Number:
    """Return milli-points as points: a whole number where it is one."""
    return milli // 1000 if milli % 1000 == 0 else milli / 1000


class _State(NamedTuple):
    status: str
    since: int
    by: str | None


def _state(record: Posted, by_id: Mapping[int, Standing], ignored: set[int], names: _Names) -> _State:
    found = by_id.get(record.id)
    if found is not None:
        return _State(found.state, found.since, None if found.by is None else names.record(found.by))
    return _State("without effect" if record.id in ignored else "applied", record.decided_on, None)


def _item(check: DocumentCheck, run: RunRow, names: _Names, state: _State) -> ItemDict:
    record = check.record
    code, en, zh = names.type(record.type)
    return {
        "record": names.record(record.id),
        "authority": names.authority(split_id(record.id)[0]),
        "type": code,
        "type_en": en,
        "type_zh": zh,
        "severity": record.severity,
        "decided_on": iso(record.decided_on),
        "conduct_on": iso(record.conduct_on),
        "status": state.status,
        "since": iso(state.since),
        "by": state.by,
        "party": check.party_key or "",
        "reference": check.reference,
        "refers_to": check.refers_to,
        "held": check.held,
        "document": _document(check),
        "commitment": record.commitment.hex(),
        "leaf_index": run.leaf_index,
        "block": run.block_number,
        "disputed": False,
    }


def _document(check: DocumentCheck) -> object:
    """Return what the authority wrote: a JSON array or object as such, all else as text; None if not held."""
    if check.held != "opened":
        return None
    written: str = json.loads(check.content)["document"]
    if written[:1] not in ("{", "["):
        return written
    try:
        return read_json(written)
    except BadJson:
        return written
