"""Scores in an evidence file, computed anew: rules 7 and 8 of `verifier`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.strict_json import Malformed
from ledger.crypto.merkle import leaf_hash, verify_inclusion
from ledger.domain.calendar import iso, to_day
from ledger.domain.catalogue import LINKED_FROM
from ledger.domain.standing import link_targets, standing
from ledger.errors import BadProof, BadValue, Misconfigured
from ledger.scoring.cards import GRADES, parse_canonical
from ledger.scoring.roots import score_leaf
from ledger.scoring.score import score as compute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import Subject
    from ledger.domain.records import Posted
    from ledger.scoring.cards import Scorecard
    from ledger.scoring.score import Score


class ScoreDiffers(BadProof):
    """The records and the card give another score than the one stated."""

    code = "score-differs"


class ScoreIncomplete(BadProof):
    """Records that count for the score are not in the file."""

    code = "score-incomplete"


class ProvenScore(NamedTuple):
    """A score that follows from the records shown and the card."""

    as_of: int
    card: Scorecard
    score: Score


class ProvenAssessment(NamedTuple):
    """A published score: under that assessment's root, and what the first `log_size` leaves give."""

    epoch: int
    root: bytes
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    log_size: int
    proven: ProvenScore


def read_cards(entries: Iterable[Fields]) -> dict[bytes, Scorecard]:
    """Read `cards`; by hash."""
    found: dict[bytes, Scorecard] = {}
    for entry in entries:
        text = entry.text("canonical")
        entry.done()
        try:
            card = parse_canonical(text.encode())
        except Misconfigured as error:
            raise Malformed(f"document.cards: {error}") from None
        found[card.hash] = card
    return found


def check_score(given: Fields, cards: Mapping[bytes, Scorecard], subjects: Sequence[Subject]) -> ProvenScore:
    """Return the stated score when it is that of the first subject on its day, from all records shown."""
    as_of, card, stated = _day(given), _card(given, cards), _stated(given)
    given.done()
    records = [record for subject in subjects for record in subject.records]
    found = _score(subjects[0].enterprise, records, {each.enterprise for each in subjects}, card, as_of)
    _compare("the score", as_of, stated, found)
    return ProvenScore(as_of, card, found)


def check_assessment(
    given: Fields, cards: Mapping[bytes, Scorecard], subjects: Sequence[Subject]
) -> ProvenAssessment:
    """Return the published score when it is under the stated root and follows from the log of its time."""
    epoch, root, count = given.integer("epoch", 1), given.hex("root", 32), given.integer("count", 1)
    as_of, card, stated = _day(given), _card(given, cards), _stated(given)
    log_size, index, raw = given.integer("log_size"), given.integer("index"), given.base64("proof")
    given.done()
    if len(raw) % 32:
        raise Malformed("document.assessment.proof: not a whole number of hashes")
    enterprise = subjects[0].enterprise
    leaf = leaf_hash(score_leaf(enterprise, *stated))
    verify_inclusion(leaf, index, count, [raw[i : i + 32] for i in range(0, len(raw), 32)], root)
    runs = [run for subject in subjects for run in subject.runs if run.leaf_index < log_size]
    records = [record for run in runs for record in run.records]
    found = _score(enterprise, records, {each.enterprise for each in subjects}, card, as_of)
    _compare(f"the score of assessment {epoch}", as_of, stated, found)
    return ProvenAssessment(epoch, root, count, log_size, ProvenScore(as_of, card, found))


def linked_from(records: Iterable[Posted], enterprise: int, as_of: int) -> set[int]:
    """Return the names that an enterprise's own record says were linked to it on a day."""
    own = (each for each in records if each.enterprise == enterprise)
    found = standing(own, as_of).by_id.values()
    return {each.record.ref for each in found if each.record.type == LINKED_FROM and each.stands}


def _score(enterprise: int, records: Sequence[Posted], shown: set[int], card: Scorecard, as_of: int) -> Score:
    missing = linked_from(records, enterprise, as_of) - shown
    if missing:
        raise ScoreIncomplete(
            f"enterprise {min(missing)} is linked on {iso(as_of)}, and its record is not shown"
        )
    targets = link_targets(records, as_of)
    if enterprise in targets:
        raise ScoreIncomplete(f"on {iso(as_of)} this record follows that of enterprise {targets[enterprise]}")
    members = {enterprise} | {name for name, code in targets.items() if code == enterprise}
    return compute((each for each in records if each.enterprise in members), card, as_of)


def _compare(what: str, as_of: int, stated: tuple[int, str], found: Score) -> None:
    if stated != (found.milli, found.grade):
        raise ScoreDiffers(
            f"{what} of {iso(as_of)}: the records give {found.milli} {found.grade}, "
            f"the file says {stated[0]} {stated[1]}"
        )


def _day(given: Fields) -> int:
    try:
        return to_day(given.text("as_of"))
    except BadValue as error:
        raise Malformed(f"as_of: {error}") from None


def _card(given: Fields, cards: Mapping[bytes, Scorecard]) -> Scorecard:
    card = cards.get(given.hex("card", 32))
    return card if card is not None else given.refuse("card", "not the hash of a card in this file")


def _stated(given: Fields) -> tuple[int, str]:
    milli, grade = given.integer("milli", 0, 100_000), given.text("grade")
    return (milli, grade) if grade in GRADES else given.refuse("grade", "not a grade")
