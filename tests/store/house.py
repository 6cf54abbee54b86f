"""A small ledger for tests of outbox and index: real contracts, a real chain, one vault and one index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ledger.chain.contracts import Contracts, Deployment
from ledger.domain.catalogue import default_authorities, load_catalogue
from ledger.domain.parties import Party, named_party, parse_party
from ledger.domain.submissions import Submission
from ledger.index.follower import Follower
from ledger.outbox.accept import Outcome, accept
from ledger.outbox.sender import Sender
from ledger.store import index, vault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.keystore import Keystore
    from ledger.chain.rpc import Node
    from ledger.store.database import Database

CATALOGUE = load_catalogue()
AUTHORITIES = {each.code: each for each in default_authorities()}
GACC = AUTHORITIES["GACC"]
DAY = 20_000


class Keys:
    """Document keys where no keystore is needed."""

    master_key = b"m" * 32
    mac_key = b"k" * 32


def party(number: int) -> Party:
    """A party of its own per number, with a code whose check characters are right."""
    return parse_party(f"lei:{_with_check(f'TEST{number:014d}')}")


def _with_check(code: str) -> str:
    """A legal entity identifier (ISO 17442) from its first 18 characters."""
    digits = "".join(str(int(each, 36)) for each in code)
    return f"{code}{98 - int(digits + '00') % 97:02d}"


def event(reference: str, who: int | Party = 1, type_code: str = "CU04", **changes: Any) -> Submission:
    """A submission that passed the row checks."""
    about = party(who) if isinstance(who, int) else who
    made = Submission(
        about, CATALOGUE.by_code[type_code], DAY, DAY - 10, reference, None, f"document of {reference}"
    )
    return made._replace(**changes)


def change(
    reference: str, refers_to: str, who: int | Party = 1, type_code: str = "LC02", **changes: Any
) -> Submission:
    """A lifecycle record about an earlier one."""
    return event(reference, who, type_code, refers_to=refers_to, conduct_on=DAY, **changes)


def link(reference: str, name: str, code: int, **changes: Any) -> Submission:
    """A link of an unresolved name to the party of that number."""
    return event(
        reference, named_party("US", name), "LK01", refers_to=party(code).key, conduct_on=DAY, **changes
    )


@dataclass
class House:
    """Everything open. `node` may be replaced by one that fails."""

    database: Database
    node: Node
    keystore: Keystore
    deployment: Deployment

    def accept(self, *submissions: Submission, code: str = "GACC", **options: Any) -> list[Outcome]:
        rows = list(enumerate(submissions, 1))
        return accept(self.database, self.keystore, CATALOGUE, AUTHORITIES[code], rows, "test", **options)

    def sender(self, node: Node | None = None, **options: Any) -> Sender:
        contracts = Contracts(node or self.node, self.deployment)
        return Sender(self.database, contracts, self.keystore, **options)

    def follower(self, node: Node | None = None) -> Follower:
        return Follower(self.database, node or self.node, self.deployment)

    def index_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return index_rows(self.database)

    def commands(self) -> list[Any]:
        with self.database.read_vault() as connection:
            return list(connection.execute(select(vault.commands).order_by(vault.commands.c.seq)))


def index_rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the index, sorted."""
    with database.read_index() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in index.metadata.sorted_tables
        }


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return [each.status for each in outcomes]


__all__ = [
    "AUTHORITIES",
    "CATALOGUE",
    "DAY",
    "GACC",
    "House",
    "Keys",
    "change",
    "event",
    "index_rows",
    "link",
    "party",
    "statuses",
]
