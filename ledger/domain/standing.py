"""Which records stand on a day: lifecycle records and links resolved, purely from what was posted.

The rules:

1. A record exists from the day it was decided (`decided_on`). Asking about an earlier day ignores it.
2. A correction (LC01), revocation (LC02) or repair (LC03) ends the event it refers to from its own decision
   day; a reinstatement (LC04) makes the event count again from its own decision day. They take effect in the
   order of their decision day, then of their id; the last word holds.
3. "Who determines, repairs" (NDRC Order 36): only the authority of the event can do this, on the record of
   the same enterprise, and not with a decision older than the event's. Anything else is ignored, and listed.
4. A link is a pair: LK01 on the name's record, and its mirror LK02 on the code's, by the same authority. The
   first LK01 from a name to a code and the first LK02 back are one pair, the second ones another, and so on.
   It counts only while both stand. Either is ended by a revocation only; to link anew, a new pair is written.
5. Of the links in force, taken in the order of rule 2, the first about a name wins, and no link makes a
   chain: a name that others were linked to, and a target that was itself linked, are refused.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ledger.domain.catalogue import CORRECTION, LINKED_FROM, LINKED_TO, REINSTATEMENT, REPAIR, REVOCATION
from ledger.domain.numbered import Numbered, numbers
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.domain.records import Posted

State = Literal["in force", "corrected", "revoked", "repaired", "reinstated"]

_EVENTS: Final = range(1, 240)
_ENDS: Final[dict[int, State]] = {CORRECTION: "corrected", REVOCATION: "revoked", REPAIR: "repaired"}
_LIFECYCLE: Final = frozenset({CORRECTION, REVOCATION, REPAIR, REINSTATEMENT})
_STANDING: Final[frozenset[State]] = frozenset({"in force", "reinstated"})

#: The order records take effect in: decision day, then id.
in_order: Final = itemgetter(5, 0)


class Standing(NamedTuple):
    """How one event or link stands. `since` is the day of that state, `by` the record that made it so."""

    record: Posted
    state: State
    since: int
    by: int | None

    @property
    def stands(self) -> bool:
        """Whether it counts: in force or reinstated."""
        return self.state in _STANDING


class Ignored(NamedTuple):
    """A lifecycle record or link without effect, and why."""

    record: Posted
    reason: str


class Standings(NamedTuple):
    """Every event and link decided by the day, by id in the order of decision, and what was ignored."""

    by_id: Mapping[int, Standing]
    ignored: tuple[Ignored, ...]


class Links(NamedTuple):
    """Which enterprise (a name) is which other (a code), by index, and the links without effect."""

    targets: Mapping[int, int]
    ignored: tuple[Ignored, ...]


def standing(posted: Iterable[Posted], as_of: int) -> Standings:
    """Resolve the lifecycle of records, in any order, of any number of enterprises, as of a day."""
    return resolve(sorted((each for each in posted if each.decided_on <= as_of), key=in_order))


def resolve(known: Sequence[Posted]) -> Standings:
    """Resolve the lifecycle of records that all exist on the day asked about, sorted by `in_order`."""
    by_id = Numbered(
        (each.id, Standing(each, "in force", each.decided_on, None)) for each in known if _can_end(each.type)
    )
    ignored = []
    for each in known:
        if each.type not in _LIFECYCLE:
            continue
        target = by_id.get(each.ref)
        reason = _why_ignored(each, target)
        if reason is None and target is not None:
            state = _ENDS.get(each.type, "reinstated")
            by_id[each.ref] = Standing(target.record, state, each.decided_on, each.id)
        elif reason is not None:
            ignored.append(Ignored(each, reason))
    return Standings(by_id, tuple(ignored))


def resolve_links(posted: Iterable[Posted], as_of: int) -> Links:
    """Resolve links as of a day. `posted` holds the LK01 and LK02 records, and the revocations about them.

    Other records do no harm.
    """
    records = list(posted)
    found, mirrors = standing(records, as_of).by_id, _mirrors(records)
    targets, sources_of = Numbered[int](), numbers(())
    ignored = []
    for each, state, _, _ in found.values():
        if each.type != LINKED_TO or state not in _STANDING:
            continue
        name, code = each.enterprise, each.ref
        mirror = found.get(mirrors.get(each.id, 0))
        reason = None
        if mirror is None or not mirror.stands:
            reason = f"its mirror on the record of enterprise {code} does not stand"
        elif name in targets:
            reason = f"enterprise {name} is already linked to enterprise {targets[name]}"
        elif name == code:
            reason = f"enterprise {name} is linked to itself"
        elif name in sources_of:
            reason = f"enterprise {name} has others linked to it: no chains"
        elif code in targets:
            reason = f"enterprise {code} is itself linked to enterprise {targets[code]}: no chains"
        if reason is None:
            targets[name] = code
            sources_of[code] = None
        else:
            ignored.append(Ignored(each, reason))
    return Links(targets, tuple(ignored))


def link_targets(posted: Iterable[Posted], as_of: int) -> Mapping[int, int]:
    """Return, for each linked enterprise index, the index its records follow (`resolve_links`)."""
    return resolve_links(posted, as_of).targets


def _mirrors(records: Iterable[Posted]) -> Mapping[int, int]:
    """Return, for each LK01 that has one, the id of the LK02 it is a pair with."""
    sides: dict[bytes, tuple[list[int], list[int]]] = {}
    for each in records:
        if each.type in (LINKED_TO, LINKED_FROM):
            is_mirror = each.type == LINKED_FROM
            name, code = (each.ref, each.enterprise) if is_mirror else (each.enterprise, each.ref)
            pair = b"".join(number.to_bytes(8) for number in (split_id(each.id)[0], name, code))
            sides.setdefault(pair, ([], []))[is_mirror].append(each.id)
    pairs = (zip(sorted(links), sorted(mirrors), strict=False) for links, mirrors in sides.values())
    return Numbered((link, mirror) for pair in pairs for link, mirror in pair)


def can_change(target: int, change: int) -> bool:
    """Whether a lifecycle record of type `change` has an effect on any record of type `target`."""
    return change in _LIFECYCLE and (
        target in _EVENTS or (target in (LINKED_TO, LINKED_FROM) and change == REVOCATION)
    )


def _can_end(kind: int) -> bool:
    return can_change(kind, REVOCATION)


def _why_ignored(change: Posted, target: Standing | None) -> str | None:
    """Return why a lifecycle record has no effect on the record it refers to; None if it has."""
    if target is None:
        return "refers to no event or link known on that day"
    record = target.record
    if split_id(change.id)[0] != split_id(record.id)[0]:
        return "refers to a record of another authority"
    if change.enterprise != record.enterprise:
        return "refers to a record of another enterprise"
    if change.decided_on < record.decided_on:
        return "decided before the record it refers to"
    if not can_change(record.type, change.type):
        return "a link can be revoked only"
    if change.type == REINSTATEMENT and target.stands:
        return "nothing to reinstate: the record is in force"
    return None
