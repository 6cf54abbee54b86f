"""What is in blocks that are to be taken back, by what becomes of it: sent again, done again, or an act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from ledger.chain.logs import read_facts
from ledger.domain.facts import (
    AnswerPeriodSet,
    AssessmentPublished,
    BatchRecorded,
    CardRegistered,
    EnterpriseKeySet,
    ObjectionAnswered,
    ObjectionOpened,
    Registered,
    Run,
    TreeHead,
)
from ledger.domain.records import split_id
from ledger.errors import Conflict
from ledger.store.vault import commands, identities

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.chain.embedded.taking_back import Removed
    from ledger.domain.facts import Fact
    from ledger.workflows.office import Office

#: What needs nobody's doing: what the chain derived, and what the next assessment makes anew.
_DERIVED: Final = (Run, TreeHead)


@dataclass
class Plan:
    """What the blocks hold, by what becomes of it."""

    removed: list[Removed]
    registrations: int = 0
    records: int = 0
    assessments: int = 0
    again: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)


def plan_of(ledger: Office, removed: list[Removed]) -> Plan:
    """Return what these blocks hold. Raises `Conflict` for what this vault could not send again."""
    plan = Plan(removed)
    first, last = removed[0].header.number, removed[-1].header.number
    addresses = ledger.deployment.addresses
    with ledger.db.read_vault() as vault:
        for fact in read_facts(ledger.node, addresses, max(first, ledger.deployment.block), last):
            _sort(vault, plan, fact)
    return plan


def _sort(vault: Connection, plan: Plan, fact: Fact) -> None:
    """Put a fact where it belongs. Raises `Conflict` for what this vault could not send again."""
    if isinstance(fact, Registered):
        ours = vault.scalar(select(identities.c.commitment).where(identities.c.enterprise == fact.enterprise))
        if ours != fact.commitment:
            raise Conflict(_foreign(fact.at.block_number, f"enterprise {fact.enterprise}"))
        plan.registrations += 1
    elif isinstance(fact, BatchRecorded):
        numbers = commands.c.number.between(fact.first_number, fact.first_number + fact.count - 1)
        held = (
            select(func.count()).select_from(commands).where(commands.c.authority == fact.authority, numbers)
        )
        if vault.scalar(held) != fact.count:
            what = f"record {fact.first_number} and following of authority {fact.authority}"
            raise Conflict(_foreign(fact.at.block_number, what))
        plan.records += fact.count
    elif isinstance(fact, AssessmentPublished):
        plan.assessments += 1
    elif (again := _again(fact)) is not None:
        plan.again.append(again)
    elif not isinstance(fact, _DERIVED):
        plan.acts.append(_act(fact))


def _foreign(block: int, what: str) -> str:
    return (
        f"block {block} holds {what}, which this vault does not have and could not send again:"
        " nothing was taken back"
    )


def _again(fact: Fact) -> str | None:
    """Say what somebody must do again who did it by a call of his own."""
    if isinstance(fact, ObjectionOpened):
        authority, number = split_id(fact.record)
        return (
            f"objection {fact.objection}, to record {number} of authority {authority}, by {fact.by}:"
            f" open it again (its statement is kept under {fact.grounds.hex()})"
        )
    if isinstance(fact, ObjectionAnswered):
        return f"the answer to objection {fact.objection}, by {fact.by}: answer it again"
    if isinstance(fact, CardRegistered):
        return f"card {fact.card.hex()}: register it again"
    if isinstance(fact, EnterpriseKeySet):
        return f"the key {fact.key} of enterprise {fact.enterprise}: set it again"
    if isinstance(fact, AnswerPeriodSet):
        return f"the period of {fact.days} days for answers: set it again"
    return None


def _act(fact: Fact) -> str:
    values = {name: value for name, value in fact._asdict().items() if name != "at"}
    shown = ", ".join(
        f"{name.rstrip('_')} {value.hex() if isinstance(value, bytes) else value}"
        for name, value in values.items()
    )
    return f"{type(fact).__name__} in block {fact.at.block_number}: {shown}"
