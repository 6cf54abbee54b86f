"""What somebody did on the chain by a call of his own, and when two such deeds say the same.

Registrations, records and assessments are none: the outbox and the next assessment do those again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.chain.governance import announcements
from ledger.chain.logs import read_facts
from ledger.domain import facts
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from ledger.chain.contracts import Contracts
    from ledger.domain.facts import Fact

#: What the sender and the assessments do again, and what the chain derives from it.
_BY_ITSELF: Final = (
    facts.Registered,
    facts.BatchRecorded,
    facts.Run,
    facts.TreeHead,
    facts.AssessmentPublished,
)
#: What does not say whether two facts are the same: where and when, and numbers that follow from the order.
_PASSING: Final = {"at", "from_", "since", "new", "epoch", "objection", "by", "opened_on", "due_on"}
#: Texts are committed to under a salt of their own.
_SALTED: Final = {"grounds", "answer"}


class Deed(NamedTuple):
    """Something done by a call of its own. `mark` is the same for what says the same.

    `holds`: an act of the governor; no records are sent without it, of `authority` or (None) of any.
    """

    mark: str
    said: str
    authority: int | None
    holds: bool
    block: int
    log: int


def deeds(contracts: Contracts, first: int, last: int) -> list[Deed]:
    """Return what was done by calls of their own in the blocks `first`..`last`, in order."""
    node, where = contracts.node, contracts.deployment
    first = max(first, where.block)
    found = [
        deed
        for fact in read_facts(node, where.addresses, first, last)
        if (deed := _deed(contracts, fact)) is not None
    ]
    for each in announcements(contracts, first, last):
        what = (
            f"the cancelling of operation {each.id}" if each.cancelled else f"the announcement of {each.what}"
        )
        mark = f"{'OperationCanceled' if each.cancelled else 'OperationScheduled'} {each.id}"
        said = f"{what}: {'cancel' if each.cancelled else 'announce'} it again"
        found.append(Deed(mark, said, None, each.cancelled, each.block, each.log))
    return sorted(found, key=lambda each: (each.block, each.log))


def _deed(contracts: Contracts, fact: Fact) -> Deed | None:
    if isinstance(fact, _BY_ITSELF):
        return None
    again = _again(fact)
    said = f"{again[0]}: {again[1]}" if again else _act(fact)
    values = {name: value for name, value in fact._asdict().items() if name not in _PASSING | _SALTED}
    if isinstance(fact, facts.ObjectionAnswered):
        values["record"] = contracts.objection(fact.objection)[1]
    mark = " ".join([type(fact).__name__, *(f"{name}={_text(value)}" for name, value in values.items())])
    authority = getattr(fact, "authority", None)
    return Deed(mark, said, authority, again is None, fact.at.block_number, fact.at.log_index)


def _again(fact: Fact) -> tuple[str, str] | None:
    """Say what is no act of the governor's that records rest on, and what to do; None for an act."""
    if isinstance(fact, facts.ObjectionOpened):
        authority, number = split_id(fact.record)
        what = f"objection {fact.objection}, to record {number} of authority {authority}, by {fact.by}"
        return what, f"open it again (its statement is kept under {fact.grounds.hex()})"
    if isinstance(fact, facts.ObjectionAnswered):
        return f"the answer to objection {fact.objection}, by {fact.by}", "answer it again"
    if isinstance(fact, facts.CardRegistered):
        return f"card {fact.card.hex()}", "register it again"
    if isinstance(fact, facts.EnterpriseKeySet):
        return f"the key {fact.key} of enterprise {fact.enterprise}", "set it again"
    if isinstance(fact, facts.AnswerPeriodSet):
        return f"the period of {fact.days} days for answers", "set it again"
    return None


def _act(fact: Fact) -> str:
    shown = ", ".join(
        f"{name.rstrip('_')} {_text(value)}" for name, value in fact._asdict().items() if name != "at"
    )
    return f"{type(fact).__name__} in block {fact.at.block_number}: {shown}"


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
