"""The log's tree in memory follows the index, and is built anew when the index's blocks changed under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert

from api.mirror import LogMirror, leaf_rows
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import leaf_hash, root_of
from ledger.crypto.proofs import verify_consistency, verify_inclusion
from ledger.errors import ChainDamaged, NotFound
from ledger.store.database import Database, open_database
from ledger.store.index import runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(None, tmp_path) as opened:
        yield opened


def _head(leaf: int, salt: int) -> bytes:
    return leaf_hash(bytes([salt]) + leaf.to_bytes(4, "big"))


def _append(database: Database, leaves: range, salt: int = 0) -> None:
    rows = [
        {
            "leaf_index": leaf, "enterprise": leaf % 5 + 1, "authority": 1, "first_id": leaf + 1, "count": 1,
            "head": _head(leaf, salt), "records": bytes(64), "block_number": leaf, "log_index": 0,
            "block_hash": _head(leaf, salt + 100),
        }
        for leaf in leaves
    ]  # fmt: skip
    with database.write_index() as connection:
        connection.execute(insert(runs), rows)


def _root(size: int, salt: int = 0) -> bytes:
    return root_of(leaf_hash(leaf_data(leaf % 5 + 1, _head(leaf, salt))) for leaf in range(size))


def test_proofs_hold_while_the_index_grows(database: Database) -> None:
    mirror = LogMirror(database)
    _append(database, range(7))
    size, leaf, root, proof = mirror.inclusion(3, None)
    assert (size, root) == (7, _root(7))
    verify_inclusion(leaf, 3, 7, proof, root)
    _append(database, range(7, 20))
    second, first_root, second_root, proof = mirror.consistency(7, None)
    assert (second, first_root, second_root) == (20, _root(7), _root(20))
    verify_consistency(7, 20, proof, first_root, second_root)
    size, leaf, root, proof = mirror.inclusion(3, 7)
    verify_inclusion(leaf, 3, 7, proof, root)


def test_a_reorg_is_noticed(database: Database) -> None:
    mirror = LogMirror(database)
    _append(database, range(9))
    assert mirror.inclusion(0, None)[2] == _root(9)
    with database.write_index() as connection:
        connection.execute(delete(runs))
    _append(database, range(9), salt=1)
    assert mirror.inclusion(0, None)[2] == _root(9, salt=1)


def test_a_shorter_index_is_noticed(database: Database) -> None:
    mirror = LogMirror(database)
    _append(database, range(9))
    mirror.inclusion(0, None)
    with database.write_index() as connection:
        connection.execute(delete(runs).where(runs.c.leaf_index >= 4))
    assert mirror.inclusion(0, None)[:1] == (4,)


def test_a_gap_is_damage_and_not_a_proof(database: Database) -> None:
    _append(database, range(3))
    _append(database, range(4, 6))
    with pytest.raises(ChainDamaged, match="leaf 3"):
        LogMirror(database).inclusion(0, None)


@pytest.mark.parametrize(("leaf", "size"), [(0, None), (5, 5), (0, 0), (0, 99)])
def test_no_proof_of_what_is_not_there(database: Database, leaf: int, size: int | None) -> None:
    if size:
        _append(database, range(5))
    with pytest.raises(NotFound):
        LogMirror(database).inclusion(leaf, size)


def test_no_consistency_backwards_or_beyond(database: Database) -> None:
    _append(database, range(5))
    mirror = LogMirror(database)
    assert mirror.consistency(0, 5)[3] == []
    for first, second in ((4, 3), (6, None), (1, 6)):
        with pytest.raises(NotFound):
            mirror.consistency(first, second)


def test_leaves_in_pages(database: Database) -> None:
    _append(database, range(5))
    with database.read_index() as connection:
        assert leaf_rows(connection, 3, 10) == (5, [(3, 4, _head(3, 0)), (4, 5, _head(4, 0))])
        assert leaf_rows(connection, 9, 10) == (5, [])
