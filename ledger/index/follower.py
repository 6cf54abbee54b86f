"""Following the chain into the index, and undoing what a reorganisation took back.

The index remembers the last block it followed (`cursor`) and every block that held facts (`blocks`), by
number and hash. A block's hash covers all of its ancestors. So one comparison answers whether all that was
followed still stands: the node's block of the cursor's number has the cursor's hash. Where it does not, the
latest remembered block that the node still has under its hash is the common ancestor, and every row above it
goes. Blocks without facts need no remembering: nothing of theirs could be undone.

A stretch of blocks is read, then its last block and the cursor are looked up again, and only if both are
what they were before the reading are the rows kept: the logs of one chain, not a mixture of two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from ledger.chain.logs import read_facts
from ledger.errors import ChainDamaged, ChainUnavailable
from ledger.index.rows import Referring, Row, Rows, is_link, link_row, rows_of
from ledger.store import index, migrate
from ledger.store.bulk import IN_LIST, insert_rows
from ledger.store.failures import TablesMissing
from ledger.store.types import RowDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.store.database import Database

#: Blocks read at once at first; the number then follows how much they hold.
_FIRST_SPAN = 64
_MOST_BLOCKS = 50_000
#: Facts that one transaction is meant to hold: enough to be quick, few enough to keep memory flat.
_FEW_FACTS = 5_000
_MANY_FACTS = 40_000
#: Times in a row that the chain may change under the reading before a caller is told to come again.
_PATIENCE = 10
#: Remembered blocks compared with the node at once, when looking for a common ancestor.
_LOOK_BACK = 100


class Block(NamedTuple):
    """A block by number and hash (32 bytes)."""

    number: int
    hash: bytes


class Followed(NamedTuple):
    """Where the index now stands (None: before the first block), records added and rows undone on the way."""

    at: Block | None
    records: int
    undone: int


class Follower:
    """Keeps the index at the chain's tip. One process at a time does; others wait for it, or get `Busy`."""

    def __init__(self, database: Database, node: Node, deployment: Deployment) -> None:
        self._database = database
        self._node = node
        self._deployment = deployment

    def catch_up(
        self, on_progress: Callable[[int, int], None] | None = None, *, wait: float = 60.0
    ) -> Followed:
        """Follow up to the node's latest block.

        `on_progress` is told (block reached, latest block) after each transaction. Raises `Busy` when another
        process follows for longer than `wait` seconds, `ChainUnavailable`, `ChainDamaged`.
        """
        with self._database.lock("follower", timeout=wait):
            try:
                return self._catch_up(on_progress)
            except (
                TablesMissing,
                IntegrityError,
                RowDamaged,
            ):  # dropped or damaged: all that was there is on the chain
                self._database.renew_index()
                return self._catch_up(on_progress)

    def rebuild(
        self, on_progress: Callable[[int, int], None] | None = None, *, wait: float = 60.0
    ) -> Followed:
        """Drop every row of the index and follow from the beginning. Raises as `catch_up` does."""
        with self._database.lock("follower", timeout=wait):
            try:
                with self._database.write_index() as connection:
                    empty(connection)
            except TablesMissing:
                self._database.renew_index()
            return self._catch_up(on_progress)

    def _catch_up(self, on_progress: Callable[[int, int], None] | None) -> Followed:
        with self._database.read_index() as connection:
            check_tables(connection)
            at = read_cursor(connection)
        latest = self._latest()
        at, undone = self._undo_to_ancestor(at)
        records, span, moved = 0, _FIRST_SPAN, 0
        while True:
            first = at.number + 1 if at else self._deployment.block
            if first > latest:
                return Followed(at, records, undone)
            read = self._read(at, first, min(latest, first + span - 1))
            if read is None:
                moved += 1
                if moved > _PATIENCE:
                    raise ChainUnavailable(f"the chain at {self._node.where} does not stand still to be read")
                latest = self._latest()
                at, more = self._undo_to_ancestor(at)
                undone += more
                continue
            moved, before = 0, at
            at, rows = read
            with self._database.write_index() as connection:
                # Another may have dropped the index, or made it anew, since the cursor was read: what is read
                # from there on would be all that it ever has.
                stands = read_cursor(connection)
                if stands == before:
                    _write(connection, rows, at)
            if stands != before:
                at = stands
                continue
            records += rows.records
            span = _next_span(span, rows.facts)
            if on_progress:
                on_progress(at.number, latest)

    def _read(self, at: Block | None, first: int, last: int) -> tuple[Block, Rows] | None:
        """Read blocks `first`..`last`; None if the chain changed meanwhile."""
        (end,) = self._blocks([last])
        if end is None:
            return None
        addresses = self._deployment.addresses
        rows = rows_of(read_facts(self._node, addresses, first, last))
        hashes: dict[object, object] = {last: end}
        one_chain = all(
            hashes.setdefault(number, block_hash) == block_hash
            for number, block_hash, _ in rows.by_table[index.blocks]
        )
        again = self._blocks([last] if at is None else [last, at.number])
        if not one_chain or again != ([end] if at is None else [end, at.hash]):
            return None
        return Block(last, end), rows

    def _undo_to_ancestor(self, at: Block | None) -> tuple[Block | None, int]:
        """Remove what the chain took back. Returns the block the index then stands at, and rows removed."""
        if at is None or self._blocks([at.number]) == [at.hash]:
            return at, 0
        ancestor = self._ancestor(at)
        with self._database.write_index() as connection:
            undone = _undo_above(connection, ancestor)
        return ancestor, undone

    def _ancestor(self, at: Block) -> Block | None:
        below = at.number + 1
        while True:
            remembered = select(index.blocks.c.number, index.blocks.c.hash).where(
                index.blocks.c.number < below
            )
            with self._database.read_index() as connection:
                page = connection.execute(
                    remembered.order_by(index.blocks.c.number.desc()).limit(_LOOK_BACK)
                ).all()
            if not page:
                return None
            now = self._blocks([number for number, _ in page])
            for (number, known), found in zip(page, now, strict=True):
                if known == found:
                    return Block(number, known)
            below = page[-1].number

    def _latest(self) -> int:
        return _quantity(self._node.request("eth_blockNumber"))

    def _blocks(self, numbers: Sequence[int]) -> list[bytes | None]:
        """Hashes of the node's blocks of these numbers; None where it has none."""
        answers = self._node.requests([("eth_getBlockByNumber", hex(number), False) for number in numbers])
        return [_hash(each) if each is not None else None for each in answers]


def read_cursor(connection: Connection) -> Block | None:
    """Return the block the index stands at; None before the first. Raises `RowDamaged`."""
    rows = connection.execute(select(index.cursor.c.id, index.cursor.c.number, index.cursor.c.hash)).all()
    if not rows:
        return None
    identity, number, block_hash = rows[0]
    if len(rows) > 1 or identity != 1 or number < 0 or len(block_hash) != 32:
        raise RowDamaged("the index does not say at which block it stands: it was changed")
    return Block(number, block_hash)


def check_tables(connection: Connection) -> None:
    """Raise `TablesMissing` unless all tables are there: one that is only read would be missed by readers."""
    fault = migrate.differs(connection, migrate.INDEX, index.metadata)
    if fault:
        raise TablesMissing(f"the index: {fault}")


def empty(connection: Connection) -> None:
    """Remove every row of the index."""
    for table in index.metadata.tables.values():
        connection.execute(delete(table))


def _write(connection: Connection, rows: Rows, at: Block) -> None:
    for table, values in rows.by_table.items():
        insert_rows(connection, table, values)
    if rows.referring:
        insert_rows(connection, index.links, _link_rows(connection, rows.referring))
    _move_cursor(connection, at)


def _move_cursor(connection: Connection, at: Block | None) -> None:
    connection.execute(delete(index.cursor))
    if at is not None:
        connection.execute(insert(index.cursor).values(id=1, number=at.number, hash=at.hash))


def _link_rows(connection: Connection, referring: Sequence[Referring]) -> list[Row]:
    """Rows for links and for lifecycle records about links: theirs, or about what is about one."""
    wanted = sorted({each.record.ref for each in referring if not is_link(each.record)})
    known: set[int] = set()
    for start in range(0, len(wanted), IN_LIST):
        part = wanted[start : start + IN_LIST]
        known.update(connection.scalars(select(index.links.c.id).where(index.links.c.id.in_(part))))
    found = []
    for each in referring:
        if is_link(each.record) or each.record.ref in known:
            known.add(each.record.id)
            found.append(link_row(each))
    return found


def _undo_above(connection: Connection, ancestor: Block | None) -> int:
    undone = 0
    for table, column in index.FACTS:
        statement = delete(table)
        if ancestor is not None:
            statement = statement.where(table.c[column] > ancestor.number)
        undone += connection.execute(statement).rowcount
    _move_cursor(connection, ancestor)
    return undone


def _next_span(span: int, facts: int) -> int:
    if facts > _MANY_FACTS:
        return max(1, span // 2)
    return min(_MOST_BLOCKS, span * 2) if facts < _FEW_FACTS else span


def _quantity(value: object) -> int:
    try:
        return int(str(value), 16)
    except ValueError:
        raise ChainDamaged(f"the node's latest block number is {value!r}") from None


def _hash(block: object) -> bytes:
    try:
        found = bytes.fromhex(str(block["hash"])[2:])  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        raise ChainDamaged("the node returned a block without a hash") from None
    if len(found) != 32:
        raise ChainDamaged(f"the node returned a block hash of {len(found)} bytes")
    return found
