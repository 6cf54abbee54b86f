"""What the governor did since set-up, and what one officer wrote while four eyes were off: all for review.

None of it breaks a rule, and each may be what an attacker with the governor's key needed. So every fact is
taken for an act of the governor but those that `OTHERS` do: an event that is added later is listed, unless
somebody says whose it is. Acts on one subject are one line, those of one kind one part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.audit.deviation import Review, show_day, show_record, show_time
from ledger.crypto.typed_data import types_of
from ledger.domain.access_facts import ACCESS, RoleGranted, RoleRevoked
from ledger.domain.facts import (
    AnswerPeriodSet,
    AssessmentPublished,
    AuthorityAdded,
    BatchRecorded,
    CardRegistered,
    EnterpriseKeySet,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    ObjectionAnswered,
    ObjectionOpened,
    Registered,
    Run,
    SignaturesInvalidated,
    SuspensionSet,
    TreeHead,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ledger.audit.access import Expected
    from ledger.audit.authorities import Terms
    from ledger.domain.facts import Fact

#: What authorities, enterprises and the operator do, and what the contracts derive.
OTHERS: Final = (
    Registered,
    BatchRecorded,
    Run,
    TreeHead,
    AssessmentPublished,
    EnterpriseKeySet,
    ObjectionOpened,
    ObjectionAnswered,
    SignaturesInvalidated,
)
#: Parts of one line; beyond these they are counted.
_PARTS: Final = 8
#: The severity of a type that needs two officers, and the first type that is no event: those need them too.
_SERIOUS, _NO_EVENT = 3, 240


class _Act(NamedTuple):
    """What was done: to what, which kind of act it was, and what it said."""

    subject: str
    kind: str
    text: str


class GoverningState:
    """Acts so far. Without `expected` there is nobody whose acts they could be, and none is kept."""

    def __init__(self, expected: Expected | None, severities: Mapping[int, int]) -> None:
        self._expected = expected
        events = sum(1 << number for number, severity in severities.items() if severity == _SERIOUS)
        self._weighty = events | (1 << 256) - (1 << _NO_EVENT)
        #: By subject and kind: how often, the first and the last block, and what was said last.
        self._acts: dict[tuple[str, str], tuple[int, int, int, str]] = {}
        #: Authorities of codes that no file here has, by number.
        self._unknown: dict[int, str] = {}
        #: Authorities whose four eyes were ever on, each with the key of the batch that is open.
        self._four_eyes: dict[int, str] = {}
        #: Weighty records that needed no wallet: by authority and key, how many, the first, the last block.
        self._alone: dict[tuple[int, str], tuple[int, int, int]] = {}

    def take(self, fact: Fact, terms: Terms | None, code: str, *, settled: bool) -> None:
        """Take a fact that is none of `OTHERS`. `terms` and `code` are of its authority before it, if any.

        `settled`: whether the deployer had handed over before it. What every deployment does is no act.
        """
        if isinstance(fact, FourEyesSet) and fact.required:
            self._four_eyes.setdefault(fact.authority, "")
        if self._expected is None:
            return
        if isinstance(fact, AuthorityAdded) and fact.code not in self._expected.authorities:
            self._unknown[fact.authority] = fact.code
        if settled or not self._set_up(fact, terms, code):
            act, block = _act(fact, terms, code, self._expected), fact.at.block_number
            many, first, _, _ = self._acts.pop((act.subject, act.kind), (0, block, block, ""))
            self._acts[act.subject, act.kind] = (many + 1, first, block, act.text)

    def writes(self, fact: BatchRecorded) -> None:
        """Take a batch's header."""
        if fact.authority in self._four_eyes:
            self._four_eyes[fact.authority] = fact.key

    def wrote(self, run: Run, terms: Terms) -> None:
        """Take a run; `terms` are its authority's."""
        if run.authority not in self._four_eyes:
            return
        at = run.at
        free = (self._weighty | terms.weighty_at(at.timestamp)) & ~terms.wallets_at(at.timestamp)
        if not any(free >> kind & 1 for kind in types_of(run.records)):
            return
        count = sum(
            free >> int.from_bytes(run.records[n : n + 2], "big") & 1 for n in range(8, len(run.records), 64)
        )
        key = run.authority, self._four_eyes[run.authority]
        many, first, _ = self._alone.get(key, (0, run.first_id, 0))
        self._alone[key] = (many + count, first, at.block_number)

    def reviews(self, codes: Mapping[int, str], is_wallet: Callable[[str], bool]) -> Iterator[Review]:
        """Yield what is to be looked at; `is_wallet` says whether a key is a contract wallet."""
        if self._unknown:
            shown = [f"{number} {code}" for number, code in self._unknown.items()]
            why = "no file of authorities here has them: whoever holds their keys writes under these names"
            yield Review("authorities that the catalogue does not have", _listed(shown), why)
        for (authority, key), (many, first, block) in self._alone.items():
            if not is_wallet(key):
                where = f"{codes.get(authority, authority)}, up to block {block}"
                records = f"{many} record{'s' * (many > 1)}"
                since = f"from {show_record(first, codes)} on, with four eyes off for them"
                why = f"{records} by the account {key}, {since}"
                yield Review("weighty records by one officer", where, why)
        subjects: dict[str, list[tuple[int, int, int, str]]] = {}
        for (subject, _), told in self._acts.items():
            subjects.setdefault(subject, []).append(told)
        for subject, acts in subjects.items():
            first, last = min(each[1] for each in acts), max(each[2] for each in acts)
            where = f"{subject}, " + (f"block {first}" if first == last else f"blocks {first} to {last}")
            yield Review("acts of the governor", where, _listed([_told(*each) for each in acts]))

    def _set_up(self, fact: Fact, terms: Terms | None, code: str) -> bool:
        """Whether a fact of the set-up is one that every deployment has, or that is judged elsewhere."""
        assert self._expected is not None
        if isinstance(fact, MandateSet):
            return self._expected.authorities.get(code) == (fact.mandate, fact.weighty)
        if isinstance(fact, KeySet):
            return terms is not None and not terms.keys
        return isinstance(fact, (AuthorityAdded, CardRegistered, AnswerPeriodSet, *ACCESS))

    # ------------------------------------------------------------------ kept

    def dump(self) -> list[list[Any]]:
        """Return the state as plain JSON values, for `load`."""
        return [
            [[*key, *told] for key, told in self._acts.items()],
            [[*key, *told] for key, told in self._alone.items()],
            [list(each) for each in self._unknown.items()],
            [list(each) for each in self._four_eyes.items()],
        ]

    def load(self, parts: list[list[Any]]) -> None:
        """Take up what `dump` gave. Raises `ValueError` or `TypeError`."""
        acts, alone, unknown, four_eyes = parts
        self._acts = {
            (str(subject), str(kind)): (int(many), int(first), int(last), str(text))
            for subject, kind, many, first, last, text in acts
        }
        self._alone = {
            (int(authority), str(key)): (int(many), int(first), int(block))
            for authority, key, many, first, block in alone
        }
        self._unknown = {int(number): str(code) for number, code in unknown}
        self._four_eyes = {int(number): str(key) for number, key in four_eyes}


def _act(fact: Fact, terms: Terms | None, code: str, expected: Expected) -> _Act:
    """Say what a fact did; one that nobody has worded says its own fields."""
    kind = type(fact).__name__
    if isinstance(fact, AuthorityAdded):
        return _Act(fact.code, kind, f"added as authority {fact.authority}")
    if isinstance(fact, MandateSet):
        return _Act(code, kind, _mandate(fact, terms))
    if isinstance(fact, KeySet):
        window = f"from {show_time(fact.from_)} until {show_time(fact.until)}"
        return _Act(code, f"{kind} {fact.key}", f"key {fact.key} set, {window}")
    if isinstance(fact, KeyCompromised):
        since = show_time(fact.from_)
        return _Act(code, f"{kind} {fact.key}", f"key {fact.key} declared compromised from {since} on")
    if isinstance(fact, FourEyesSet):
        return _Act(code, f"{kind} {fact.required}", f"four eyes {'on' if fact.required else 'off'}")
    if isinstance(fact, SuspensionSet):
        return _Act(code, f"{kind} {fact.suspended}", "suspended" if fact.suspended else "suspension lifted")
    if isinstance(fact, CardRegistered):
        return _Act(
            "cards", f"{kind} {fact.card.hex()}", f"{fact.card.hex()} from {show_day(fact.effective_on)} on"
        )
    if isinstance(fact, AnswerPeriodSet):
        return _Act("time for answers", kind, f"{fact.days} days from {show_day(fact.from_)} on")
    if isinstance(fact, (RoleGranted, RoleRevoked)):
        role = f"role {expected.roles.get(fact.role, fact.role)}"
        if isinstance(fact, RoleRevoked):
            return _Act(role, f"{kind} {fact.account}", f"taken from {fact.account}")
        given = f"given to {fact.account} with a delay of {fact.delay} s from {show_time(fact.since)} on"
        return _Act(role, f"{kind} {fact.account}", given)
    fields = {name: each.hex() if isinstance(each, bytes) else each for name, each in fact._asdict().items()}
    shown = ", ".join(f"{name.rstrip('_')} {each}" for name, each in fields.items() if name != "at")
    return _Act(code or kind, f"{kind} {shown}", f"{kind}: {shown}")


def _mandate(fact: MandateSet, terms: Terms | None) -> str:
    before, heavy = (terms.mandate_at(fact.from_), terms.weighty_at(fact.from_)) if terms else (0, 0)
    parts = [
        f"{what} type{'s' * (len(types) > 1)} {_listed(types)}"
        for what, types in (
            ("may write", _types(fact.mandate & ~before)),
            ("may no more write", _types(before & ~fact.mandate)),
            ("two officers for", _types(fact.weighty & ~heavy)),
            ("one officer for", _types(heavy & ~fact.weighty & fact.mandate)),
        )
        if types
    ]
    return f"mandate from {show_time(fact.from_)} on: {'; '.join(parts) or 'as it was'}"


def _types(bitmap: int) -> list[str]:
    return [str(number) for number in range(256) if bitmap >> number & 1]


def _told(many: int, first: int, last: int, text: str) -> str:
    if many == 1:
        return f"{text} (block {last})"
    return f"{text} (block {last}, and {many - 1} times since block {first})"


def _listed(parts: list[str]) -> str:
    """The last parts of a list, and how many came before them."""
    before = f"{len(parts) - _PARTS} before; " if len(parts) > _PARTS else ""
    return before + "; ".join(parts[-_PARTS:])
