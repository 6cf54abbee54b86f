"""Scores in an evidence file, computed anew: rules 7 and 8 of `verifier`.

A card is known by its hash: the packaged ones, and those the reader gives. What a file carries as a card is
not read, only hashed: by a card that is not known, nothing is computed and the file's score is withheld.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.forms import read_day
from ledger.audit.links import partners
from ledger.audit.strict_json import Malformed
from ledger.crypto.merkle import leaf_hash, verify_inclusion
from ledger.crypto.statement import assessment_leaf
from ledger.domain.calendar import iso
from ledger.domain.facts import AssessmentPublished, Place
from ledger.domain.numbered import numbers
from ledger.domain.standing import link_targets
from ledger.errors import BadProof, Misconfigured
from ledger.scoring.cards import GRADES, parse_canonical
from ledger.scoring.roots import score_leaf
from ledger.scoring.score import score as compute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import Subject
    from ledger.crypto.checkpoints import Counted
    from ledger.domain.records import Posted
    from ledger.scoring.cards import Scorecard
    from ledger.scoring.score import Score


class ScoreDiffers(BadProof):
    """The records and the card give another score than the one stated."""

    code = "score-differs"


class ScoreIncomplete(BadProof):
    """Records that count for the score are not in the file."""

    code = "score-incomplete"


class DayToCome(BadProof):
    """A score of a day after the one that was signed: nobody can know it yet."""

    code = "day-to-come"


class LastDay(NamedTuple):
    """The last day that anybody vouches for: that of your node's block, or of what was signed."""

    day: int
    by_node: bool


class Scored(NamedTuple):
    """What to score from: the subjects, the cards the reader knows, and the last day if there is one."""

    subjects: Sequence[Subject]
    known: Mapping[bytes, Scorecard]
    shown: Collection[bytes]
    last: LastDay | None


class ProvenScore(NamedTuple):
    """A score that follows from the records shown and the card.

    `card` and `score` are None for a card that is not known: the score is withheld. `remark` says what else a
    reader should know of the card. `later` is the score on the last day where `as_of` is before it, None
    where it cannot be told from this file.
    """

    as_of: int
    card_hash: bytes
    card: Scorecard | None
    score: Score | None
    remark: str
    last: LastDay | None
    later: Score | None


class ProvenAssessment(NamedTuple):
    """A published score: under that assessment's root, and what the first `log_size` leaves give.

    `published` are the assessments there were at the file's block; `epoch` below it is not the latest.
    """

    epoch: int
    root: bytes
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    log_size: int
    proven: ProvenScore
    published: int


def read_cards(entries: Iterable[Fields], accepted: Collection[bytes]) -> dict[bytes, Scorecard | None]:
    """Return `cards` by hash. Only those whose hash is `accepted` are read; the others are None."""
    found: dict[bytes, Scorecard | None] = {}
    for entry in entries:
        text = entry.text("canonical").encode()
        entry.done()
        name = sha256(text).digest()
        try:
            found[name] = parse_canonical(text) if name in accepted else None
        except Misconfigured as error:
            raise Malformed(f"document.cards: {error}") from None
    return found


def check_score(given: Fields, scored: Scored) -> ProvenScore:
    """Return the stated score when it is that of the first subject on its day, from all records shown."""
    as_of, card, stated = read_day(given, "as_of"), _card(given, scored), _stated(given)
    given.done()
    records = [record for subject in scored.subjects for record in subject.records]
    return _proven("the score", as_of, card, stated, scored, records)


def check_assessment(given: Fields, scored: Scored, size: int, block: int, tree: Counted) -> ProvenAssessment:
    """Return the published score when it is under the stated root and follows from the log of its time.

    The assessment itself must be in the `tree` of assessments that the file's statement is of; `size` and
    `block` are the log's and the block's there.
    """
    epoch, root, count = given.integer("epoch", 1), given.hex("root", 32), given.integer("count", 1)
    as_of, card, stated = read_day(given, "as_of"), _card(given, scored), _stated(given)
    log_size, index, proof = given.integer("log_size", 0, size), given.integer("index"), given.hashes("proof")
    made_at, heads_root, anchor = (
        given.integer("block", 0, block),
        given.hex("heads_root", 32),
        given.hashes("anchor"),
    )
    given.done()
    fact = AssessmentPublished(
        Place(0, b"", 0, 0), epoch, card, as_of, root, count, made_at, log_size, heads_root
    )
    verify_inclusion(assessment_leaf(fact), epoch - 1, tree.many, anchor, tree.root)
    subjects = scored.subjects
    verify_inclusion(leaf_hash(score_leaf(subjects[0].enterprise, *stated)), index, count, proof, root)
    runs = [run for subject in subjects for run in subject.runs if run.leaf_index < log_size]
    records = [record for run in runs for record in run.records]
    proven = _proven(f"the score of assessment {epoch}", as_of, card, stated, scored, records)
    # What it would be on the last day is said of the score; a published one is of its own time.
    return ProvenAssessment(epoch, root, count, log_size, proven._replace(later=None), tree.many)


def _proven(  # noqa: PLR0917  what is stated, and from what it must follow
    what: str,
    as_of: int,
    card_hash: bytes,
    stated: tuple[int, str],
    scored: Scored,
    records: Sequence[Posted],
) -> ProvenScore:
    last = scored.last
    day = None if last is None else last.day
    if day is not None and as_of > day:
        raise DayToCome(f"{what} is of {iso(as_of)}, and nobody vouches for a day after {iso(day)}")
    card = scored.known.get(card_hash)
    if card is None:
        return ProvenScore(as_of, card_hash, None, None, "a card that is not known here", last, None)
    found = _score(scored, records, card, as_of)
    if stated != (found.milli, found.grade):
        raise ScoreDiffers(
            f"{what} of {iso(as_of)}: the records give {found.milli} {found.grade}, "
            f"the file says {stated[0]} {stated[1]}"
        )
    later = None
    if day is not None and as_of < day:
        in_force = _in_force(scored.known.values(), card, day)
        try:
            later = None if in_force is None else _score(scored, records, in_force, day)
        except ScoreIncomplete:
            later = None
    return ProvenScore(as_of, card_hash, card, found, _remark(card, scored.known, as_of), last, later)


def _in_force(known: Collection[Scorecard], card: Scorecard, day: int) -> Scorecard | None:
    """The card of that day, of those known; of two of one day, the one that the score is by, or none."""
    days = [each.effective_on for each in known]
    since = max((each for each in days if each <= day), default=min(days))
    found = [each for each in known if each.effective_on == since]
    return card if card in found else found[0] if len(found) == 1 else None


def _remark(card: Scorecard, known: Mapping[bytes, Scorecard], as_of: int) -> str:
    if card.effective_on > as_of:
        return f"the card takes effect on {iso(card.effective_on)}, after that day"
    later = [each for each in known.values() if card.effective_on < each.effective_on <= as_of]
    if not later:
        return ""
    since = max(each.effective_on for each in later)
    names = " or ".join(sorted(each.name for each in later if each.effective_on == since))
    return f"not the card in force on that day: {names} is, since {iso(since)}"


def _score(scored: Scored, records: Sequence[Posted], card: Scorecard, as_of: int) -> Score:
    enterprise, shown = scored.subjects[0].enterprise, numbers(each.enterprise for each in scored.subjects)
    missing = [each for each in partners(records, enterprise, as_of) if each not in shown]
    if missing:
        raise ScoreIncomplete(
            f"enterprise {min(missing)} is linked on {iso(as_of)}, and its record is not shown"
        )
    targets = link_targets(records, as_of)
    if enterprise in targets:
        raise ScoreIncomplete(f"on {iso(as_of)} this record follows that of enterprise {targets[enterprise]}")
    members = numbers([enterprise, *(name for name, code in targets.items() if code == enterprise)])
    return compute((each for each in records if each.enterprise in members), card, as_of)


def _card(given: Fields, scored: Scored) -> bytes:
    card = given.hex("card", 32)
    if card not in scored.shown and card not in scored.known:
        given.refuse("card", "not the hash of a card in this file, nor of one that is known")
    return card


def _stated(given: Fields) -> tuple[int, str]:
    milli, grade = given.integer("milli", 0, 100_000), given.text("grade")
    return (milli, grade) if grade in GRADES else given.refuse("grade", "not a grade")


def cards_by_hash(cards: Iterable[Scorecard]) -> dict[bytes, Scorecard]:
    """Return cards by their hash. Two may take effect on one day: those of two ledgers."""
    return {each.hash: each for each in cards}
