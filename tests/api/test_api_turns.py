"""No key takes everything: turns of one key, and how many large records are read at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
from served_ledger import FIRST, SECOND

from api.routes import enterprises
from api.turns import AT_ONCE, LARGE_READS, LARGE_READS_OF_ONE, UNDER_WAY, LargeReads, Turns
from ledger.errors import Busy
from ledger.outbox.identities import identity_of

if TYPE_CHECKING:
    from served_ledger import Served


def test_one_key_has_a_few_turns_and_another_its_own() -> None:
    turns, running, most = Turns(str), dict.fromkeys("ab", 0), dict.fromkeys("ab", 0)

    async def ask(key: str) -> None:
        async with turns.of(key):
            running[key] += 1
            most[key] = max(most[key], running[key])
            await asyncio.sleep(0.005)
            running[key] -= 1

    async def crowd() -> None:
        first = [asyncio.create_task(ask("a")) for _ in range(UNDER_WAY)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="with this key are under way"):
            await ask("a")
        await asyncio.wait_for(ask("b"), 0.05)
        assert not all(each.done() for each in first)
        await asyncio.gather(*first)

    asyncio.run(crowd())
    assert most == {"a": AT_ONCE, "b": 1}
    assert not turns._lines
    assert not turns._under_way


def test_what_needs_no_key_is_bounded_apart_from_keys_and_health_is_not(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served.client("authority:GACC") as gacc, served.client(None) as nobody:
        monkeypatch.setattr("api.turns.STRANGERS_UNDER_WAY", 0)
        for path in ("/metrics", "/readyz", "/v1/openapi.json", "/nothing"):
            answer = nobody.get(path)
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True), path
        assert nobody.get("/healthz").status_code == 200
        assert gacc.get(f"/v1/enterprises/{FIRST}/record").status_code == 200


def asking(url: str, authorization: str, *, whole: bool) -> socket.socket:
    """Post, with a body that is whole or waits for its last byte."""
    host, port = url.removeprefix("http://").split(":")
    plain = socket.create_connection((host, int(port)), timeout=20)
    head = f"POST /v1/records HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    plain.sendall(f"{head}{'[]' if whole else '['}".encode())
    return plain


def test_one_key_in_many_spellings_has_one_line(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.turns.UNDER_WAY", 3)
    token, another = served.key("authority:GACC"), served.key("authority:GACC")
    with contextlib.ExitStack() as held:
        for scheme in ("Bearer", "bearer", "BEARER"):
            held.enter_context(asking(served.url, f"{scheme} {token}", whole=False))
        time.sleep(0.3)
        for authorization, status in (
            (f"bEARER {token}", b"503"),
            (f"Bearer {another}", b"422"),
            (f"Bearer {token[:-1]}x", b"401"),
        ):
            with asking(served.url, authorization, whole=True) as last:
                assert last.recv(4096).startswith(b"HTTP/1.1 " + status)


def test_strangers_fill_their_own_line_alone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.turns.STRANGERS_UNDER_WAY", 0)
    token = served.key("audit")
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    with served.client(None) as client:
        for headers in ({}, {"Authorization": f"Bearer {wrong}"}, {"Authorization": "Basic YTpi"}):
            answer = client.get("/v1/checkpoints/latest", headers=headers)
            assert answer.status_code == 503
            assert "without a valid key" in answer.json()["detail"]
        known = client.get("/v1/checkpoints/latest", headers={"Authorization": f"Bearer {token}"})
        assert known.status_code != 503
        assert client.get("/healthz").status_code == 200


def test_large_records_are_read_a_few_at_a_time_and_one_for_each_key(served: Served) -> None:
    reads = LargeReads(served.ledger.db)
    with served.ledger.db.read_vault() as vault:
        enterprise = identity_of(vault, FIRST).enterprise
    with contextlib.ExitStack() as held:
        for key in range(LARGE_READS):
            held.enter_context(reads.room(f"key {key}", enterprise, 2))
        for key in ("key 0", "another"):
            with pytest.raises(Busy, match="very large"), reads.room(key, enterprise, 2):
                pass
        with reads.room("key 0", enterprise, 1_000):  # no large one
            pass
    with reads.room("another", enterprise, 2):
        pass
    assert LARGE_READS_OF_ONE == 1
    assert not +reads._under_way


@pytest.mark.parametrize("what", ["score", "evidence"])
def test_who_comes_too_often_hears_when_to_come_again(
    served: Served, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    for name in ("LARGE_SCORE", "LARGE_EVIDENCE"):
        monkeypatch.setattr(enterprises, name, 1)
    monkeypatch.setattr("api.turns.LARGE_READS", 0)
    with served.client("audit") as audit:
        refused = audit.get(f"/v1/enterprises/{SECOND}/{what}")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["type"].endswith(":busy")
        assert audit.get(f"/v1/enterprises/{SECOND}/record").status_code == 200


@pytest.mark.parametrize("many", [0, 1, 500, 501, 1201])
def test_a_score_written_in_steps_is_the_score(many: int) -> None:
    found = {
        "id": "名",
        "score": 84.5,
        "reasons": [{"record": f"GACC-{n}", "until": None} for n in range(many)],
    }
    written = enterprises._in_steps(found)  # type: ignore[arg-type]
    assert json.loads(written) == found
    assert written == json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
