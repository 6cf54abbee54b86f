"""What evidence carries beside the record, from index and vault: rights, score, published score.

Everything is read on the snapshots the record is read on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from ledger.audit.evidence import EvidenceAssessment, EvidenceAuthority, EvidenceScore, Written
from ledger.index.statement import authority_facts
from ledger.scoring.cards import GRADES, card_in_force
from ledger.scoring.roots import Scored, score_proof
from ledger.scoring.score import score as score_records
from ledger.store import index as tables
from ledger.store import vault as kept
from ledger.store.bulk import IN_LIST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from ledger.domain.records import Posted
    from ledger.index.queries import RunRow
    from ledger.scoring.cards import Scorecard

_GRADE_OF = {number: grade for grade, number in GRADES.items()}


def written(index: Connection, runs: Sequence[RunRow]) -> dict[int, Written]:
    """Return where each run stands and by which key it was written, by leaf index."""
    numbers = sorted({each.block_number for each in runs})
    times: dict[int, int] = {}
    headers: dict[tuple[int, int], list[tuple[int, str]]] = {}
    batches, blocks = tables.batches, tables.blocks
    for start in range(0, len(numbers), IN_LIST):
        some = numbers[start : start + IN_LIST]
        stamps = index.execute(select(blocks.c.number, blocks.c.timestamp).where(blocks.c.number.in_(some)))
        times.update((number, timestamp) for number, timestamp in stamps)
        columns = (batches.c.block_number, batches.c.authority, batches.c.log_index, batches.c.key)
        for block, authority, log, key in index.execute(
            select(*columns).where(batches.c.block_number.in_(some)).order_by(batches.c.log_index)
        ):
            headers.setdefault((block, authority), []).append((log, key))
    found = {}
    for run in runs:
        before = [key for log, key in headers[run.block_number, run.authority] if log < run.log_index]
        found[run.leaf_index] = Written(run.block_number, run.log_index, times[run.block_number], before[-1])
    return found


def authorities_shown(index: Connection, numbers: Collection[int]) -> list[EvidenceAuthority]:
    """Return all that the chain said of these authorities, in its order."""
    return [EvidenceAuthority(each, authority_facts(index, each)) for each in sorted(numbers)]


def score_shown(posted: Iterable[Posted], cards: Sequence[Scorecard], as_of: int) -> EvidenceScore:
    """Return the score of a day by the card in force on it."""
    card = card_in_force(cards, as_of)
    found = score_records(posted, card, as_of)
    return EvidenceScore(as_of, card, found.milli, found.grade)


class _Latest(NamedTuple):
    """The assessment with an enterprise's latest published score."""

    epoch: int
    card: bytes
    as_of: int
    root: bytes
    log_size: int


def assessment_shown(
    index: Connection,
    vault: Connection,
    cards: Sequence[Scorecard],
    enterprise: int,
    as_of: int,
) -> EvidenceAssessment | None:
    """Return an enterprise's latest score published as of that day or before, with its proof, or None.

    Only assessments count that the index has on the chain as the vault has them, made with a card at hand.
    """
    latest = _latest(vault, enterprise, as_of)
    by_hash = {card.hash: card for card in cards}
    if latest is None or latest.card not in by_hash:
        return None
    known = tables.assessments
    k = known.c
    made = select(k.root, k["count"], k.log_size, k.block, k.heads_root).where(k.epoch == latest.epoch)
    anchored = index.execute(made).one_or_none()
    if anchored is None:
        return None
    root, count, log_size, block, heads_root = anchored
    if (root, log_size) != (latest.root, latest.log_size):
        return None
    columns = (kept.scores.c.enterprise, kept.scores.c.milli, kept.scores.c.grade)
    chosen = select(*columns).where(kept.scores.c.epoch == latest.epoch).order_by(kept.scores.c.enterprise)
    leaves = [Scored(each, milli, _GRADE_OF[grade]) for each, milli, grade in vault.execute(chosen)]
    place, proof = score_proof(leaves, enterprise)
    _, milli, grade = leaves[place]
    score = EvidenceScore(latest.as_of, by_hash[latest.card], milli, grade)
    return EvidenceAssessment(latest.epoch, root, count, log_size, block, heads_root, place, proof, score)


def _latest(vault: Connection, enterprise: int, as_of: int) -> _Latest | None:
    runs, scores = kept.assessments, kept.scores
    row = vault.execute(
        select(*(runs.c[name] for name in _Latest._fields))
        .join(scores, scores.c.epoch == runs.c.epoch)
        .where(scores.c.enterprise == enterprise, runs.c.as_of <= as_of, runs.c.anchored)
        .order_by(runs.c.epoch.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _Latest(*row)
