"""What was known on a day: only what the chain held by its end counts, whatever day it was decided on.

`as_of` asks what an authority had decided by a day, `known_on` what anybody could have read by another. A
decision posted late is part of the first and not of the second. The day of a record is that of its block, in
Asia/Shanghai.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.domain.calendar import iso, start_of
from ledger.domain.standing import link_targets
from ledger.errors import NotFound
from ledger.index.queries import connected, enterprise_by_index, runs_of
from ledger.outbox.identities import identity_asked, identity_shown
from ledger.store.index import blocks
from ledger.workflows.subjects import Subject, party_keys

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.records import Posted


def subject_known(
    vault: Connection, index: Connection, text: str, as_of: int, known_on: int
) -> tuple[Subject, list[Posted]]:
    """Follow an identifier as of a day by the links known on another; return it with the records known then.

    Raises `BadValue` (no identifier), `NotFound` (an unknown one, or one not registered by then).
    """
    asked = identity_asked(vault, text)
    before = blocks.c.timestamp < start_of(known_on + 1)
    last = index.scalar(select(func.max(blocks.c.number)).where(before)) or 0
    if enterprise_by_index(index, asked.enterprise).at.block_number > last:
        raise NotFound(f"{asked.party_key} was not in the ledger on {iso(known_on)}")
    runs = runs_of(index, connected(index, asked.enterprise))
    posted = [each for run in runs if run.block_number <= last for each in run.posted]
    targets = link_targets(posted, as_of)
    leader = targets.get(asked.enterprise, asked.enterprise)
    members = {leader} | {name for name, code in targets.items() if code == leader}
    found = asked if leader == asked.enterprise else identity_shown(vault, leader)
    others = party_keys(vault, [each for each in members if each != leader])
    subject = Subject(
        asked.party_key,
        found.party_key,
        found.text,
        leader,
        tuple(sorted(members)),
        tuple(sorted(others.values())),
    )
    return subject, [each for each in posted if each.enterprise in members]
