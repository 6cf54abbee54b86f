"""Facts of the chain as rows of the index's tables. Pure: no database, no node."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ledger.domain import catalogue, facts
from ledger.domain.access_facts import ACCESS
from ledger.domain.records import RECORD_BYTES, Posted, Record, days_of, pack, unpack_run
from ledger.store import index
from ledger.store.types import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Table

Cell: TypeAlias = "int | str | bytes | bool | None"
Row: TypeAlias = tuple[Cell, ...]

#: The lowest type that refers to another record or enterprise: all below are plain events.
_FIRST_REFERRING = catalogue.CORRECTION
_FIRST_LINK = catalogue.LINKED_TO


_DERIVED = (index.blocks, index.days, index.changes)


class Referring(NamedTuple):
    """A lifecycle or link record, and where it stands."""

    record: Posted
    at: facts.Place


class Rows(NamedTuple):
    """What a stretch of the chain adds: rows by table, and the records that may belong in `links`."""

    by_table: dict[Table, list[Row]]
    referring: list[Referring]
    records: int

    @property
    def facts(self) -> int:
        """How many facts there were."""
        return sum(len(rows) for table, rows in self.by_table.items() if table not in _DERIVED)


def rows_of(stretch: Iterable[facts.Fact]) -> Rows:
    """Return the rows of facts given in chain order. Raises `ChainDamaged` if a run cannot be records."""
    by_table: dict[Table, list[Row]] = defaultdict(list)
    runs, blocks, days = by_table[index.runs], by_table[index.blocks], by_table[index.days]
    referring: list[Referring] = []
    records = block = 0
    hash_of_block = b""
    for fact in stretch:
        if isinstance(fact, ACCESS):
            continue  # who may govern is for the audit, which reads it from the chain
        number, block_hash, timestamp, log_index = at = fact.at
        if number != block or block_hash != hash_of_block:
            blocks.append((number, block_hash, timestamp))
            block, hash_of_block = number, block_hash
        if type(fact) is facts.Run:
            _, enterprise, authority, first_id, leaf_index, head, run = fact
            count = len(run) // RECORD_BYTES
            records += count
            runs.append(
                (leaf_index, enterprise, authority, first_id, count, head, run, number, block_hash, log_index)
            )
            days += [(enterprise, day, first_id, number, log_index) for day in sorted(days_of(run))]
            if _refers(run, count):
                found = [
                    each
                    for each in unpack_run(first_id, run)
                    if each.type >= _FIRST_REFERRING and each.ref <= LARGEST
                ]
                referring += [Referring(each, at) for each in found]
                by_table[index.changes] += [
                    (each.id, each.ref, first_id, number, log_index) for each in found if not is_link(each)
                ]
        else:
            table, values = _OTHERS[type(fact)](fact)
            by_table[table].append((*values, number, block_hash, log_index))
    return Rows(by_table, referring, records)


def _refers(run: bytes, count: int) -> bool:
    """Whether a run of `count` records has one that refers, by its types' two bytes, without opening it."""
    if count == 1:
        return run[9] >= _FIRST_REFERRING or run[8] > 0
    return max(run[9::RECORD_BYTES], default=0) >= _FIRST_REFERRING or any(run[8::RECORD_BYTES])


def is_link(record: Posted) -> bool:
    """Whether the record links two enterprises."""
    return record.type >= _FIRST_LINK


def link_row(referring: Referring) -> Row:
    """The row of `links` for a link record, or for a lifecycle record about one."""
    record, at = referring
    other, about = (record.ref, None) if is_link(record) else (None, record.ref)
    packed = pack(Record(*record[1:]))
    return (
        record.id,
        record.enterprise,
        record.type,
        other,
        about,
        packed,
        at.block_number,
        at.block_hash,
        at.log_index,
    )


def _authority(fact: facts.AuthorityAdded) -> tuple[Table, Row]:
    return index.authorities, (fact.authority, fact.code)


def _mandate(fact: facts.MandateSet) -> tuple[Table, Row]:
    types = fact.mandate.to_bytes(32, "big"), fact.weighty.to_bytes(32, "big")
    return index.mandates, (fact.authority, *types, fact.from_.to_bytes(8, "big"))


def _key(fact: facts.KeySet) -> tuple[Table, Row]:
    window = fact.from_.to_bytes(8, "big"), fact.until.to_bytes(8, "big")
    return index.keys, (fact.authority, fact.key, *window)


def _compromise(fact: facts.KeyCompromised) -> tuple[Table, Row]:
    return index.compromises, (fact.authority, fact.key, fact.from_.to_bytes(8, "big"))


def _four_eyes(fact: facts.FourEyesSet) -> tuple[Table, Row]:
    return index.four_eyes, (fact.authority, fact.required)


def _signature_epoch(fact: facts.SignaturesInvalidated) -> tuple[Table, Row]:
    return index.signature_epochs, (fact.authority, fact.epoch.to_bytes(8, "big"))


def _suspension(fact: facts.SuspensionSet) -> tuple[Table, Row]:
    return index.suspensions, (fact.authority, fact.suspended)


def _enterprise(fact: facts.Registered) -> tuple[Table, Row]:
    return index.enterprises, (fact.enterprise, fact.commitment)


def _batch(fact: facts.BatchRecorded) -> tuple[Table, Row]:
    return index.batches, (fact.authority, fact.first_number, fact.count, fact.key)


def _tree_head(fact: facts.TreeHead) -> tuple[Table, Row]:
    return index.tree_heads, (fact.size, fact.root)


def _card(fact: facts.CardRegistered) -> tuple[Table, Row]:
    return index.cards, (fact.card, fact.effective_on)


def _assessment(fact: facts.AssessmentPublished) -> tuple[Table, Row]:
    return index.assessments, fact[1:]


def _answer_period(fact: facts.AnswerPeriodSet) -> tuple[Table, Row]:
    return index.answer_periods, (fact.days, fact.from_)


def _enterprise_key(fact: facts.EnterpriseKeySet) -> tuple[Table, Row]:
    return index.enterprise_keys, (fact.enterprise, fact.key)


def _objection(fact: facts.ObjectionOpened) -> tuple[Table, Row]:
    return index.objections, fact[1:]


def _answer(fact: facts.ObjectionAnswered) -> tuple[Table, Row]:
    return index.answers, fact[1:]


_OTHERS: dict[type[facts.Fact], Callable[..., tuple[Table, Row]]] = {
    facts.AuthorityAdded: _authority,
    facts.MandateSet: _mandate,
    facts.KeySet: _key,
    facts.KeyCompromised: _compromise,
    facts.FourEyesSet: _four_eyes,
    facts.SignaturesInvalidated: _signature_epoch,
    facts.SuspensionSet: _suspension,
    facts.Registered: _enterprise,
    facts.BatchRecorded: _batch,
    facts.TreeHead: _tree_head,
    facts.CardRegistered: _card,
    facts.AssessmentPublished: _assessment,
    facts.AnswerPeriodSet: _answer_period,
    facts.EnterpriseKeySet: _enterprise_key,
    facts.ObjectionOpened: _objection,
    facts.ObjectionAnswered: _answer,
}
