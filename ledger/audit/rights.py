"""Who might write what, when: rule 6 of `verifier`.

An evidence file carries the whole chain of what was said of each authority that wrote: mandates, keys, keys
declared compromised, four eyes, invalidated signatures, suspensions. Under a signed root (see
`crypto.statement`) none of it can be missing. Of each run it says where it stands, at what time, and by which
key it was written: that is the file's own word. Both, merged in chain order, must agree as they do in
`replay`, by the same `Terms`: not suspended, the key in its window, every type in the mandate of that time,
no decision from the future; and each objection answered by a key of the record's authority.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.authorities import Terms
from ledger.audit.forms import place_of, read_address
from ledger.audit.plain import is_code
from ledger.crypto.statement import NO_CHAIN, next_chain
from ledger.domain.calendar import day_of, iso
from ledger.domain.facts import (
    AuthorityAdded,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    Place,
    SignaturesInvalidated,
    SuspensionSet,
)
from ledger.domain.numbered import Numbered
from ledger.domain.records import split_id
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.audit.objected import ShownObjection
    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import RunPlace, ShownRun, Subject
    from ledger.crypto.statement import AuthorityFact

_U64 = 2**64 - 1


class NotAuthorised(BadProof):
    """A record was written without the right to, by what the file says of its authority."""

    code = "not-authorised"


class ShownAuthority(NamedTuple):
    """An authority's number, code, facts in chain order and the chain they make; `keys` as first named.

    `suspended` and `four_eyes` are as of the file's block.
    """

    number: int
    code: str
    facts: tuple[AuthorityFact, ...]
    chain: bytes
    keys: tuple[str, ...]
    suspended: bool
    four_eyes: bool


class RunRight(NamedTuple):
    """By what right a run was written: the key, and the authority's signature epoch then.

    `compromised_from` is since when the key is declared to have been in wrong hands, if the run was written
    after that; `four_eyes` whether a type in it needed a contract wallet then.
    """

    key: str
    epoch: int
    compromised_from: int | None
    four_eyes: bool


def read_authorities(entries: Iterable[Fields], block: int) -> dict[int, ShownAuthority]:
    """Read the authorities shown, by number; `block` is the last a fact may stand in."""
    found: dict[int, ShownAuthority] = {}
    codes: set[str] = set()
    for entry in entries:
        number = entry.integer("authority", 1, 2**16 - 1)
        facts = tuple(_fact(each, number) for each in entry.entries("events"))
        places = [each.at[0:1] + each.at[3:4] for each in facts]
        if number in found or any(one >= other for one, other in pairwise(places)):
            entry.refuse("events", "not in chain order, or of an authority given before")
        if not facts or not isinstance(facts[0], AuthorityAdded) or facts[-1].at.block_number > block:
            entry.refuse("events", "does not begin with its code, or goes beyond the block")
        code = facts[0].code
        if code in codes or any(isinstance(each, AuthorityAdded) for each in facts[1:]):
            entry.refuse("events", "a second code, or one that another one has")
        entry.done()
        codes.add(code)
        found[number] = _shown(number, code, facts)
    return found


def _shown(number: int, code: str, facts: tuple[AuthorityFact, ...]) -> ShownAuthority:
    chain, terms = NO_CHAIN, Terms()
    for fact in facts:
        chain = next_chain(chain, fact)
        terms.take(fact)
    return ShownAuthority(number, code, facts, chain, tuple(terms.keys), terms.suspended, terms.four_eyes)


class _Walk:
    """What was said of the authorities shown, up to one place after another in chain order."""

    def __init__(self, authorities: Mapping[int, ShownAuthority]) -> None:
        self._terms = {number: Terms() for number in authorities}
        self._left = {number: iter(each.facts) for number, each in authorities.items()}
        self._next = {number: next(facts, None) for number, facts in self._left.items()}
        self._told_at = dict.fromkeys(authorities, 0)

    def upto(self, number: int, place: tuple[int, int], time: int) -> Terms | None:
        """The authority's terms there; None where `time` does not fit that of what was said around it."""
        fact = self._next[number]
        while fact is not None and (fact.at.block_number, fact.at.log_index) < place:
            self._terms[number].take(fact)
            self._told_at[number] = fact.at.timestamp
            fact = next(self._left[number], None)
        self._next[number] = fact
        fits = self._told_at[number] <= time and (fact is None or time <= fact.at.timestamp)
        return self._terms[number] if fits else None


def check_rights(
    authorities: Mapping[int, ShownAuthority], subjects: Sequence[Subject], block: tuple[int, int]
) -> Mapping[int, RunRight]:
    """Return by what right each run was written, by leaf index. `block` is the file's number and time.

    Raises `NotAuthorised` at the first run that its authority might not write, or that says no place.
    """
    runs = [run for subject in subjects for run in subject.runs]
    placed = sorted(((_placed(run), run) for run in runs), key=lambda each: each[0][:2])
    _check_order(placed, block)
    walk, found = _Walk(authorities), Numbered[RunRight]()
    for at, run in placed:
        number = split_id(run.records[0].id)[0]
        if number not in authorities:
            raise NotAuthorised(f"nothing is said of authority {number}, which wrote records here")
        terms = walk.upto(number, at[:2], at.time)
        if terms is None:
            raise NotAuthorised(f"leaf {run.leaf_index}: its time does not fit what was said around it")
        found[run.leaf_index] = _check_run(terms, authorities[number], at, run)
    return _with_compromises(found, placed, authorities)


def check_answers(
    authorities: Mapping[int, ShownAuthority], subjects: Sequence[Subject]
) -> tuple[Subject, ...]:
    """Return the subjects, with each answer marked that a key later declared compromised gave.

    An answer about a record of an authority that is not shown stays unchecked. Raises `NotAuthorised` for one
    by another than a key of the record's authority.
    """
    walk, since, marked = _Walk(authorities), _compromises(authorities), Numbered[int | None]()
    given = [(o.answered, o) for each in subjects for o in each.objections if o.answered is not None]
    for answer, shown in sorted(given, key=lambda each: each[0].at[0:1] + each[0].at[3:4]):
        at, by, number = answer.at, answer.by, split_id(shown.opened.record)[0]
        if number not in authorities:
            continue
        terms = walk.upto(number, (at.block_number, at.log_index), at.timestamp)
        if terms is None or not terms.may_answer(by, at.timestamp):
            code = authorities[number].code
            raise NotAuthorised(f"objection {answer.objection}: answered by {by}, which was no key of {code}")
        from_ = since.get((number, by))
        lost = from_ if from_ is not None and from_ <= at.timestamp else None
        marked[answer.objection] = lost
    return tuple(
        each._replace(objections=tuple(_marked(one, marked) for one in each.objections)) for each in subjects
    )


def _marked(shown: ShownObjection, marked: Mapping[int, int | None]) -> ShownObjection:
    number = shown.opened.objection
    if number not in marked:
        return shown
    return shown._replace(compromised_from=marked[number], answer_checked=True)


def _compromises(authorities: Mapping[int, ShownAuthority]) -> dict[tuple[int, str], int]:
    """Since when each key of an authority is declared to have been in wrong hands."""
    return {
        (number, fact.key): fact.from_
        for number, each in authorities.items()
        for fact in each.facts
        if isinstance(fact, KeyCompromised)
    }


def _with_compromises(
    found: Numbered[RunRight],
    placed: Sequence[tuple[RunPlace, ShownRun]],
    authorities: Mapping[int, ShownAuthority],
) -> Mapping[int, RunRight]:
    """Mark what was written by keys later declared compromised from before."""
    since = _compromises(authorities)
    for at, run in placed:
        right = found[run.leaf_index]
        from_ = since.get((split_id(run.records[0].id)[0], right.key))
        if from_ is not None and from_ <= at.time:
            found[run.leaf_index] = right._replace(compromised_from=from_)
    return found


def _placed(run: ShownRun) -> RunPlace:
    if run.at is None:
        raise NotAuthorised(f"leaf {run.leaf_index}: the file does not say when it was written")
    return run.at


def _check_order(placed: Sequence[tuple[RunPlace, ShownRun]], block: tuple[int, int]) -> None:
    for (at, run), (later, after) in pairwise(placed):
        same_block = at.block == later.block
        if (
            at[:2] == later[:2]
            or later.time < at.time
            or (same_block and at.time != later.time)
            or after.leaf_index <= run.leaf_index
        ):
            raise NotAuthorised(
                f"leaves {run.leaf_index} and {after.leaf_index} cannot be where they are said to be"
            )
    if placed:
        at, run = placed[-1]
        if at.block > block[0] or at.time > block[1]:
            raise NotAuthorised(f"leaf {run.leaf_index} is said to be written after the file's block")


def _check_run(terms: Terms, authority: ShownAuthority, at: RunPlace, run: ShownRun) -> RunRight:
    where, keys = f"{authority.code}, leaf {run.leaf_index}, block {at.block}", authority.keys
    if terms.suspended:
        raise NotAuthorised(f"{where}: the authority was suspended")
    if at.key >= len(keys) or not terms.key_holds(keys[at.key], at.time):
        shown = keys[at.key] if at.key < len(keys) else f"key {at.key}"
        raise NotAuthorised(f"{where}: {shown} was no key of this authority at {at.time}")
    types, wallets = terms.types_at(at.time), terms.wallets_at(at.time)
    for record in run.records:
        if not types >> record.type & 1:
            raise NotAuthorised(f"{where}: type {record.type} was outside its mandate")
        if not record.conduct_on <= record.decided_on <= day_of(at.time):
            raise NotAuthorised(f"{where}: decided on {iso(record.decided_on)}, after it was written")
    four_eyes = any(wallets >> record.type & 1 for record in run.records)
    return RunRight(keys[at.key], terms.epoch, None, four_eyes)


def _fact(entry: Fields, number: int) -> AuthorityFact:
    block, log, time = place_of(entry)
    fact = _said(entry, Place(block, b"", time, log), number)
    entry.done()
    return fact


def _said(entry: Fields, at: Place, number: int) -> AuthorityFact:
    if entry.has("code"):
        code = entry.text("code")
        return AuthorityAdded(
            at, number, code if is_code(code) else entry.refuse("code", "a code that no authority can have")
        )
    if entry.has("mandate"):
        mandate, weighty = (int.from_bytes(entry.hex(key, 32), "big") for key in ("mandate", "weighty"))
        return MandateSet(at, number, mandate, weighty, entry.integer("from", 0, _U64))
    if entry.has("key"):
        key, since = read_address(entry, "key"), entry.integer("from", 0, _U64)
        return KeySet(at, number, key, since, entry.integer("until", 0, _U64))
    if entry.has("compromised"):
        return KeyCompromised(at, number, read_address(entry, "compromised"), entry.integer("from", 0, _U64))
    if entry.has("four_eyes"):
        return FourEyesSet(at, number, bool(entry.integer("four_eyes", 0, 1)))
    if entry.has("epoch"):
        return SignaturesInvalidated(at, number, entry.integer("epoch", 0, _U64))
    return SuspensionSet(at, number, bool(entry.integer("suspended", 0, 1)))
