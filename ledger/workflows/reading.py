"""What the ledger says of one enterprise: its score with a reason for every point.

The dictionaries are the JSON that others read: keys stay, more may be added. Days are `YYYY-MM-DD`, records
go by `CODE-NUMBER`, points and scores are numbers with up to three decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from ledger.domain.calendar import iso
from ledger.domain.records import split_id
from ledger.index.queries import all_authorities, posted_of
from ledger.scoring.cards import card_in_force
from ledger.scoring.score import score as score_records
from ledger.workflows.knowing import subject_known
from ledger.workflows.subjects import subject_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.catalogue import Catalogue
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


class Names(NamedTuple):
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


def names_of(catalogue: Catalogue, index: Connection) -> Names:
    return Names(catalogue, {each.authority: each.code for each in all_authorities(index)})


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
        names = names_of(catalogue, index)
    card = card_in_force(cards, as_of)
    return _score_dict(subject, score_records(posted, card, as_of), card, names, as_of)


def _score_dict(subject: Subject, score: Score, card: Scorecard, names: Names, as_of: int) -> ScoreDict:
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


def thousandths(milli: int) -> Number:
    """Return milli-points as points: a whole number where it is one."""
    return milli // 1000 if milli % 1000 == 0 else milli / 1000
