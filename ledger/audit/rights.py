"""Who might write what, when: rule 6 of `verifier`.

An evidence file may carry what the chain said of each authority that wrote (mandates, keys, compromised keys,
suspensions),
and of each run where it stands, at what time, and by which key. Runs and these events, merged in chain order,
must agree as they do in `replay`: not suspended, the key in its window, every type in the mandate of that
time, no decision from the future.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.authorities import AuthorityState
from ledger.domain.calendar import day_of, iso
from ledger.domain.records import split_id
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import RunPlace, ShownRun, Subject

_U64 = 2**64 - 1
_EVENT_PLACE = re.compile(r"(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


class NotAuthorised(BadProof):
    """A record was written without the right to, by what the file says of its authority."""

    code = "not-authorised"


class _Event(NamedTuple):
    """What the chain said of an authority: a mandate, a key's window, a key compromised, or suspended."""

    block: int
    log: int
    mandate: tuple[int, int] | None = None
    key: tuple[str, int, int] | None = None
    suspended: bool | None = None
    compromised: tuple[str, int] | None = None


class ShownAuthority(NamedTuple):
    """An authority's number, code, and history in chain order; `keys` are its addresses as first named."""

    number: int
    code: str
    events: tuple[_Event, ...]
    keys: tuple[str, ...]


def read_authorities(entries: Iterable[Fields]) -> dict[int, ShownAuthority]:
    """Read `authorities`; by number."""
    found: dict[int, ShownAuthority] = {}
    for entry in entries:
        number, code = entry.integer("authority", 1, 2**16 - 1), entry.text("code")
        events = tuple(_event(each) for each in entry.entries("events"))
        if number in found or any(a[:2] >= b[:2] for a, b in pairwise(events)):
            entry.refuse("events", "not in chain order, or of an authority given before")
        entry.done()
        keys = tuple(dict.fromkeys(each.key[0] for each in events if each.key))
        found[number] = ShownAuthority(number, code, events, keys)
    return found


def check_rights(authorities: Mapping[int, ShownAuthority], subjects: Sequence[Subject]) -> None:
    """Raise `NotAuthorised` at the first run that its authority might not write, or that says no place."""
    runs = [run for subject in subjects for run in subject.runs]
    placed = sorted(((_placed(run), run) for run in runs), key=lambda each: each[0][:2])
    _check_order(placed)
    states = {number: AuthorityState(number, each.code) for number, each in authorities.items()}
    todo = {number: list(each.events) for number, each in authorities.items()}
    for at, run in placed:
        number = split_id(run.records[0].id)[0]
        if number not in states:
            raise NotAuthorised(f"nothing is said of authority {number}, which wrote records here")
        events = todo[number]
        while events and events[0][:2] < at[:2]:
            _apply(states[number], events.pop(0))
        _check_run(states[number], authorities[number].keys, at, run)


def _placed(run: ShownRun) -> RunPlace:
    if run.at is None:
        raise NotAuthorised(f"leaf {run.leaf_index}: the file does not say when it was written")
    return run.at


def _check_order(placed: Sequence[tuple[RunPlace, ShownRun]]) -> None:
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


def _apply(state: AuthorityState, event: _Event) -> None:
    if event.mandate:
        state.set_mandate(*event.mandate)
    if event.key:
        state.keys[event.key[0]] = event.key[1:]
    if event.compromised:
        state.compromised[event.compromised[0]] = event.compromised[1]
    if event.suspended is not None:
        state.suspended = event.suspended


def _check_run(state: AuthorityState, keys: Sequence[str], at: RunPlace, run: ShownRun) -> None:
    where = f"{state.code}, leaf {run.leaf_index}, block {at.block}"
    if state.suspended:
        raise NotAuthorised(f"{where}: the authority was suspended")
    if at.key >= len(keys) or not state.key_holds(keys[at.key], at.time):
        shown = keys[at.key] if at.key < len(keys) else f"key {at.key}"
        raise NotAuthorised(f"{where}: {shown} was no key of this authority at {at.time}")
    mandate = state.mandate_at(at.time)
    for record in run.records:
        if not mandate >> record.type & 1:
            raise NotAuthorised(f"{where}: type {record.type} was outside its mandate")
        if not record.conduct_on <= record.decided_on <= day_of(at.time):
            raise NotAuthorised(f"{where}: decided on {iso(record.decided_on)}, after it was written")


def _address(entry: Fields, name: str) -> str:
    address = entry.text(name)
    if not _ADDRESS.fullmatch(address):
        entry.refuse(name, "not an address in lower case")
    return address


def _event(entry: Fields) -> _Event:
    found = _EVENT_PLACE.fullmatch(entry.text("at"))
    block, log = map(int, found.groups()) if found else entry.refuse("at", "not block-log")
    event = _Event(block, log)
    if entry.has("mandate"):
        mandate = int.from_bytes(entry.hex("mandate", 32), "big")
        event = event._replace(mandate=(mandate, entry.integer("from", 0, _U64)))
    elif entry.has("key"):
        address = _address(entry, "key")
        event = event._replace(key=(address, entry.integer("from", 0, _U64), entry.integer("until", 0, _U64)))
    elif entry.has("compromised"):
        address = _address(entry, "compromised")
        event = event._replace(compromised=(address, entry.integer("from", 0, _U64)))
    else:
        event = event._replace(suspended=bool(entry.integer("suspended", 0, 1)))
    entry.done()
    return event
