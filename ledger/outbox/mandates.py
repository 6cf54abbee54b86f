"""What an authority may write with a key of this office, by the index's account of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from ledger.domain.submissions import FieldError
from ledger.store.index import blocks, compromises, four_eyes, keys, mandates

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ledger.domain.catalogue import Authority, EventType

    #: Whether an address is that of a contract wallet: a question to the chain.
    IsWallet = Callable[[str], bool]


class Rights(NamedTuple):
    """What an authority's office may write.

    `mandate`: bit t: type t; None: not known. `needs_wallet`, likewise: the types that the contract takes
    from wallets only, while four eyes are on and no key is one. What would be refused there is refused before
    it is numbered, because a numbered record that cannot be posted holds up all that come after it.
    """

    mandate: int | None
    needs_wallet: int

    def fault(self, authority: Authority, kind: EventType) -> FieldError | None:
        """Say why a record of this type would be refused, or nothing."""
        code = authority.code
        if self.mandate is not None and not self.mandate >> kind.number & 1:
            return FieldError("type", kind.code, f"outside the mandate of {code} on the chain")
        if self.needs_wallet >> kind.number & 1:
            why = f"four eyes are on for {code}, and none of its keys is a contract wallet that is valid now"
            return FieldError("type", kind.code, f"{why}: credit-ledger authority key {code} ADDRESS")
        return None


def no_wallet(_address: str) -> bool:
    """Say that no address is a wallet's: where there is no chain to ask."""
    return False


def rights_now(index: Connection, authority: int, now: int, is_wallet: IsWallet) -> Rights:
    """Return an authority's rights at `now` (Unix seconds), or at the chain's time where that is ahead.

    The mandate in force is the last one set that has begun. Raises as `is_wallet` does.
    """
    columns = (mandates.c.mandate, mandates.c.weighty, mandates.c.valid_from)
    chosen = select(*columns).where(mandates.c.authority == authority)
    found: int | None = None
    moment, heavy = _moment(index, now), 0
    for mandate, weighty, valid_from in index.execute(
        chosen.order_by(mandates.c.block_number, mandates.c.log_index)
    ):
        if valid_from <= moment:
            found, heavy = mandate, weighty
        elif found is None:
            found = 0
    last = select(four_eyes.c.required).where(four_eyes.c.authority == authority)
    place = (four_eyes.c.block_number.desc(), four_eyes.c.log_index.desc())
    watched = bool(index.scalar(last.order_by(*place).limit(1)))
    alone = watched and not any(map(is_wallet, keys_now(index, authority, now)))
    return Rights(found, heavy if alone else 0)


def keys_now(index: Connection, authority: int, now: int) -> list[str]:
    """Return the keys (addresses in lower case) that may write for an authority then, as `rights_now`."""
    moment = _moment(index, now)
    windows = select(keys.c.key, keys.c.valid_from, keys.c.valid_until).where(keys.c.authority == authority)
    last = {
        key: start <= moment < until
        for key, start, until in index.execute(windows.order_by(keys.c.block_number, keys.c.log_index))
    }
    lost = set(index.scalars(select(compromises.c.key).where(compromises.c.authority == authority)))
    return [key for key, valid in last.items() if valid and key not in lost]


def _moment(index: Connection, now: int) -> int:
    return max(now, index.scalar(select(func.max(blocks.c.timestamp))) or 0)
