"""An assessment run: score the enterprises that changed, anchor the root of their scores on the chain.

Each run covers the enterprises whose score or grade differs from the last one published of them, or that were
never published: new records, a window that closed, another card, a link all show in the score itself. Its
tree holds those alone; an enterprise's published score is the one in the latest run that has it. Names linked
to a code are scored under the code.

The run is stored as intent before it is published, under the epoch the chain expects next, and the chain
takes each epoch once. So a run killed at any line is finished, not repeated, by the next.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from sqlalchemy import delete, func, select, update

from ledger.chain.connect import check_clock
from ledger.chain.submitter import Submitter
from ledger.domain.calendar import day_of, iso
from ledger.errors import BadValue, ChainRefused, Conflict
from ledger.index.follower import read_cursor
from ledger.index.queries import counts, heads_root, posted_of, stream_posted
from ledger.outbox.undone import refuse_assessing, still_open
from ledger.scoring.cards import GRADES, card_in_force
from ledger.scoring.roots import Scored, score_root
from ledger.scoring.score import Scorer
from ledger.store.bulk import insert_rows
from ledger.store.vault import assessments, scores
from ledger.workflows.subjects import links_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.records import Posted
    from ledger.scoring.cards import Scorecard
    from ledger.store.database import Database
    from ledger.workflows.office import Office

#: Gas of one `publish`: seven words of storage and an event, with room to spare.
_PUBLISH_GAS: Final = 300_000
_PATIENCE: Final = 60.0


class AssessmentDict(TypedDict):
    """What an assessment did; `epoch` is None if nothing had changed and nothing was published."""

    epoch: int | None
    as_of: str
    card: str
    scored: int
    changed: int
    root: str | None


class _Intent(NamedTuple):
    """One run as the vault stores it."""

    epoch: int
    card: bytes
    as_of: int
    root: bytes
    count: int  # type: ignore[assignment]  # the chain's own name; hides tuple.count
    block: int
    log_size: int
    heads_root: bytes


class _Read(NamedTuple):
    """The state the scores are made from: block, log size and heads root."""

    block: int
    log_size: int
    heads_root: bytes


def assess(
    ledger: Office, as_of: int | None = None, *, clock: Callable[[], float] = time.time
) -> AssessmentDict:
    """Assess all enterprises as of a day, today if none is given, and publish what changed.

    Raises `BadValue` for a day to come, before the last assessment's, or before the first card; `Conflict` if
    another office published the epoch, or an act or card was taken back and not done again; `Busy` while
    another process assesses; `WrongClock` before anything is stored; the submitter's errors.
    """
    today = day_of(int(clock()))
    day = today if as_of is None else as_of
    if day > today:
        raise BadValue("as_of", iso(day), f"in the future: today is {iso(today)}")
    card = card_in_force(ledger.cards, day)
    if card.effective_on > day:
        raise BadValue("as_of", iso(day), f"before the first card takes effect on {iso(card.effective_on)}")
    with ledger.db.lock("assessing", timeout=_PATIENCE):
        check_clock(ledger.node)  # a run stored for a day that is not would be in the way of every later one
        refuse_assessing(still_open(ledger.db, ledger.contracts))
        _finish(ledger)
        ledger.follower.catch_up()
        epoch = ledger.contracts.epoch_count() + 1
        _refuse_earlier(ledger, epoch, day)
        scored, changed, read = _changes(ledger.db, card, day)
        result: AssessmentDict = {
            "epoch": None,
            "as_of": iso(day),
            "card": card.name,
            "scored": scored,
            "changed": len(changed),
            "root": None,
        }
        if changed:
            intent = _Intent(epoch, card.hash, day, score_root(changed), len(changed), *read)
            _store(ledger.db, intent, changed, int(clock()))
            _publish(ledger, intent)
            ledger.follower.catch_up()
            result |= {"epoch": epoch, "root": intent.root.hex()}
    return result


# ---------------------------------------------------------------------- what changed


def _changes(database: Database, card: Scorecard, as_of: int) -> tuple[int, list[Scored], _Read]:
    """Return how many enterprises were scored, the scores to publish, and the state they rest on."""
    changed: list[Scored] = []
    scored = 0
    with database.read_index() as index, database.read_vault() as vault:
        block = read_cursor(index)
        read = _Read(block.number if block else 0, counts(index).runs, heads_root(index))
        published = _Published(vault)
        scorer = Scorer(card, as_of)
        for enterprise, posted in _records(index, links_on(index, as_of)):
            found = scorer.score(posted)
            scored += 1
            if published.of(enterprise) != (found.milli, GRADES[found.grade]):
                changed.append(Scored(enterprise, found.milli, found.grade))
    return scored, changed, read


def _records(index: Connection, targets: Mapping[int, int]) -> Iterator[tuple[int, list[Posted]]]:
    """Yield every enterprise with all records that count as its own, ascending; a linked name is left out."""
    of_names: dict[int, list[Posted]] = defaultdict(list)
    for each in posted_of(index, list(targets)):
        of_names[targets[each.enterprise]].append(each)
    for enterprise, posted in stream_posted(index):
        if enterprise not in targets:
            yield enterprise, [*posted, *of_names.get(enterprise, ())]


class _Published:
    """The last published score of each enterprise, asked for in ascending order."""

    def __init__(self, vault: Connection) -> None:
        last = select(scores.c.enterprise, func.max(scores.c.epoch).label("epoch")).group_by(
            scores.c.enterprise
        )
        latest = last.subquery()
        chosen = select(scores.c.enterprise, scores.c.milli, scores.c.grade).join(
            latest, (scores.c.enterprise == latest.c.enterprise) & (scores.c.epoch == latest.c.epoch)
        )
        ordered = chosen.order_by(scores.c.enterprise)
        self._rows = iter(vault.execute(ordered, execution_options={"yield_per": 2000}))
        self._next = next(self._rows, None)

    def of(self, enterprise: int) -> tuple[int, int] | None:
        """Return (milli-score, grade number), or None if never published."""
        while self._next is not None and self._next[0] < enterprise:
            self._next = next(self._rows, None)
        if self._next is None or self._next[0] != enterprise:
            return None
        return self._next[1], self._next[2]


# ---------------------------------------------------------------------- intent, chain, intent fulfilled


def _finish(ledger: Office) -> None:
    """Bring earlier runs of this vault and the chain together: publish what it lacks, note what it has."""
    on_chain = ledger.contracts.epoch_count()
    with ledger.db.read_vault() as vault:
        columns = (assessments.c[name] for name in (*_Intent._fields, "anchored"))
        rows = vault.execute(select(*columns).order_by(assessments.c.epoch)).all()
    for *fields, anchored in rows:
        intent = _Intent(*fields)
        if intent.epoch > on_chain:
            _publish(ledger, intent)
        elif not anchored:
            _settle(ledger, intent)


def _publish(ledger: Office, intent: _Intent) -> None:
    submitter = Submitter(ledger.contracts.node, ledger.keystore, "operator")
    call = ledger.contracts.publish(*intent)
    try:
        # The sender uses the same key: one of the two at a time, so that they do not take the same nonce.
        with ledger.db.lock("sender", timeout=_PATIENCE):
            submitter.execute(call, _PUBLISH_GAS)
    except ChainRefused:
        # A copy sent before a crash may have been mined meanwhile. Anything else is as it says, and asking
        # again would be refused again: the next run is made anew.
        if ledger.contracts.epoch_count() < intent.epoch:
            with ledger.db.write_vault() as vault:
                _forget(vault, intent.epoch)
            raise
    _settle(ledger, intent)


def _settle(ledger: Office, intent: _Intent) -> None:
    """Note that a run is anchored; drop one whose epoch holds another's, which can then never be anchored."""
    ours = ledger.contracts.assessment(intent.epoch) == intent[1:]
    with ledger.db.write_vault() as vault:
        this = assessments.c.epoch == intent.epoch
        if ours:
            vault.execute(update(assessments).where(this).values(anchored=True))
        else:
            _forget(vault, intent.epoch)
    if not ours:
        raise Conflict(f"assessment {intent.epoch} on the chain is another office's; assess again")


def _forget(vault: Connection, epoch: int) -> None:
    vault.execute(delete(scores).where(scores.c.epoch == epoch))
    vault.execute(delete(assessments).where(assessments.c.epoch == epoch))


def _store(database: Database, intent: _Intent, changed: Sequence[Scored], created_at: int) -> None:
    with database.write_vault() as vault:
        insert_rows(vault, assessments, [(*intent, created_at, False)])
        rows = [(intent.epoch, each.enterprise, each.milli, GRADES[each.grade]) for each in changed]
        insert_rows(vault, scores, rows)


def _refuse_earlier(ledger: Office, epoch: int, day: int) -> None:
    if epoch > 1:
        last = ledger.contracts.assessment(epoch - 1)[1]
        if day < last:
            raise BadValue("as_of", iso(day), f"before the last assessment, as of {iso(last)}")
