"""The objections in an evidence file: the whole chain of one enterprise's, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.forms import place_of, read_address, read_day, read_record
from ledger.crypto.statement import NO_CHAIN, next_chain
from ledger.domain.calendar import iso
from ledger.domain.facts import OUTCOMES, ObjectionAnswered, ObjectionOpened, Place
from ledger.domain.standing import standing
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.audit.strict_json import Fields
    from ledger.domain.records import Posted

_U64 = 2**64 - 1
_REJECTED = 3
_UNDONE = ("corrected", "revoked")


class ObjectionsUnfit(BadProof):
    """The objections cannot be those of one enterprise in the order the chain took them."""

    code = "objections-unfit"


class ShownObjection(NamedTuple):
    """An objection: what it is about, its days, and its answer (None while it is open).

    `carried_out` says, of one that was upheld, whether the record was corrected or revoked; else None.
    """

    opened: ObjectionOpened
    answered: ObjectionAnswered | None
    carried_out: bool | None

    @property
    def outcome(self) -> str:
        """The answer in a word."""
        return "open" if self.answered is None else OUTCOMES[self.answered.outcome]


def read_objections(
    entries: Iterable[Fields], enterprise: int, records: Sequence[Posted]
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
            if fact.objection in opened:
                raise ObjectionsUnfit(f"objection {fact.objection} is opened twice")
            opened[fact.objection] = fact
        elif fact.objection not in opened or fact.objection in answers:
            raise ObjectionsUnfit(f"objection {fact.objection} is answered, and was not open")
        else:
            answers[fact.objection] = fact
    states = standing(records, 2**32).by_id if opened else {}
    undone = {number for number, each in states.items() if each.state in _UNDONE}
    return tuple(_shown(each, answers.get(number), undone) for number, each in opened.items()), chain


def _shown(opened: ObjectionOpened, answered: ObjectionAnswered | None, undone: set[int]) -> ShownObjection:
    upheld = answered is not None and answered.outcome != _REJECTED
    return ShownObjection(opened, answered, opened.record in undone if upheld else None)


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
