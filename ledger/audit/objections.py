"""The rules of objections, checked as facts come: the clock, one open for each record, the right authority.

Source of the rules: the interface of the contract `Objections`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.audit.deviation import Deviation, at_log
from ledger.domain.calendar import day_of, iso
from ledger.domain.facts import OUTCOMES
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ledger.audit.authorities import AuthorityState
    from ledger.domain.facts import AnswerPeriodSet, EnterpriseKeySet, ObjectionAnswered, ObjectionOpened

_NOBODY = "0x" + "00" * 20


@dataclass
class ObjectionState:
    """An objection so far; `outcome` is 0 while it is open."""

    enterprise: int
    record: int
    opened_on: int
    due_on: int
    outcome: int = 0

    @property
    def values(self) -> tuple[int, ...]:
        """The fields in the order of the contract's view."""
        return (self.enterprise, self.record, self.opened_on, self.due_on, self.outcome)


class ObjectionsState:
    """Objections, periods and enterprises' keys so far. Keeps every objection: they are few."""

    def __init__(self) -> None:
        self.objections: dict[int, ObjectionState] = {}
        self._open: dict[tuple[int, int], int] = {}
        self._keys: dict[int, str] = {}
        self._periods: list[tuple[int, int]] = []

    def dump(self) -> list[list[Any]]:
        """Return the state as plain JSON values, for `load`."""
        objections = [[number, *each.values] for number, each in self.objections.items()]
        return [objections, [list(each) for each in self._keys.items()], [list(p) for p in self._periods]]

    @classmethod
    def load(cls, parts: list[list[Any]]) -> ObjectionsState:
        """Take up what `dump` gave. Raises `ValueError` or `TypeError`."""
        state = cls()
        objections, keys, periods = parts
        state.objections = {int(number): ObjectionState(*each) for number, *each in objections}
        state._open = {(o.enterprise, o.record): n for n, o in state.objections.items() if not o.outcome}
        state._keys = {int(enterprise): str(key) for enterprise, key in keys}
        state._periods = [(int(from_), int(days)) for from_, days in periods]
        return state

    def set_key(self, fact: EnterpriseKeySet) -> None:
        """Take the account that speaks for an enterprise."""
        self._keys[fact.enterprise] = fact.key

    def set_period(self, fact: AnswerPeriodSet) -> Iterator[Deviation]:
        """Take a period; yield when it is to hold for days that have passed."""
        today = day_of(fact.at.timestamp)
        if fact.from_ < today or not fact.days:
            found = f"{fact.days} days from {iso(fact.from_)} on"
            yield Deviation("answer period set for the past", at_log(fact.at), f"from {iso(today)} on", found)
        self._periods.append((fact.from_, fact.days))

    def period_on(self, day: int) -> int:
        """Days for an answer to what is opened on that day; 0 before the first period."""
        return next((days for from_, days in reversed(self._periods) if from_ <= day), 0)

    def open(self, fact: ObjectionOpened, authorities: Mapping[int, AuthorityState]) -> Iterator[Deviation]:
        """Take an objection; yield what does not hold about its number, record, opener and last day."""
        where = at_log(fact.at, f"objection {fact.objection}")
        if fact.objection != len(self.objections) + 1:
            expected = str(len(self.objections) + 1)
            yield Deviation("objection out of order", where, expected, str(fact.objection))
        authority, number = split_id(fact.record)
        known = authorities.get(authority)
        if known is None or not 0 < number <= known.count:
            yield Deviation("objection to no record", where, "a record before it", f"{authority}-{number}")
        before = self._open.get((fact.enterprise, fact.record))
        if before is not None:
            yield Deviation("objection already open", where, f"objection {before} answered first", "a second")
        key = self._keys.get(fact.enterprise, _NOBODY)
        if key not in (_NOBODY, fact.by):
            yield Deviation("objection by another", where, key, fact.by)
        today = day_of(fact.at.timestamp)
        due_on = today + self.period_on(today)
        if (fact.opened_on, fact.due_on) != (today, due_on):
            found = f"{iso(fact.opened_on)}, due {iso(fact.due_on)}"
            yield Deviation("objection by another clock", where, f"{iso(today)}, due {iso(due_on)}", found)
        self._open[fact.enterprise, fact.record] = fact.objection
        self.objections[fact.objection] = ObjectionState(
            fact.enterprise, fact.record, fact.opened_on, fact.due_on
        )

    def answer(
        self, fact: ObjectionAnswered, authorities: Mapping[int, AuthorityState]
    ) -> Iterator[Deviation]:
        """Take an answer; yield when there is nothing to answer, or somebody else answers."""
        where = at_log(fact.at, f"objection {fact.objection}")
        state = self.objections.get(fact.objection)
        if state is None or state.outcome or fact.outcome not in OUTCOMES:
            found = f"an answer {fact.outcome}"
            yield Deviation("answer to no open objection", where, "one answer to an open objection", found)
        if state is None:
            return
        known = authorities.get(split_id(state.record)[0])
        if known is None or known.suspended or not known.key_holds(fact.by, fact.at.timestamp):
            expected = f"a key of {known.code}" if known else "a key of the authority"
            yield Deviation("answer by another", where, expected, fact.by)
        state.outcome = fact.outcome
        self._open.pop((state.enterprise, state.record), None)
