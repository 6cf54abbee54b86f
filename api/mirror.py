"""The log's Merkle tree and those of the state, kept in memory and brought up to date before each proof.

What they hold cannot go stale unseen: a block's hash stands for everything before it, so a tree is right as
long as the last block it took is still the one the index has. After a reorg it is built anew.
"""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import Tree, leaf_hash
from ledger.errors import ChainDamaged, NotFound
from ledger.index.statement import advance, has_block, last_block, read_trees
from ledger.store.index import runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.schemas import Hash
    from ledger.crypto.statement import StateTrees
    from ledger.store.database import Database

_AT = select(runs.c.block_hash).where(runs.c.leaf_index == bindparam("leaf"))
_FROM = (
    select(runs.c.leaf_index, runs.c.enterprise, runs.c.head, runs.c.block_hash)
    .where(runs.c.leaf_index >= bindparam("first"))
    .order_by(runs.c.leaf_index)
)
_SIZE = select(func.coalesce(func.max(runs.c.leaf_index) + 1, 0))


class LogMirror:
    """Proofs over the leaves the index has. Thread-safe; the first use reads all leaves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._tree = Tree()
        self._last_block = b""

    def tree(self) -> Tree:
        """Return the tree with every leaf the index has. It may grow; what it has does not change."""
        with self._lock:
            return self._caught_up()

    def inclusion(self, leaf: int, size: int | None) -> tuple[int, bytes, bytes, list[bytes]]:
        """Return (size, leaf hash, root, proof). Raises `NotFound` for a leaf or size the index has not."""
        with self._lock:
            tree = self._caught_up()
            size = self._bounded(tree, size)
            if leaf >= size:
                raise NotFound(f"there is no leaf {leaf} in a log of {size}")
            return size, tree.leaf(leaf), tree.root(size), tree.inclusion_proof(leaf, size)

    def consistency(self, first: int, second: int | None) -> tuple[int, bytes, bytes, list[bytes]]:
        """Return (second, first root, second root, proof). Raises `NotFound` for sizes the index has not."""
        with self._lock:
            tree = self._caught_up()
            second = self._bounded(tree, second)
            if first > second:
                raise NotFound(f"a log of {second} leaves does not extend one of {first}")
            return second, tree.root(first), tree.root(second), tree.consistency_proof(first, second)

    def _bounded(self, tree: Tree, size: int | None) -> int:
        if size is not None and size > tree.size:
            raise NotFound(f"the index has {tree.size} leaves, not {size}")
        return tree.size if size is None else size

    def _caught_up(self) -> Tree:
        with self._database.read_index() as connection:
            if self._tree.size and connection.scalar(_AT, {"leaf": self._tree.size - 1}) != self._last_block:
                self._tree = Tree()
            rows = connection.execution_options(yield_per=10_000).execute(_FROM, {"first": self._tree.size})
            for index, enterprise, head, block_hash in rows:
                if index != self._tree.size:
                    missing = self._tree.size
                    self._tree = Tree()
                    raise ChainDamaged(f"the index lacks leaf {missing}")
                self._tree.append(leaf_hash(leaf_data(enterprise, head)))
                self._last_block = block_hash
        return self._tree


class StateMirror:
    """The trees of the state, kept between the evidences that need them. Thread-safe.

    What was given out does not change: a later state is a copy brought up to date, which costs a hundredth of
    making it from the index.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trees: StateTrees | None = None
        self._at = (0, b"")

    def trees(self, index: Connection) -> StateTrees:
        """Return the trees of the state that the index stands at."""
        at = last_block(index)
        with self._lock:
            if self._trees is None or not has_block(index, *self._at):
                kept = read_trees(index)
            elif at == self._at:
                return self._trees
            else:
                kept = copy.deepcopy(self._trees)
                advance(kept, index, self._at[0])
            kept.state()  # hashes what is to be hashed: from here on nothing in it moves, whoever reads
            self._trees, self._at = kept, at
            return kept


def leaf_rows(connection: Connection, first: int, limit: int) -> tuple[int, list[tuple[int, int, bytes]]]:
    """Return the index's log size and up to `limit` leaves from `first`: (leaf index, enterprise, head)."""
    size = connection.scalar(_SIZE) or 0
    rows = connection.execute(_FROM.limit(limit), {"first": first})
    return size, [(row.leaf_index, row.enterprise, row.head) for row in rows]


def hexes(hashes: list[bytes]) -> list[Hash]:
    """Return hashes as they are shown."""
    return [each.hex() for each in hashes]
