"""What is in blocks that are to be taken back, by what becomes of it: sent again, done again, or an act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.chain.logs import read_facts
from ledger.domain.facts import AssessmentPublished, BatchRecorded, Registered
from ledger.errors import Conflict
from ledger.outbox.deeds import Deed, deeds
from ledger.store.vault import commands, identities

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.chain.embedded.taking_back import Removed
    from ledger.domain.facts import Fact
    from ledger.workflows.office import Office


@dataclass
class Plan:
    """What the blocks hold, by what becomes of it."""

    removed: list[Removed]
    registrations: int = 0
    records: int = 0
    assessments: int = 0
    undone: list[Deed] = field(default_factory=list)

    @property
    def acts(self) -> list[str]:
        """What records must not be sent without, a sentence each."""
        return [each.said for each in self.undone if each.holds]

    @property
    def again(self) -> list[str]:
        """What else somebody has to do again, a sentence each."""
        return [each.said for each in self.undone if not each.holds]


def plan_of(ledger: Office, removed: list[Removed]) -> Plan:
    """Return what these blocks hold. Raises `Conflict` for what this vault could not send again."""
    plan = Plan(removed)
    first, last = removed[0].header.number, removed[-1].header.number
    addresses = ledger.deployment.addresses
    with ledger.db.read_vault() as vault:
        for fact in read_facts(ledger.node, addresses, max(first, ledger.deployment.block), last):
            _sort(vault, plan, fact)
    plan.undone = deeds(ledger.contracts, first, last)
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


def _foreign(block: int, what: str) -> str:
    return (
        f"block {block} holds {what}, which this vault does not have and could not send again:"
        " nothing was taken back"
    )
