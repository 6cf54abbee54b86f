"""Facts as rows: what goes into which table, and which records are looked at for links."""

from __future__ import annotations

import pytest

from ledger.domain.facts import Place, Registered, Run
from ledger.domain.records import Record, pack, record_id, unpack_run
from ledger.errors import ChainDamaged
from ledger.index.rows import Referring, link_row, rows_of
from ledger.store import index

AT = Place(5, b"h" * 32, 1000, 3)


def run(*types: int, at: Place = AT) -> Run:
    packed = b"".join(pack(Record(1, each, 0, 1, 2, 7, bytes([n]) * 32)) for n, each in enumerate(types))
    return Run(at, 1, 1, record_id(1, 10), 4, b"H" * 32, packed)


def test_a_run_is_one_row_however_many_records_it_has() -> None:
    rows = rows_of([run(1, 2, 3), run(4, at=AT._replace(log_index=4))])
    assert [row[4] for row in rows.by_table[index.runs]] == [3, 1]
    assert rows.by_table[index.runs][0][:4] == (4, 1, 1, record_id(1, 10))
    assert rows.by_table[index.blocks] == [(5, b"h" * 32, 1000)]
    assert rows.records == 4
    assert rows.referring == []


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((239, 1), []),
        ((240, 1), [10]),
        ((1, 255), [11]),
        ((248, 1, 241), [10, 12]),
        ((256,), [10]),
        ((0x100, 3), [10]),
    ],
)
def test_only_records_that_refer_are_looked_at(types: tuple[int, ...], expected: list[int]) -> None:
    assert [each.record.id for each in rows_of([run(*types)]).referring] == [
        record_id(1, n) for n in expected
    ]


def test_a_link_row_holds_the_whole_record() -> None:
    (posted,) = rows_of([run(248)]).referring
    row = link_row(posted)
    assert row[:5] == (record_id(1, 10), 1, 248, 7, None)
    assert unpack_run(record_id(1, 10), row[5]) == [posted.record]  # type: ignore[arg-type]
    about = link_row(Referring(posted.record._replace(type=241), AT))
    assert about[2:5] == (241, None, 7)


def test_each_block_with_facts_is_one_row() -> None:
    later = AT._replace(block_number=9, block_hash=b"i" * 32)
    rows = rows_of(
        [Registered(AT, 1, b"c" * 32), Registered(AT, 2, b"c" * 32), Registered(later, 3, b"c" * 32)]
    )
    assert [row[0] for row in rows.by_table[index.blocks]] == [5, 9]
    assert [row[0] for row in rows.by_table[index.enterprises]] == [1, 2, 3]


def test_bytes_that_cannot_be_records_are_damage() -> None:
    broken = run(248)
    with pytest.raises(ChainDamaged):
        rows_of([broken._replace(records=broken.records[:-1])])
