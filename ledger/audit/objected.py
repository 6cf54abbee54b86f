"""The objections in an evidence file: the whole chain of one enterprise's, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.audit.forms import place_of, read_address, read_day, read_record
from ledger.audit.upheld import CHANGES, UPHELD, Change, Changes
from ledger.crypto.statement import NO_CHAIN, next_chain
from ledger.domain.calendar import day_of, iso
from ledger.domain.facts import OUTCOMES, ObjectionAnswered, ObjectionOpened, Place
from ledger.domain.numbered import Numbered, numbers
from ledger.domain.records import split_id
from ledger.domain.standing import can_change
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import Subject
    from ledger.domain.records import Posted

_U64 = 2**64 - 1
#: Where a change stands whose run says no place: after every objection.
_AT_ANY_PLACE: Final = (2**64, 0)


class ObjectionsUnfit(BadProof):
    """The objections cannot be those of one enterprise in the order the chain took them."""

    code = "objections-unfit"


class ShownObjection(NamedTuple):
    """An objection: what it is about, its days, and its answer (None while it is open).

    `carried_out` says, of one that was upheld, whether the record was changed in answer (see `upheld`). It is
    None for others, and where no subject of the file has the record. `compromised_from` is since when the key
    that answered is declared to have been in wrong hands, if the answer is later; `answer_checked` whether
    the file shows who might answer.
    """

    opened: ObjectionOpened
    answered: ObjectionAnswered | None
    carried_out: bool | None = None
    compromised_from: int | None = None
    answer_checked: bool = False

    @property
    def outcome(self) -> str:
        """The answer in a word."""
        return "open" if self.answered is None else OUTCOMES[self.answered.outcome]

    @property
    def upheld(self) -> bool:
        """Whether the authority is to change its record."""
        return self.answered is not None and self.answered.outcome in UPHELD


def read_objections(entries: Iterable[Fields], enterprise: int) -> tuple[tuple[ShownObjection, ...], bytes]:
    """Return the enterprise's objections, and the chain they make. Raises `ObjectionsUnfit`, `Malformed`."""
    opened, answers = Numbered[ObjectionOpened](), Numbered[ObjectionAnswered]()
    open_about, highest = Numbered[int](), 0
    chain, last = NO_CHAIN, (-1, -1)
    for entry in entries:
        fact = _fact(entry, enterprise)
        place = (fact.at.block_number, fact.at.log_index)
        if place <= last:
            raise ObjectionsUnfit(f"enterprise {enterprise}: objections are not in chain order")
        last, chain = place, next_chain(chain, fact)
        number = fact.objection
        if isinstance(fact, ObjectionOpened):
            _check_opened(fact, highest, open_about.get(fact.record))
            highest, opened[number], open_about[fact.record] = number, fact, number
        elif number not in opened or number in answers:
            raise ObjectionsUnfit(f"objection {number} is answered, and was not open")
        else:
            answers[number] = fact
            del open_about[opened[number].record]
    return tuple(ShownObjection(each, answers.get(number)) for number, each in opened.items()), chain


def _check_opened(fact: ObjectionOpened, highest: int, before: int | None) -> None:
    """`highest` is the last objection's number, `before` that of one to the same record, still open."""
    number = fact.objection
    if number <= highest:
        raise ObjectionsUnfit(f"objection {number} comes after objection {highest}")
    if fact.opened_on != day_of(fact.at.timestamp):
        today = iso(day_of(fact.at.timestamp))
        raise ObjectionsUnfit(f"objection {number} is opened on {today}, and says {iso(fact.opened_on)}")
    if before is not None:
        raise ObjectionsUnfit(f"objection {number} is opened while objection {before} is open")


def carried_out(subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """Return the subjects, with each upheld objection to a record of any of them judged."""
    records = numbers(o.opened.record for each in subjects for o in each.objections if o.upheld)
    if not records:
        return tuple(subjects)
    changes = _changes(subjects, records)
    return tuple(
        each._replace(objections=tuple(_judged(one, changes) for one in each.objections)) for each in subjects
    )


def _judged(shown: ShownObjection, changes: Mapping[int, Changes]) -> ShownObjection:
    opened, about = shown.opened, changes.get(shown.opened.record)
    if about is None or not shown.upheld:
        return shown
    # The day is proven. The place is the file's word, which decides for a change of the very same day alone.
    after = (opened.at.block_number, opened.at.log_index)
    return shown._replace(carried_out=about.carry_out(opened.opened_on, after))


def _changes(subjects: Sequence[Subject], records: Collection[int]) -> Mapping[int, Changes]:
    """How each of these records was changed, of those that are shown."""
    changed = Numbered(
        (each.id, each) for subject in subjects for each in subject.records if each.id in records
    )
    found = Numbered((number, list[tuple[tuple[int, int], Change]]()) for number in changed)
    for run in (run for subject in subjects for run in subject.runs):
        place = (run.at.block, run.at.log) if run.at else _AT_ANY_PLACE
        for each in run.records:
            target = changed.get(each.ref) if each.type in CHANGES else None
            if target is not None and _has_effect(each, target):
                found[each.ref].append((place, Change(each.decided_on, each.id, each.type)))
    return Numbered((number, Changes(each)) for number, each in found.items())


def _has_effect(change: Posted, target: Posted) -> bool:
    return (
        can_change(target.type, change.type)
        and change.enterprise == target.enterprise
        and split_id(change.id)[0] == split_id(target.id)[0]
    )


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
