"""The objections in an evidence file: the whole chain of one enterprise's, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ledger.audit.forms import place_of, read_address, read_day, read_record
from ledger.audit.upheld import CHANGES, UPHELD, Change, carried_out
from ledger.crypto.statement import NO_CHAIN, next_chain
from ledger.domain.calendar import day_of, iso
from ledger.domain.facts import OUTCOMES, ObjectionAnswered, ObjectionOpened, Place
from ledger.domain.records import split_id
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import ShownRun

_U64 = 2**64 - 1


class ObjectionsUnfit(BadProof):
    """The objections cannot be those of one enterprise in the order the chain took them."""

    code = "objections-unfit"


class ShownObjection(NamedTuple):
    """An objection: what it is about, its days, and its answer (None while it is open).

    `carried_out` says, of one that was upheld, whether the record was changed in answer (see `upheld`). It is
    None for others, and where the record is another's, so that it is not shown here.
    """

    opened: ObjectionOpened
    answered: ObjectionAnswered | None
    carried_out: bool | None

    @property
    def outcome(self) -> str:
        """The answer in a word."""
        return "open" if self.answered is None else OUTCOMES[self.answered.outcome]

    @property
    def upheld(self) -> bool:
        """Whether the authority is to change its record."""
        return self.answered is not None and self.answered.outcome in UPHELD


def read_objections(
    entries: Iterable[Fields], enterprise: int, runs: Sequence[ShownRun]
) -> tuple[tuple[ShownObjection, ...], bytes]:
    """Return the enterprise's objections, and the chain they make. Raises `ObjectionsUnfit`, `Malformed`."""
    opened: dict[int, ObjectionOpened] = {}
    answers: dict[int, ObjectionAnswered] = {}
    chain, last = NO_CHAIN, (-1, -1)
    for entry in entries:
        fact = _fact(entry, enterprise)
        place = (fact.at.block_number, fact.at.log_index)
        if place <= last:
            raise ObjectionsUnfit(f"enterprise {enterprise}: objections are not in chain order")
        last, chain = place, next_chain(chain, fact)
        if isinstance(fact, ObjectionOpened):
            _check_opened(fact, opened, answers)
            opened[fact.objection] = fact
        elif fact.objection not in opened or fact.objection in answers:
            raise ObjectionsUnfit(f"objection {fact.objection} is answered, and was not open")
        else:
            answers[fact.objection] = fact
    changes = _changes(runs) if opened else {}
    return tuple(_shown(each, answers.get(number), changes) for number, each in opened.items()), chain


def _check_opened(
    fact: ObjectionOpened, opened: Mapping[int, ObjectionOpened], answers: Collection[int]
) -> None:
    number = fact.objection
    if number <= max(opened, default=0):
        raise ObjectionsUnfit(f"objection {number} comes after objection {max(opened)}")
    if fact.opened_on != day_of(fact.at.timestamp):
        today = iso(day_of(fact.at.timestamp))
        raise ObjectionsUnfit(f"objection {number} is opened on {today}, and says {iso(fact.opened_on)}")
    before = [each for each, other in opened.items() if other.record == fact.record and each not in answers]
    if before:
        raise ObjectionsUnfit(f"objection {number} is opened while objection {before[0]} is open")


#: Of each record of a subject: how it was changed, and where that stands (None: the file does not say).
_Changes: TypeAlias = "dict[int, list[tuple[Change, tuple[int, int] | None]]]"


def _changes(runs: Sequence[ShownRun]) -> _Changes:
    found: _Changes = {record.id: [] for run in runs for record in run.records}
    for run in runs:
        place = run.at and (run.at.block, run.at.log)
        for each in run.records:
            if each.type in CHANGES and each.ref in found and split_id(each.id)[0] == split_id(each.ref)[0]:
                found[each.ref].append((Change(each.decided_on, each.id, each.type), place))
    return found


def _shown(opened: ObjectionOpened, answered: ObjectionAnswered | None, changes: _Changes) -> ShownObjection:
    shown = ShownObjection(opened, answered, None)
    if not shown.upheld or opened.record not in changes:
        return shown
    after = (opened.at.block_number, opened.at.log_index)
    # The day is proven. The place is the file's word, which decides for a change of the very same day alone.
    since = [each for each, place in changes[opened.record] if place is None or place > after]
    return shown._replace(carried_out=carried_out(opened.opened_on, since))


def _fact(entry: Fields, enterprise: int) -> ObjectionOpened | ObjectionAnswered:
    block, log, time = place_of(entry)
    at, number, by = (
        Place(block, b"", time, log),
        entry.integer("objection", 1, _U64),
        read_address(entry, "by"),
    )
    fact: ObjectionOpened | ObjectionAnswered
    if entry.has("outcome"):
        outcome = entry.integer("outcome", min(OUTCOMES), max(OUTCOMES))
        fact = ObjectionAnswered(at, number, by, outcome, entry.hex("answer", 32))
    else:
        record, opened_on, due_on = (
            read_record(entry, "record"),
            read_day(entry, "opened_on"),
            read_day(entry, "due_on"),
        )
        fact = ObjectionOpened(
            at, number, enterprise, record, by, opened_on, due_on, entry.hex("grounds", 32)
        )
        if due_on < opened_on:
            entry.refuse("due_on", f"before {iso(opened_on)}")
    entry.done()
    return fact
