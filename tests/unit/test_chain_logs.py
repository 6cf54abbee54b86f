"""Decoding logs: golden ones of every event, hostile ones, and reading ranges from nodes of several habits."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from chain_helpers import deployed

from ledger.chain import logs
from ledger.chain.events import decode
from ledger.chain.logs import read_facts
from ledger.chain.rpc import RpcRefused
from ledger.domain import facts
from ledger.domain.records import unpack_run
from ledger.errors import ChainDamaged, ChainUnavailable

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "chain_logs.json").read_text())


@pytest.mark.parametrize("case", VECTORS["facts"], ids=lambda case: case["event"].split("(")[0])
def test_golden_logs(case: dict[str, Any]) -> None:
    fact = decode(case["log"], 99)
    assert type(fact).__name__ == case["fact"]
    shown = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in fact._asdict().items()
        if name != "at"
    }
    assert shown == case["fields"]
    number = int(case["log"]["blockNumber"], 16)
    assert fact.at == facts.Place(number, bytes([number % 256] * 32), 99, int(case["log"]["logIndex"], 16))


def test_every_fact_has_a_golden_log() -> None:
    assert {case["fact"] for case in VECTORS["facts"]} == {kind.__name__ for kind in facts.Fact.__args__}


@pytest.mark.parametrize("case", VECTORS["hostile"], ids=lambda case: case["why"])
def test_hostile_logs_name_their_place(case: dict[str, Any]) -> None:
    number, index = (int(case["log"][key], 16) for key in ("blockNumber", "logIndex"))
    with pytest.raises(ChainDamaged, match=f"block {number}: log {index} "):
        decode(case["log"], 99)


@pytest.mark.parametrize("topics", [[], ["0x" + "00" * 32]])
def test_events_that_are_no_facts(topics: list[str]) -> None:
    assert decode(VECTORS["facts"][0]["log"] | {"topics": topics}, 99) is None


class Recorder:
    """A node that passes calls on, or answers from a list of logs; it keeps what it was asked."""

    where = "here"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []

    def request(self, method: str, *params: Any) -> Any:
        self.asked.append((method, *params))
        return self.answer(method, *params)

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(*call) for call in calls]

    def close(self) -> None: ...


def numbered(count: int, *, said: bool = True) -> Any:
    """A chain of `count` blocks with a registration in each; `said`: logs carry their block's time."""

    def answer(method: str, *params: Any) -> Any:
        if method == "eth_getBlockByNumber":
            return {"timestamp": hex(int(params[0], 16) * 10)}
        low, high = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        found = []
        for n in range(low, min(high, count - 1) + 1):
            log = VECTORS["facts"][6]["log"] | {"blockNumber": hex(n), "blockTimestamp": hex(n * 10)}
            if not said:
                del log["blockTimestamp"]
            found.append(log)
        return found

    return answer


@pytest.mark.parametrize("said", [True, False])
def test_times_come_from_the_logs_or_are_asked_for(said: bool) -> None:
    node = Recorder(numbered(300, said=said))
    found = list(read_facts(node, [], 7, 299))
    assert [f.at.block_number for f in found] == list(range(7, 300))
    assert all(f.at.timestamp == f.at.block_number * 10 for f in found)
    assert any(call[0] == "eth_getBlockByNumber" for call in node.asked) != said


def test_a_short_or_empty_range() -> None:
    node = Recorder(numbered(10))
    assert len(list(read_facts(node, [], 3, 3))) == 1
    assert list(read_facts(node, [], 4, 3)) == []


def test_spans_grow_where_little_is_found_and_shrink_where_much_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def spans(node: Recorder) -> list[int]:
        return [int(c[1]["toBlock"], 16) - int(c[1]["fromBlock"], 16) + 1 for c in node.asked]

    quiet = Recorder(numbered(0))
    list(read_facts(quiet, [], 0, 100_000))
    assert max(spans(quiet)) == logs.LONGEST_SPAN
    assert sum(spans(quiet)) == 100_001
    monkeypatch.setattr(logs, "_MANY_LOGS", 50)
    busy = Recorder(numbered(2000))
    assert len(list(read_facts(busy, [], 0, 1999))) == 2000
    assert max(spans(busy)[3:]) <= 128


def test_a_node_that_fails_in_the_middle() -> None:
    def answer(method: str, *params: Any) -> Any:
        if int(params[0]["toBlock"], 16) > 100:
            raise ChainUnavailable("gone")
        return numbered(1000)(method, *params)

    seen: list[int] = []
    with pytest.raises(ChainUnavailable):
        seen.extend(fact.at.block_number for fact in read_facts(Recorder(answer), [], 0, 999))
    assert seen == list(range(len(seen)))


def test_a_node_that_bounds_ranges() -> None:
    def answer(method: str, *params: Any) -> Any:
        low, high = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        if high - low >= 10:
            raise RpcRefused("block range too large", -32602)
        return numbered(500)(method, *params)

    assert len(list(read_facts(Recorder(answer), [], 0, 499))) == 500


def test_the_facts_of_a_deployed_ledger(tmp_path: Path) -> None:
    ledger = deployed(tmp_path)
    ledger.register(3)
    ledger.record([1, 1, 3])
    found = list(read_facts(ledger.node, ledger.deployment.addresses, ledger.deployment.block, 10**6))
    kinds = [type(fact).__name__ for fact in found]
    assert kinds[-6:] == ["Registered"] * 3 + ["BatchRecorded", "Run", "Run"]
    assert kinds.count("AuthorityAdded") == kinds.count("KeySet") == kinds.count("MandateSet") == 7
    assert kinds.count("CardRegistered") >= 1
    runs = [fact for fact in found if isinstance(fact, facts.Run)]
    assert [len(unpack_run(run.first_id, run.records)) for run in runs] == [2, 1]
    assert [run.leaf_index for run in runs] == [0, 1]
    assert runs[1].head == ledger.contracts.head(3)
    places = [(fact.at.block_number, fact.at.log_index) for fact in found]
    assert places == sorted(places)
    ledger.node.close()


def test_decoding_is_quick() -> None:
    """100-record runs, on one core that may be shared: 300,000 records a second with room to spare."""
    run = VECTORS["facts"][8]["log"]
    data = bytes.fromhex(run["data"][2:])
    long = data[:128] + (6400).to_bytes(32, "big") + bytes(6400)
    log = run | {"data": "0x" + long.hex()}
    begun = time.process_time()
    for _ in range(1000):
        decode(log, 1)
    assert 1000 * 100 / (time.process_time() - begun) > 300_000
