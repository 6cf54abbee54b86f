"""The rules one run of records must keep, checked against the state before it.

Source of the rules: the interface of `CreditLedger`. The contract enforces most of them, the audit does not
trust that it did; some it leaves to readers: severity is that of the type in the catalogue (0 to 3 for a type
the catalogue does not know), and a lifecycle record is about the same enterprise as the record it refers to.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.deviation import Deviation, at_log, show_record
from ledger.domain.calendar import day_of
from ledger.domain.records import RECORD_BYTES, split_id

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from ledger.audit.authorities import AuthorityState
    from ledger.domain.facts import Place, Run

FIRST_LIFECYCLE = 240
FIRST_LINK = 248
HIGHEST_SEVERITY = 3
MAX_BATCH = 1000

_WORD = struct.Struct(">QHBIIQ5s32x")
_NO_SPARE = bytes(5)


class Referring(NamedTuple):
    """A record that refers: a lifecycle record to another record, a link to another enterprise."""

    id: int
    type: int
    enterprise: int
    decided_on: int
    ref: int


@dataclass(slots=True)
class OpenBatch:
    """A batch whose header has been met and whose runs are arriving."""

    at: Place
    state: AuthorityState
    first_id: int
    count: int
    mandate: int
    today: int  # civil day of the block in Asia/Shanghai
    next_id: int
    last_enterprise: int = 0
    #: The batch's lifecycle records and links so far.
    referring: list[Referring] = field(default_factory=list)

    @classmethod
    def of(cls, at: Place, state: AuthorityState, first_id: int, count: int) -> OpenBatch:
        """A batch at this place, with the mandate held and the day it is there."""
        types = state.types_at(at.timestamp)
        return cls(at, state, first_id, count, types, day_of(at.timestamp), next_id=first_id)


def check_records(
    run: Run,
    batch: OpenBatch,
    registered: Container[int],
    codes: Mapping[int, str],
    severities: Mapping[int, int],
) -> Iterator[Deviation]:
    """Yield what does not hold about each record of the run, and note in the batch those that refer.

    `registered`: the enterprises known so far; `severities`: the catalogue's, by type.
    """
    if not run.records or len(run.records) % RECORD_BYTES:
        yield Deviation(
            "bad record", at_log(run.at), "64 bytes for each record", f"{len(run.records)} bytes in the run"
        )
        return
    enterprise, mandate, today = run.enterprise, batch.mandate, batch.today
    for id_, word in enumerate(_WORD.iter_unpack(run.records), run.first_id):
        about, kind, severity, conduct_on, decided_on, ref, spare = word
        # One condition for the honest record: this line runs for every record of the chain.
        if (
            about != enterprise
            or spare != _NO_SPARE
            or severity > HIGHEST_SEVERITY
            or not conduct_on <= decided_on <= today
            or not mandate >> kind & 1
            or severities.get(kind, severity) != severity
        ):
            where = at_log(run.at, f"record {show_record(id_, codes)}")
            yield from _name_faults(word, where, enterprise, batch)
            if severities.get(kind, severity) != severity:
                expected = f"severity {severities[kind]}, as the catalogue has type {kind}"
                yield Deviation("severity not the catalogue's", where, expected, str(severity))
        if kind >= FIRST_LIFECYCLE:
            batch.referring.append(Referring(id_, kind, about, decided_on, ref))
            where = at_log(run.at, f"record {show_record(id_, codes)}")
            if kind >= FIRST_LINK:
                yield from _check_link(ref, where, enterprise, registered)
            else:
                yield from _check_lifecycle(ref, where, enterprise, batch, codes)
        elif ref:
            where = at_log(run.at, f"record {show_record(id_, codes)}")
            yield Deviation("event with a reference", where, "no reference", str(ref))


def _name_faults(
    word: tuple[int, int, int, int, int, int, bytes], where: str, enterprise: int, batch: OpenBatch
) -> Iterator[Deviation]:
    about, kind, severity, conduct_on, decided_on, _, spare = word
    if about != enterprise:
        yield Deviation("record about another enterprise than its run", where, str(enterprise), str(about))
    if spare != _NO_SPARE:
        yield Deviation("bad record", where, "spare bits zero", spare.hex())
    if severity > HIGHEST_SEVERITY:
        yield Deviation("bad record", where, f"severity 0..{HIGHEST_SEVERITY}", str(severity))
    if conduct_on > decided_on:
        yield Deviation(
            "conduct after decision", where, f"conduct on day {decided_on} or before", f"day {conduct_on}"
        )
    if decided_on > batch.today:
        yield Deviation(
            "decision after its block", where, f"decided on day {batch.today} or before", f"day {decided_on}"
        )
    if not batch.mandate >> kind & 1:
        yield Deviation(
            "type outside the mandate", where, f"a type in the mandate {batch.mandate:#x}", f"type {kind}"
        )


def _check_link(ref: int, where: str, enterprise: int, registered: Container[int]) -> Iterator[Deviation]:
    if ref == enterprise or ref not in registered:
        yield Deviation(
            "link to no other enterprise", where, "another registered enterprise", f"enterprise {ref}"
        )


def _check_lifecycle(
    ref: int, where: str, enterprise: int, batch: OpenBatch, codes: Mapping[int, str]
) -> Iterator[Deviation]:
    state = batch.state
    authority, number = split_id(ref)
    if authority != state.number:
        yield Deviation(
            "refers to another authority's record",
            where,
            f"a record of {state.code}",
            show_record(ref, codes),
        )
    elif ref >= batch.first_id:
        expected = f"a record before {show_record(batch.first_id, codes)}"
        yield Deviation("refers to no earlier record", where, expected, show_record(ref, codes))
    elif (about := state.enterprise_of(number)) == 0:
        yield Deviation(
            "refers to an unknown record", where, "a record on the chain", show_record(ref, codes)
        )
    elif about != enterprise:
        found = f"{show_record(ref, codes)} about enterprise {about}"
        yield Deviation(
            "refers to a record about another enterprise", where, f"enterprise {enterprise}", found
        )
