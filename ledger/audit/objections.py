"""The rules of objections, checked as facts come: the clock, one open for each record, the right authority.

Source of the rules: the interface of the contract `Objections`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from ledger.audit.deviation import Deviation, NotChecked, Review, at_log, show_record
from ledger.audit.upheld import CHANGES, UPHELD, Change, Changes
from ledger.domain.calendar import day_of, iso
from ledger.domain.facts import OUTCOMES
from ledger.domain.records import split_id
from ledger.domain.standing import can_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ledger.audit.authorities import AuthorityState
    from ledger.audit.runs import Referring
    from ledger.domain.facts import (
        AnswerPeriodSet,
        EnterpriseKeySet,
        KeyCompromised,
        ObjectionAnswered,
        ObjectionOpened,
    )

_NOBODY: Final = "0x" + "00" * 20


@dataclass
class ObjectionState:
    """An objection so far; `outcome` is 0 while it is open."""

    enterprise: int
    record: int
    opened_on: int
    due_on: int
    outcome: int = 0
    #: Who answered, and in which block at which time (Unix seconds).
    answered_by: str = ""
    answered_in: int = 0
    answered_at: int = 0
    #: Whether the authority's four eyes were on then.
    four_eyes: bool = False
    #: Whom the record is about; 0 where there is no such record.
    about: int = 0
    #: How often that record had been changed when the objection was opened.
    changed: int = 0

    @property
    def values(self) -> tuple[int, ...]:
        """The fields in the order of the contract's view."""
        return (self.enterprise, self.record, self.opened_on, self.due_on, self.outcome)


@dataclass
class _Objected:
    """A record that somebody objected to: whom it is about, its type, how it was changed since, in order."""

    about: int
    type: int
    changes: list[Change]


class ObjectionsState:
    """Objections, periods and enterprises' keys so far. Keeps every objection: they are few."""

    def __init__(self) -> None:
        self.objections: dict[int, ObjectionState] = {}
        self._open: dict[tuple[int, int], int] = {}
        self._keys: dict[int, str] = {}
        self._periods: list[tuple[int, int]] = []
        #: The records objected to, by id.
        self._objected: dict[int, _Objected] = {}

    def dump(self) -> list[list[Any]]:
        """Return the state as plain JSON values, for `load`."""
        objections = [[number, *astuple(each)] for number, each in self.objections.items()]
        objected = [[record, *astuple(each)] for record, each in self._objected.items()]
        keys, periods = [list(each) for each in self._keys.items()], [list(each) for each in self._periods]
        return [objections, keys, periods, objected]

    @classmethod
    def load(cls, parts: list[list[Any]]) -> ObjectionsState:
        """Take up what `dump` gave. Raises `ValueError` or `TypeError`."""
        state = cls()
        objections, keys, periods, objected = parts
        state.objections = {int(number): ObjectionState(*each) for number, *each in objections}
        for record, about, kind, changes in objected:
            made = [Change(*each) for each in changes]
            state._objected[int(record)] = _Objected(int(about), int(kind), made)
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
        about, kind = (known.enterprise_of(number), known.type_of(number)) if known else (0, 0)
        changed = len(self._objected.setdefault(fact.record, _Objected(about, kind, [])).changes)
        self.objections[fact.objection] = ObjectionState(
            fact.enterprise, fact.record, fact.opened_on, fact.due_on, about=about, changed=changed
        )

    @staticmethod
    def of_another(
        fact: ObjectionOpened, authorities: Mapping[int, AuthorityState], codes: Mapping[int, str]
    ) -> Iterator[Review]:
        """Yield that an objection is to a record about somebody else: the contract cannot tell."""
        authority, number = split_id(fact.record)
        about = authorities[authority].enterprise_of(number) if authority in authorities else 0
        if about and about != fact.enterprise:
            why = f"{show_record(fact.record, codes)} is about enterprise {about}, not {fact.enterprise}"
            where = at_log(fact.at, f"objection {fact.objection}")
            yield Review("objection to the record of another", where, why)

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
        if known is None or not known.may_answer(fact.by, fact.at.timestamp):
            expected = f"a key of {known.code}" if known else "a key of the authority"
            yield Deviation("answer by another", where, expected, fact.by)
        state.outcome = fact.outcome
        state.answered_by, state.answered_in = fact.by, fact.at.block_number
        state.answered_at = fact.at.timestamp
        state.four_eyes = known is not None and known.four_eyes
        self._open.pop((state.enterprise, state.record), None)

    def about(self) -> dict[int, tuple[int, int]]:
        """Return the enterprise and the record of each objection."""
        return {number: (each.enterprise, each.record) for number, each in self.objections.items()}

    def carry_out(self, referring: Iterable[Referring]) -> None:
        """Note which of the records objected to these change, with an effect."""
        for each in referring:
            found = self._objected.get(each.ref) if each.type in CHANGES else None
            if found is None or split_id(each.id)[0] != split_id(each.ref)[0]:
                continue
            if each.enterprise == found.about and can_change(found.type, each.type):
                found.changes.append(Change(each.decided_on, each.id, each.type))

    def carried_out(self) -> dict[int, bool]:
        """Return, of each objection that was upheld, whether the record was changed in answer to it."""
        made = {
            record: Changes(((at, 0), change) for at, change in enumerate(each.changes))
            for record, each in self._objected.items()
        }
        return {
            number: made[each.record].carry_out(each.opened_on, (each.changed - 1, 0))
            for number, each in self.objections.items()
            if each.outcome in UPHELD
        }

    def outstanding(self, codes: Mapping[int, str]) -> Iterator[NotChecked]:
        """Yield the objections that were upheld, in part or whole, and not carried out (see `upheld`)."""
        for number, done in self.carried_out().items():
            each = self.objections[number]
            if not done:
                where = f"objection {number}, to record {show_record(each.record, codes)}"
                why = (
                    f"{OUTCOMES[each.outcome]} in block {each.answered_in}, and no correction or revocation "
                    f"decided since {iso(each.opened_on)} stands"
                )
                yield NotChecked("answer upheld and not carried out", where, why)

    def by_one_officer(self, is_wallet: Callable[[str], bool]) -> Iterator[Deviation]:
        """Yield the answers by an account where four eyes were on. Source: `IObjections.answer`."""
        for number, each in self.objections.items():
            if each.four_eyes and each.outcome and not is_wallet(each.answered_by):
                where = f"block {each.answered_in}, objection {number}"
                found = f"the account {each.answered_by}"
                yield Deviation("four eyes not kept", where, "a contract wallet as key", found)

    def answered_by(self, fact: KeyCompromised, before: int | None) -> Iterator[Review]:
        """Yield the authority's answers by a key now declared compromised, from the time declared on.

        `before` is the time declared before, if it was: what is later was listed then.
        """
        for number, each in self.objections.items():
            if each.answered_by != fact.key or split_id(each.record)[0] != fact.authority:
                continue
            if each.answered_at >= fact.from_ and (before is None or each.answered_at < before):
                where = f"block {each.answered_in}, objection {number}"
                why = f"answered by {fact.key} at {each.answered_at}, compromised from {fact.from_} on"
                yield Review("answered by a compromised key", where, why)
