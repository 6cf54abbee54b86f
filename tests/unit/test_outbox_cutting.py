"""Cutting a queue into batches, digests of content, gas bounds: the parts that need no database."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ledger.domain.catalogue import load_catalogue
from ledger.domain.parties import Party
from ledger.domain.submissions import Submission
from ledger.errors import BadValue
from ledger.outbox.gas import MAX_GAS, MAX_RECORDS, batch_gas, register_gas
from ledger.outbox.references import content_mac
from ledger.outbox.sealing import _cut, _Queued

SNAPSHOTS = Path(__file__).parents[2] / "contracts" / "snapshots"
KEY = b"k" * 32
TYPES = load_catalogue().by_code


def queued(*commands: tuple[int, int, int | None]) -> list[_Queued]:
    return [_Queued(seq, part, 1, 4, 0, 1, 1, ref, None, b"c" * 32) for seq, part, ref in commands]


def cut(commands: list[_Queued], size: int) -> list[list[int]]:
    return [[each.seq for each in taken] for taken in _cut(commands, size)]


@pytest.mark.parametrize(
    ("commands", "size", "expected"),
    [
        ([], 3, []),
        ([(1, 0, None), (2, 0, None), (3, 0, None), (4, 0, None)], 3, [[1, 2, 3], [4]]),
        ([(1, 0, None), (2, 0, None), (3, 0, None)], 3, [[1, 2, 3]]),
        ([(1, 0, None), (2, 0, 1), (3, 0, None)], 9, [[1], [2, 3]]),
        ([(5, 0, 1), (6, 0, 2)], 9, [[5, 6]]),
        ([(1, 0, None), (2, 0, 1), (3, 0, 1), (4, 0, 2)], 9, [[1], [2, 3], [4]]),
        ([(1, 0, None), (2, 0, None), (3, 1, None), (4, 0, None)], 2, [[1], [2, 3], [4]]),
        ([(1, 0, None), (2, 1, None), (3, 0, 1), (4, 1, 2)], 9, [[1, 2], [3, 4]]),
        ([(1, 0, None), (2, 1, None)], 1, [[1, 2]]),
    ],
)
def test_batches_end_where_full_or_where_a_record_refers_into_them(
    commands: list[tuple[int, int, int | None]], size: int, expected: list[list[int]]
) -> None:
    assert cut(queued(*commands), size) == expected


def test_any_queue_is_cut_by_the_rules_of_the_contract() -> None:
    pick = random.Random(1)
    for _ in range(300):
        commands: list[tuple[int, int, int | None]] = []
        while len(commands) < 40:
            seq = len(commands) + 1
            ref = pick.randrange(1, seq) if seq > 1 and pick.random() < 0.3 else None
            commands.append((seq, 0, ref))
            if pick.random() < 0.2:
                commands.append((seq + 1, 1, None))
        size = pick.randrange(2, 12)
        batches = cut(queued(*commands), size)
        assert [seq for taken in batches for seq in taken] == [each[0] for each in commands]
        refs = {seq: ref for seq, _, ref in commands}
        mirrors = {seq for seq, part, _ in commands if part}
        for taken in batches:
            assert 0 < len(taken) <= size
            assert all(refs[seq] not in taken for seq in taken)
            assert taken[0] not in mirrors


def submission(**changes: object) -> Submission:
    made = Submission(Party("uscc", "uscc:A", "A"), TYPES["CU04"], 20_000, 19_000, "R-1", None, "text")
    return made._replace(**changes)  # type: ignore[arg-type]


def test_the_digest_tells_content_apart_and_not_spellings() -> None:
    base = content_mac(KEY, submission())
    others = [
        submission(party=Party("uscc", "uscc:B", "A")),
        submission(type=TYPES["CU05"]),
        submission(decided_on=20_001),
        submission(conduct_on=19_001),
        submission(reference="R-2"),
        submission(refers_to="R-0"),
        submission(document="texts"),
        submission(document=""),
        submission(refers_to="x", document="text"),
        submission(document="\0text"),
    ]
    digests = [content_mac(KEY, each) for each in others]
    assert len({base, *digests}) == len(others) + 1
    assert content_mac(KEY, submission(party=Party("uscc", "uscc:A", "a different text"))) == base
    assert content_mac(b"x" * 32, submission()) != base


def test_gas_bounds_hold_the_largest_batch_and_refuse_what_no_transaction_may_carry() -> None:
    assert batch_gas(1000, 1000, 1 << 40) <= MAX_GAS
    assert batch_gas(1, 1, 1) < batch_gas(2, 1, 1) < batch_gas(2, 2, 1) < batch_gas(2, 2, 1000)
    assert register_gas(200) < MAX_GAS
    for records, runs in ((0, 0), (1001, 1), (5, 6), (5, 0)):
        with pytest.raises(BadValue):
            batch_gas(records, runs, 1)
    for enterprises in (0, 201):
        with pytest.raises(BadValue):
            register_gas(enterprises)


@pytest.mark.parametrize(
    ("name", "records", "runs"),
    [
        ("distinct enterprises", MAX_RECORDS, MAX_RECORDS),
        ("ten enterprises", MAX_RECORDS, 10),
        ("one enterprise", MAX_RECORDS, 1),
        ("one of each type", 255, 1),
    ],
)
def test_gas_bounds_hold_what_forge_found_to_be_the_largest_batches(
    name: str, records: int, runs: int
) -> None:
    measured = json.loads((SNAPSHOTS / "LargestBatch.json").read_text())
    assert int(measured[f"{name}, records"]) == records
    assert int(measured[f"{name}, gas"]) <= batch_gas(records, runs, runs) <= MAX_GAS


def test_gas_bounds_hold_what_forge_measured_for_any_batch() -> None:
    for name, gas in json.loads((SNAPSHOTS / "GasPerRecord.json").read_text()).items():
        count, _, about = name.partition(",")[0].partition(" of ")
        runs = int((about or "1").split()[0])
        assert int(count) * int(gas) <= batch_gas(int(count), runs, runs)
