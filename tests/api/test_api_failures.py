"""When a part does not work: 503 and when to try again, never a traceback, and a log that keeps its secrets."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from served_ledger import FIRST, THIRD, Running, Served, record

from api.server import make_server
from ledger.chain.contracts import Contracts
from ledger.chain.rpc import HttpNode
from ledger.errors import ChainUnavailable
from ledger.store.database import open_database
from ledger.workflows.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "a sentence that stands in a document"


@pytest.fixture
def without_chain(served: Served) -> Iterator[Served]:
    """The same ledger, with its node out of reach."""
    node = HttpNode("http://127.0.0.1:9", timeout=1)
    ledger = served.ledger
    cut_off = dataclasses.replace(ledger, node=node, contracts=Contracts(node, ledger.deployment))
    with Running(make_server(cut_off, "127.0.0.1", 0)) as url:
        yield Served(cut_off, url)


def test_without_the_chain_what_needs_it_says_when_to_try_again(without_chain: Served) -> None:
    with without_chain.client("audit") as client:
        for path in ("/v1/checkpoints/latest", "/readyz"):
            answer = client.get(path)
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["content-type"] == "application/problem+json"
            assert "127.0.0.1" not in answer.text  # where the node is stands in the operator's log
        failed = client.get("/readyz").json()["errors"]
        assert [each["field"] for each in failed] == ["chain", "clock", "index"]


def test_a_dead_worker_is_named_and_takes_readiness_away(served: Served) -> None:
    workers = [
        Worker(name, lambda _: "", 0.01, lambda _: None, lambda *_: None) for name in ("sender", "follower")
    ]
    workers[1].start()
    with (
        Running(make_server(served.ledger, "127.0.0.1", 0, workers)) as url,
        httpx.Client(base_url=url) as client,
    ):
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert [(each["field"], each["reason"]) for each in answer.json()["errors"]] == [
            ("sender", "is dead")
        ]
        assert client.get("/healthz").status_code == 200
        figures = client.get("/metrics").text
    workers[1].stop()
    assert 'credit_ledger_worker_works{worker="sender"} 0.0' in figures
    assert 'credit_ledger_worker_works{worker="follower"} 1.0' in figures


def test_what_a_worker_met_is_told_to_the_port_by_its_code_alone(served: Served) -> None:
    said = []

    def meets(_: Worker) -> str:
        raise ChainUnavailable(f"http://node.example:8545 has 3 records of GACC about {FIRST}")

    worker = Worker("sender", meets, 0.01, said.append, lambda *_: None)
    worker.start()
    while not said:
        time.sleep(0.01)
    worker.stop()
    worker.join()
    with (
        Running(make_server(served.ledger, "127.0.0.1", 0, [worker])) as url,
        httpx.Client(base_url=url) as client,
    ):
        answer, figures = client.get("/readyz"), client.get("/metrics").text
    assert answer.json()["errors"][0]["reason"] == "is dead; the last round met: chain-unavailable"
    for each in (answer.text, figures):
        assert not any(name in each for name in ("node.example", "GACC", FIRST))
    assert "node.example" in said[0]


def test_without_the_chain_reading_and_posting_go_on(without_chain: Served) -> None:
    with without_chain.client("authority:GACC") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get(f"/v1/enterprises/{FIRST}/score").status_code == 200
        sent = {"records": [record(without_chain, THIRD, "CU07", "without chain")]}
        assert client.post("/v1/records", json=sent).status_code == 202
        assert "credit_ledger_index_lag_blocks NaN" in client.get("/metrics").text


def test_an_empty_vault_knows_no_key(served: Served, tmp_path: Path) -> None:
    with open_database(None, tmp_path) as empty:
        other = dataclasses.replace(served.ledger, db=empty)
        with Running(make_server(other, "127.0.0.1", 0)) as url, served.client("audit") as client:
            answer = client.get(f"{url}/v1/checkpoints/latest")
            assert answer.status_code == 401


def test_a_vault_without_its_tables_is_a_503(served: Served, tmp_path: Path) -> None:
    with open_database(None, tmp_path) as broken:
        with broken.write_vault() as vault:
            vault.exec_driver_sql("DROP TABLE api_keys")
        other = dataclasses.replace(served.ledger, db=broken)
        with Running(make_server(other, "127.0.0.1", 0)) as url, served.client("audit") as client:
            answer = client.get(f"{url}/v1/checkpoints/latest")
            assert answer.status_code == 503
            assert "retry-after" in answer.headers


def test_what_nobody_foresaw_is_a_problem_and_stays_in_the_log(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server(served.ledger, "127.0.0.1", 0)

    @server.config.app.get("/broken")
    def broken() -> None:
        value = SECRET
        raise RuntimeError(f"unforeseen {len(value)}")

    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with Running(server) as url:
        answer = httpx.get(f"{url}/broken", headers={"Authorization": "Bearer cl_secret"})
    assert answer.status_code == 500
    found = answer.json()
    assert found["type"].endswith(":internal")
    assert "unforeseen" not in answer.text
    (line,) = [
        each for each in map(json.loads, written.getvalue().splitlines()) if each["event"] == "unexpected"
    ]
    assert line["request_id"] == found["request_id"]
    assert "unforeseen" in json.dumps(line)
    assert SECRET not in written.getvalue()
    assert "cl_secret" not in written.getvalue()


def test_the_log_has_a_line_for_every_request_and_no_secrets(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with served.client("authority:GACC") as client:
        token = client.headers["authorization"].split()[1]
        answers = [
            client.post(
                "/v1/records", json={"records": [record(served, THIRD, "CU07", "logged 1", document=SECRET)]}
            ),
            client.post("/v1/records", json={"records": [record(served, "uscc:1", "CU07", SECRET)]}),
            client.get(f"/v1/enterprises/{FIRST}/record"),
            client.get("/nowhere", params={"q": SECRET}),
        ]
    deadline = time.monotonic() + 10  # a line is written once its answer has left
    while written.getvalue().count('"request"') < len(answers) and time.monotonic() < deadline:
        time.sleep(0.01)
    lines = [json.loads(each) for each in written.getvalue().splitlines()]
    requests = {each["request_id"]: each for each in lines if each["event"] == "request"}
    for answer in answers:
        line = requests[answer.headers["x-request-id"]]
        assert line["status"] == answer.status_code
        assert line["ms"] >= 0
    assert requests[answers[0].headers["x-request-id"]]["key"] == token.split("_")[1]
    for secret in (token, token.rsplit("_", 1)[1], SECRET, FIRST, FIRST.removeprefix("uscc:"), "logged 1"):
        assert secret not in written.getvalue()


def test_the_same_request_at_once_is_carried_out_once(served: Served) -> None:
    body = json.dumps({"records": [record(served, THIRD, "CU07", f"race {each}") for each in range(200)]})
    headers = {"Content-Type": "application/json", "Idempotency-Key": "race"}
    answers: list[httpx.Response] = []
    with served.client("authority:GACC") as client:

        def send() -> None:
            answers.append(client.post("/v1/records", content=body, headers=headers))

        threads = [threading.Thread(target=send) for _ in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        last = client.post("/v1/records", content=body, headers=headers)
    assert last.json()["accepted"] == 200
    for each in answers:
        assert each.status_code in (202, 409)
        if each.status_code == 202:
            assert each.content == last.content
        else:
            assert int(each.headers["retry-after"]) > 0


def test_many_readers_at_once_are_all_answered_and_all_logged(served: Served) -> None:
    with served.client("authority:SAFE") as client:
        statuses: list[int] = []

        def read() -> None:
            statuses.extend(client.get(f"/v1/enterprises/{FIRST}/score").status_code for _ in range(10))

        threads = [threading.Thread(target=read) for _ in range(32)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert statuses == [200] * 320
        page = client.get(f"/v1/enterprises/{FIRST}/accesses", params={"limit": 500}).json()
    assert sum(each["by"] == "authority:SAFE" and each["what"] == "score" for each in page["accesses"]) == 320


def test_too_many_at_once_are_turned_away_and_health_still_answers(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.turns.KEYED_UNDER_WAY", 0)
    with served.client("audit") as client:
        answer = client.get(f"/v1/enterprises/{FIRST}/score")
        assert answer.status_code == 503
        assert answer.json()["type"].endswith(":busy")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
