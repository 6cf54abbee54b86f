"""What an authority may write with a key of this office, by the index's account of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, select

from ledger.domain.submissions import FieldError
from ledger.store.index import blocks, four_eyes, mandates

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.catalogue import Authority, EventType

#: The severity that four eyes are about.
_SERIOUS: Final = 3


class Rights(NamedTuple):
    """What an authority's office may write: the mandate (bit t: type t; None: not known), and four eyes.

    With four eyes the contract takes serious records, and those that are no events, from contract wallets
    alone. The office signs with an account: what would be refused there is refused before it is numbered,
    because a numbered record that cannot be posted holds up all that come after it.
    """

    mandate: int | None
    four_eyes: bool

    def fault(self, authority: Authority, kind: EventType) -> FieldError | None:
        """Say why a record of this type would be refused, or nothing."""
        if self.mandate is not None and not self.mandate >> kind.number & 1:
            return FieldError("type", kind.code, f"outside the mandate of {authority.code} on the chain")
        if self.four_eyes and (kind.severity == _SERIOUS or kind.kind != "event"):
            why = f"four eyes are on for {authority.code}: only its contract wallet may record this"
            return FieldError("type", kind.code, why)
        return None


def rights_now(index: Connection, authority: int, now: int) -> Rights:
    """Return an authority's rights at `now` (Unix seconds), or at the chain's time where that is ahead.

    The mandate in force is the last one set that has begun.
    """
    now = max(now, index.scalar(select(func.max(blocks.c.timestamp))) or 0)
    chosen = select(mandates.c.mandate, mandates.c.valid_from).where(mandates.c.authority == authority)
    found: int | None = None
    for mandate, valid_from in index.execute(chosen.order_by(mandates.c.block_number, mandates.c.log_index)):
        if valid_from <= now:
            found = mandate
        elif found is None:
            found = 0
    last = select(four_eyes.c.required).where(four_eyes.c.authority == authority)
    place = (four_eyes.c.block_number.desc(), four_eyes.c.log_index.desc())
    return Rights(found, bool(index.scalar(last.order_by(*place).limit(1))))
