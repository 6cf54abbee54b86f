"""What somebody did by a call of his own and a take-back undid: kept until it is done again, or given up.

Registrations and records are sent again by themselves. An act of the governor is not, and records sent
before it would be judged without it: those of the authority that it is about wait, or those of all. It is
done again when the chain has a deed that says the same (`deeds`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update

from ledger.domain.facts import CardRegistered
from ledger.errors import BadValue, Conflict
from ledger.outbox.deeds import Deed, deeds
from ledger.outbox.sightings import height
from ledger.store.vault import taken_back as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from ledger.chain.contracts import Contracts
    from ledger.store.database import Database

#: The mark of the taking back itself.
TAKING: Final = "take-back"
_IS_OPEN: Final = table.c.done_block.is_(None) & table.c.given_up.is_(None)


class Open(NamedTuple):
    """A deed that was undone and is not done again."""

    id: int
    mark: str
    said: str
    authority: int | None
    holds: bool
    at: int
    looked: int

    @property
    def line(self) -> str:
        """Say what it is, with its number."""
        return f"[{self.id}] {self.said}"


# ---------------------------------------------------------------------- keeping, and seeing it done


def keep(vault: Connection, at: int, first: int, undone: Sequence[Deed]) -> None:
    """Keep what goes with the blocks from `first` on, before they go; `at` is now, in Unix seconds."""
    c = table.c
    # Those that were done again in these blocks are undone once more, and in the list.
    vault.execute(delete(table).where(or_(c.mark == TAKING, c.done_block >= first)))
    vault.execute(update(table).where(c.looked >= first).values(looked=first - 1))
    last = int(vault.scalar(select(func.max(c.id))) or 0)
    taking = Deed(TAKING, f"taking back the blocks from {first} on", None, True, first, 0)
    same = {"at": at, "first_block": first, "looked": first - 1}
    rows = [
        same
        | {"id": number, "authority": each.authority, "holds": each.holds}
        | {"mark": each.mark, "said": each.said}
        for number, each in enumerate((*undone, taking), last + 1)
    ]
    vault.execute(insert(table), rows)


def taking(vault: Connection) -> Open | None:
    """Return the taking back that did not get to the end, if one did not."""
    return next((each for each in _open(vault) if each.mark == TAKING), None)


def taken(vault: Connection) -> None:
    """Note that the taking back got to its end."""
    vault.execute(delete(table).where(table.c.mark == TAKING))


def still_open(database: Database, contracts: Contracts) -> list[Open]:
    """Return what is neither done again nor given up, and write nothing."""
    with database.read_vault() as vault:
        waiting, used = _open(vault), _used(vault)
    if not waiting:
        return []
    done = _matched(waiting, used, _since(contracts, waiting))
    return [each for each in waiting if each.id not in done]


def settle(database: Database, contracts: Contracts) -> list[Open]:
    """Note what is done again by now; return what is not, nor given up."""
    with database.read_vault() as vault:
        waiting, used = _open(vault), _used(vault)
    last = height(contracts.node)
    if not waiting or all(each.looked >= last for each in waiting):
        return waiting
    done = _matched(waiting, used, _since(contracts, waiting, last))
    with database.write_vault() as vault:
        for number, (block, log) in done.items():
            this = table.c.id == number
            vault.execute(update(table).where(this).values(done_block=block, done_log=log))
        vault.execute(update(table).where(_IS_OPEN).values(looked=last))
    return [each for each in waiting if each.id not in done]


def give_up(database: Database, numbers: Iterable[int], reason: str) -> None:
    """Note that what was undone is not to be done again, and why. Raises `BadValue` for what is not open."""
    with database.write_vault() as vault:
        waiting = {each.id: each for each in _open(vault) if each.mark != TAKING}
        for number in numbers:
            if number not in waiting:
                raise BadValue("give-up", number, "nothing that is to be done again has this number")
            vault.execute(update(table).where(table.c.id == number).values(given_up=reason))


def given_up(vault: Connection) -> list[tuple[str, str]]:
    """Return what was given up, and why."""
    c = table.c
    rows = vault.execute(select(c.said, c.given_up).where(c.given_up.is_not(None)).order_by(c.id))
    return [(str(said), str(why)) for said, why in rows]


def refuse_held(waiting: Sequence[Open], authority: int, code: object) -> None:
    """Raise `Conflict` where records of an authority are not sent before something is done again."""
    refuse_unfinished(waiting, f"records of {code} wait")
    for each in waiting:
        if each.holds and each.authority in {None, authority}:
            raise Conflict(f"records of {code} wait for what was taken back: {_to_do(each)}")


def refuse_assessing(waiting: Sequence[Open]) -> None:
    """Raise `Conflict` where scores would be made without an act or a card that was taken back."""
    refuse_unfinished(waiting, "nothing is assessed")
    for each in waiting:
        if each.holds or each.mark.startswith(CardRegistered.__name__):
            raise Conflict(f"nothing is assessed without what was taken back: {_to_do(each)}")


def refuse_unfinished(waiting: Sequence[Open], so: str) -> None:
    """Raise `Conflict` where blocks were being taken back, and it did not get to the end."""
    if any(each.mark == TAKING for each in waiting):
        raise Conflict(
            f"{so}: taking blocks back did not get to the end: `credit-ledger repair --take-back` once more"
        )


def _to_do(each: Open) -> str:
    return f"{each.said}. Do it again; or give it up: credit-ledger repair --give-up {each.id} --reason TEXT"


# ---------------------------------------------------------------------- inside


def _open(vault: Connection) -> list[Open]:
    columns = (table.c[name] for name in Open._fields)
    return [Open(*row) for row in vault.execute(select(*columns).where(_IS_OPEN).order_by(table.c.id))]


def _used(vault: Connection) -> set[tuple[int, int]]:
    """The places of facts that were counted as doing something again."""
    places = select(table.c.done_block, table.c.done_log).where(table.c.done_block.is_not(None))
    return {(block, log) for block, log in vault.execute(places)}


def _since(contracts: Contracts, waiting: Sequence[Open], last: int | None = None) -> list[Deed]:
    first = min(each.looked for each in waiting) + 1
    last = height(contracts.node) if last is None else last
    return deeds(contracts, first, last) if first <= last else []


def _matched(
    waiting: Sequence[Open], used: set[tuple[int, int]], found: Sequence[Deed]
) -> dict[int, tuple[int, int]]:
    """Which open ones these facts do again, each of them one."""
    used, done = set(used), dict[int, tuple[int, int]]()
    for each in waiting:
        for deed in found:
            place = (deed.block, deed.log)
            if deed.mark == each.mark and deed.block > each.looked and place not in used:
                used.add(place)
                done[each.id] = place
                break
    return done
