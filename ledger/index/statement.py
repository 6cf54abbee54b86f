"""What a checkpoint states beyond the log, from the index as it stands: the facts, and the trees over them.

All of it follows from what the chain's logs said, so a replay gives the same (`crypto.statement`).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from ledger.crypto.heads import genesis_head
from ledger.crypto.statement import StateTrees
from ledger.domain import facts
from ledger.index.queries import heads
from ledger.store import index as tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row, Select, Table

    from ledger.crypto.statement import AuthorityFact, ObjectionFact

_AUTHORITY_TABLES = (
    tables.authorities,
    tables.mandates,
    tables.keys,
    tables.compromises,
    tables.four_eyes,
    tables.signature_epochs,
    tables.suspensions,
)


class Counters(NamedTuple):
    """How far the ledger has come: each is what a checkpoint counts, and none ever falls."""

    log_size: int
    enterprises: int
    authorities: int
    authority_facts: int
    objection_facts: int
    assessments: int


def counters(index: Connection) -> Counters:
    """Count what a checkpoint counts: quick however much there is."""
    leaf, enterprise, authority, epoch = (
        index.scalar(select(func.max(column)))
        for column in (
            tables.runs.c.leaf_index,
            tables.enterprises.c.enterprise,
            tables.authorities.c.authority,
            tables.assessments.c.epoch,
        )
    )
    told = sum(_rows(index, table) for table in _AUTHORITY_TABLES)
    objected = _rows(index, tables.objections) + _rows(index, tables.answers)
    return Counters(
        0 if leaf is None else leaf + 1, enterprise or 0, authority or 0, told, objected, epoch or 0
    )


def read_trees(index: Connection) -> StateTrees:
    """Return the trees of the state the index stands at."""
    trees = StateTrees()
    for enterprise, head in heads(index):
        trees.register(enterprise, head)
    for told in authority_facts(index):
        trees.authority(told)
    for objected in objection_facts(index):
        trees.objection(objected)
    for made in published(index):
        trees.assessment(made)
    return trees


def advance(trees: StateTrees, index: Connection, after: int) -> None:
    """Bring the trees of an earlier state of this chain, that at block `after`, to the index's own."""
    enterprises, runs = tables.enterprises, tables.runs
    made = select(enterprises.c.enterprise, enterprises.c.commitment).where(
        enterprises.c.block_number > after
    )
    for enterprise, commitment in index.execute(made.order_by(enterprises.c.enterprise)):
        trees.register(enterprise, genesis_head(enterprise, commitment))
    moved = select(runs.c.enterprise, runs.c.head).where(runs.c.block_number > after)
    for enterprise, head in index.execute(moved.order_by(runs.c.leaf_index)):
        trees.move_head(enterprise, head)
    for told in authority_facts(index, after=after):
        trees.authority(told)
    for objected in objection_facts(index, after=after):
        trees.objection(objected)
    for found in published(index):
        trees.assessment(found)  # those the trees have already change nothing


def last_block(index: Connection) -> tuple[int, bytes]:
    """Return number and hash of the last block with facts, which stands for all the index says; 0 if none."""
    blocks = tables.blocks
    row = index.execute(select(blocks.c.number, blocks.c.hash).order_by(blocks.c.number.desc()).limit(1))
    return next(((number, block_hash) for number, block_hash in row), (0, b""))


def has_block(index: Connection, number: int, block_hash: bytes) -> bool:
    """Whether the index has this block: then it has all that stood before it."""
    found = index.scalar(select(tables.blocks.c.hash).where(tables.blocks.c.number == number))
    return found == block_hash


def authority_facts(index: Connection, authority: int | None = None, after: int = -1) -> list[AuthorityFact]:
    """Return what the chain said of authorities, of all or of one, after a block, in its order."""
    told = (_told(index, each, authority, after) for each in _AUTHORITY_TABLES)
    return sorted(chain.from_iterable(told), key=_order)


def objection_facts(index: Connection, enterprise: int | None = None, after: int = -1) -> list[ObjectionFact]:
    """Return objections and their answers, of all enterprises or of one, in the order of the chain."""
    opened, answered = tables.objections, tables.answers
    first = _placed(opened).where(opened.c.block_number > after)
    then = _placed(answered).join(opened, opened.c.objection == answered.c.objection)
    then = then.where(answered.c.block_number > after)
    if enterprise is not None:
        first = first.where(opened.c.enterprise == enterprise)
        then = then.where(opened.c.enterprise == enterprise)
    found: list[ObjectionFact] = [
        facts.ObjectionOpened(
            _place(row),
            row.objection,
            row.enterprise,
            row.record,
            row.by,
            row.opened_on,
            row.due_on,
            row.grounds,
        )
        for row in index.execute(first)
    ]
    found += (
        facts.ObjectionAnswered(_place(row), row.objection, row.by, row.outcome, row.answer)
        for row in index.execute(then)
    )
    return sorted(found, key=_order)


def published(index: Connection) -> Iterator[facts.AssessmentPublished]:
    """Yield the assessments on the chain, in order."""
    for row in index.execute(_placed(tables.assessments).order_by(tables.assessments.c.epoch)):
        yield facts.AssessmentPublished(_place(row), *row[:8])


def _rows(index: Connection, table: Table) -> int:
    return index.scalar(select(func.count()).select_from(table)) or 0


def _placed(table: Table) -> Select[Any]:
    """Every row of a table of facts with the time of its block."""
    return select(table, tables.blocks.c.timestamp).join(
        tables.blocks, tables.blocks.c.number == table.c.block_number
    )


def _place(row: Row[Any]) -> facts.Place:
    return facts.Place(row.block_number, row.block_hash, row.timestamp, row.log_index)


def _order(fact: AuthorityFact | ObjectionFact) -> tuple[int, int]:
    return fact.at.block_number, fact.at.log_index


def _told(index: Connection, table: Table, authority: int | None, after: int) -> Iterator[AuthorityFact]:
    chosen = _placed(table).where(table.c.block_number > after)
    if authority is not None:
        chosen = chosen.where(table.c.authority == authority)
    for row in index.execute(chosen):
        yield _authority_fact(table, _place(row), row)


def _authority_fact(table: Table, at: facts.Place, row: Row[Any]) -> AuthorityFact:
    number = row.authority
    if table is tables.authorities:
        return facts.AuthorityAdded(at, number, row.code)
    if table is tables.mandates:
        return facts.MandateSet(at, number, row.mandate, row.weighty, row.valid_from)
    if table is tables.keys:
        return facts.KeySet(at, number, row.key, row.valid_from, row.valid_until)
    if table is tables.compromises:
        return facts.KeyCompromised(at, number, row.key, row.valid_from)
    if table is tables.four_eyes:
        return facts.FourEyesSet(at, number, row.required)
    if table is tables.signature_epochs:
        return facts.SignaturesInvalidated(at, number, row.epoch)
    return facts.SuspensionSet(at, number, row.suspended)
