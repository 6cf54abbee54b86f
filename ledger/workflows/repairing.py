"""Bringing vault and chain together again where they went apart, so that the outbox goes on.

Everything that the chain has stands. What this office lacks of it is noted as not held, what it holds is
recognised, and what it has beyond goes to the chain as it always does. Running it again does nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypedDict

from ledger.chain.connect import read_clock
from ledger.index.queries import all_authorities
from ledger.outbox.sightings import forget_orphans
from ledger.outbox.taking_up import take_up
from ledger.outbox.unheld import counted, shown
from ledger.outbox.waiting import date_anew
from ledger.workflows.taking_back import forget_assessments

if TYPE_CHECKING:
    from ledger.workflows.office import Office

_PATIENCE: Final = 60.0


class RepairDict(TypedDict):
    """What a repair took up: counts, and `not_held`, sentences that name the numbers.

    `renumbered`: firms that wait for another number than they had here, since the chain gave theirs away.
    `recognised`: records on the chain that this vault had as waiting. `assessments`: runs dropped that the
    chain does not have. `dated_anew`: calls accepted by a clock that was ahead, counted from now on.
    `changed`: records whose batch this vault was changed in, named; it is as the chain has it again.
    """

    enterprises: int
    records: int
    recognised: int
    renumbered: int
    assessments: int
    dated_anew: int
    not_held: list[str]
    changed: list[str]


def repair(ledger: Office) -> RepairDict:
    """Take up what the chain has and this vault does not; send nothing yet.

    Raises `Conflict` where the vault itself was changed, `Busy`, and what following raises.
    """
    ledger.follower.catch_up()
    with ledger.db.lock("sender", timeout=_PATIENCE):
        forget_orphans(ledger.db, ledger.node)
        ledger.follower.catch_up()
        with ledger.db.read_index() as index, ledger.db.write_vault() as vault:
            taken = take_up(vault, index, int(time.time()))
            now = read_clock(ledger.node)
            dated = 0 if now.fault else date_anew(vault, now.now)
            codes = {each.authority: each.code for each in all_authorities(index)}
        dropped = forget_assessments(ledger, anchored=True)
    return {
        "enterprises": counted(taken.enterprises),
        "records": counted(taken.records),
        "recognised": taken.recognised,
        "renumbered": len(taken.renumbered),
        "assessments": dropped,
        "dated_anew": dated,
        "not_held": [
            *(f"identity not held: {shown(each)}" for each in taken.enterprises),
            *(f"document not held: {shown(each, codes)}" for each in taken.records),
        ],
        "changed": [shown(each, codes) for each in taken.changed],
    }
