"""Bad requests: each a problem document that names what does not fit, never a 500, and good rows go through."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from served_ledger import FIRST, THIRD, post, record

from api.body import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from served_ledger import Served


@pytest.fixture(scope="module")
def gacc(served: Served) -> httpx.Client:
    return served.client("authority:GACC")


def problem(answer: httpx.Response, status: int) -> dict:
    """Check what every problem document has, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["type"].startswith("urn:credit-ledger:problem:")
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert found["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return found


class Hostile(NamedTuple):
    """A body to post, and what comes of it."""

    name: str
    body: bytes
    status: int
    says: str
    content_type: str | None = "application/json"


ROW = b'{"party": "9144030071526726XG", "type": "CU04", "decided_on": "2026-05-04", "reference": "never %d"}'
HOSTILE = [
    Hostile("empty", b"", 400, "not JSON"),
    Hostile("not JSON", b"party,type\n", 400, "not JSON"),
    Hostile("bad utf-8", b'{"records": ["\xff"]}', 400, "not UTF-8"),
    Hostile("NaN", b'{"records": [NaN]}', 400, "NaN"),
    Hostile("deep", b'{"records": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "deeper"),
    Hostile("lone surrogate", b'{"records": [{"party": "\\ud800"}]}', 400, "U+D800"),
    Hostile("NUL", b'{"records": [{"reference": "a\\u0000"}]}', 400, "U+0000"),
    Hostile("duplicate key", b'{"records": [], "records": []}', 400, "twice"),
    Hostile("list", b"[]", 422, "not an object"),
    Hostile("string", b'"records"', 422, "not an object"),
    Hostile("null", b"null", 422, "not an object"),
    Hostile("no records", b"{}", 422, "records"),
    Hostile("records null", b'{"records": null}', 422, "not a list"),
    Hostile("records object", b'{"records": {"0": {}}}', 422, "not a list"),
    Hostile("no rows", b'{"records": []}', 422, "not 1 to 1000"),
    Hostile("1,001 rows", b'{"records": [' + b",".join([b"{}"] * 1001) + b"]}", 422, "1001 records"),
    Hostile("other key", b'{"records": [{}], "authority": "STA"}', 422, "no such field"),
    Hostile("row is a list", b'{"records": [[]]}', 422, "None of the 1 records"),
    Hostile("row is null", b'{"records": [null, 3, "x", true]}', 422, "None of the 4 records"),
    Hostile("wrong types", b'{"records": [{"party": 1, "type": [], "decided_on": 20260504, "reference": {}}]}', 422, "None"),
    Hostile("too large", b" " * (MAX_BODY + 1), 413, str(MAX_BODY)),
    Hostile("no media type", b"{}", 415, "No Content-Type", None),
    Hostile("form", b"a=b", 415, "x-www-form-urlencoded", "application/x-www-form-urlencoded"),
    Hostile("text", b"{}", 415, "text/plain", "text/plain"),
    Hostile("utf-16", '{"records": []}'.encode("utf-16"), 415, "utf-16", "application/json; charset=utf-16"),
    Hostile("odd media type", b"{}", 415, "send application/json", ";;;"),
]  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_hostile_bodies_are_refused_in_words(gacc: httpx.Client, case: Hostile) -> None:
    headers = {} if case.content_type is None else {"Content-Type": case.content_type}
    found = problem(gacc.post("/v1/records", content=case.body, headers=headers), case.status)
    assert case.says in found["detail"]
    assert (case.status == 422) == ("errors" in found)


def test_a_body_without_end_is_cut_off(served: Served, gacc: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        sent = 0
        while sent < 50 * MAX_BODY:
            yield b" " * 65536
            sent += 65536
        pytest.fail("the server read it all")

    try:
        answer = gacc.post("/v1/records", content=endless(), headers={"Content-Type": "application/json"})
    except httpx.TransportError:
        # The answer was sent and the connection closed while we were still writing: see it on a raw socket.
        assert b" 413 " in _raw_chunks(served, MAX_BODY // 65536 + 2)
    else:
        problem(answer, 413)


def _raw_chunks(served: Served, many: int) -> bytes:
    where = urlsplit(served.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        head = (
            "POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {served.key('authority:GACC')}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())
        for _ in range(many):
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        return connection.recv(4096)


def test_a_declared_size_is_refused_before_it_is_sent(served: Served) -> None:
    where = urlsplit(served.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        head = (
            "POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {served.key('authority:GACC')}\r\nContent-Length: 200000000\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(4096)


def test_every_bad_field_of_every_row_is_named_and_good_rows_are_recorded(
    served: Served, gacc: httpx.Client
) -> None:
    today = served.ledger.today()
    rows = [
        record(served, THIRD, "CU07", "mixed 1"),
        record(served, "uscc:9144030071526726XH", "CU04", "mixed 2"),
        record(served, THIRD, "TX01", "mixed 3") | {"conduct_on": "2999-01-01"},
        record(served, THIRD, "CU99", "") | {"decided_on": "2026-13-01", "colour": "red"},
        record(served, THIRD, "LC03", "mixed 5", refers_to="nothing"),
        record(served, THIRD, "CU04", "mixed 6", -1),
        record(served, THIRD, "CU07", "mixed 7"),
    ]
    answer = gacc.post("/v1/records", json={"records": rows})
    assert answer.status_code == 202, answer.text
    found = answer.json()
    assert (found["accepted"], found["duplicate"], found["rejected"]) == (2, 0, 5)
    assert [(each["row"], each["field"]) for each in found["errors"]] == [
        (2, "party"),
        (3, "type"), (3, "conduct_on"),
        (4, "type"), (4, "decided_on"), (4, "reference"), (4, "colour"),
        (5, "refers_to"),
        (6, "decided_on"),
    ]  # fmt: skip
    assert all(each["reason"] for each in found["errors"])
    assert found["errors"][0]["value"] == "uscc:9144030071526726XH"
    assert answer.headers["location"] == f"/v1/submissions/{found['submission']}"
    assert today == served.ledger.today(), "midnight in Shanghai: run again"


def test_a_repeated_record_is_a_duplicate_and_a_changed_one_is_refused(
    served: Served, gacc: httpx.Client
) -> None:
    first = record(served, THIRD, "CU07", "twice 1", document="a")
    post(served, "GACC", first)
    again = gacc.post("/v1/records", json={"records": [first]}).json()
    assert (again["accepted"], again["duplicate"]) == (0, 1)
    changed = problem(gacc.post("/v1/records", json={"records": [first | {"document": "b"}]}), 422)
    assert [(each["row"], each["field"]) for each in changed["errors"]] == [(1, "document")]


def test_a_document_may_be_json_and_may_not_be_too_large(served: Served, gacc: httpx.Client) -> None:
    big = record(served, THIRD, "CU07", "big 1", document="x" * (1 << 20))
    assert gacc.post("/v1/records", json={"records": [big]}).status_code == 202
    over = record(served, THIRD, "CU07", "big 2", document="x" * (5 << 20))
    found = problem(gacc.post("/v1/records", json={"records": [over]}), 422)
    assert found["errors"][0]["field"] == "document"
    assert len(found["errors"][0]["value"]) <= 80


def test_an_idempotency_key_gets_the_same_answer_and_only_for_the_same_body(
    served: Served, gacc: httpx.Client
) -> None:
    body = json.dumps({"records": [record(served, THIRD, "CU07", "idem 1"), {}]}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "run-1"}
    first = gacc.post("/v1/records", content=body, headers=headers)
    again = gacc.post("/v1/records", content=body, headers=headers)
    assert first.status_code == again.status_code == 202
    assert first.content == again.content, "an accepted row would be a duplicate if it were processed again"
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    found = problem(gacc.post("/v1/records", content=body + b" ", headers=headers), 422)
    assert found["type"].endswith("idempotency-key-reused")
    with served.client("authority:STA") as other:
        problem(other.post("/v1/records", content=body, headers=headers), 422)


def test_a_refused_body_keeps_its_answer_too(gacc: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "run-2"}
    answers = [gacc.post("/v1/records", content=b'{"records": [{}]}', headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [422, 422]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["content-type"] == "application/problem+json"


def test_a_failed_request_leaves_its_idempotency_key_free(served: Served, gacc: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "run-3"}
    problem(gacc.post("/v1/records", content=b'{"records": 1}', headers=headers), 422)
    body = json.dumps({"records": [record(served, THIRD, "CU07", "idem 3")]})
    assert gacc.post("/v1/records", content=body, headers=headers).status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 201])
def test_an_unfit_idempotency_key_is_named(gacc: httpx.Client, key: str) -> None:
    headers = [(b"Content-Type", b"application/json"), (b"Idempotency-Key", key.encode("latin-1"))]
    found = problem(gacc.post("/v1/records", content=b"{}", headers=headers), 422)
    assert found["errors"][0]["field"].lower() == "idempotency-key"


BAD_PARAMETERS = [
    (f"/v1/enterprises/{FIRST}/score?as_of=yesterday", "as_of"),
    (f"/v1/enterprises/{FIRST}/score?as_of=2026-02-30", "as_of"),
    (f"/v1/enterprises/{FIRST}/score?as_of=2026-5-4", "as_of"),
    (f"/v1/enterprises/{FIRST}/score?as_of=2999-01-01", "as_of"),
    (f"/v1/enterprises/{FIRST}/score?as_of=%EF%BC%92026-01-01", "as_of"),
    (f"/v1/enterprises/{FIRST}/score?asof=2026-05-04", "asof"),
    (f"/v1/enterprises/{FIRST}/record?cursor=!", "cursor"),
    (f"/v1/enterprises/{FIRST}/record?cursor=MS4y.Mw", "cursor"),
    (f"/v1/enterprises/{FIRST}/record?cursor=MQ", "cursor"),
    (f"/v1/enterprises/{FIRST}/record?limit=0", "limit"),
    (f"/v1/enterprises/{FIRST}/record?limit=501", "limit"),
    (f"/v1/enterprises/{FIRST}/record?limit=1e3", "limit"),
    (f"/v1/enterprises/{FIRST}/accesses?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk", "cursor"),
    ("/v1/enterprises/uscc:9144030071526726XH/score", "id"),
    ("/v1/enterprises/nobody", "id"),
    ("/v1/enterprises/%00", "id"),
    ("/v1/enterprises/%ff%fe/score", "id"),
    ("/v1/enterprises/" + "x" * 601, "id"),
    ("/v1/submissions/1", "id"),
    ("/v1/submissions/" + "A" * 32, "id"),
    ("/v1/log/inclusion", "leaf"),
    ("/v1/log/inclusion?leaf=-1", "leaf"),
    ("/v1/log/inclusion?leaf=99999999999999999999999", "leaf"),
    ("/v1/log/consistency?first=x", "first"),
]


@pytest.mark.parametrize(("path", "field"), BAD_PARAMETERS)
def test_a_parameter_that_does_not_fit_is_named(gacc: httpx.Client, path: str, field: str) -> None:
    found = problem(gacc.get(path), 422)
    assert found["errors"][0]["field"] == field
    assert found["errors"][0]["reason"]


@pytest.mark.parametrize(
    "path",
    [
        "/", "/v1", "/v2/records", "/v1/records/", "/v1/enterprises", "/docs", "/openapi.json",
        "/v1/enterprises/uscc:91440300192317458F", "/v1/submissions/" + "0" * 32,
        "/v1/log/inclusion?leaf=100000", "/v1/log/inclusion?leaf=0&size=100000", "/v1/log/consistency?first=100000",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_404(gacc: httpx.Client, path: str) -> None:
    problem(gacc.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/records"),
        ("DELETE", f"/v1/enterprises/{FIRST}"),
        ("PUT", "/healthz"),
        ("BREW", "/healthz"),
    ],
)
def test_another_method_is_a_405_that_says_which(gacc: httpx.Client, method: str, path: str) -> None:
    answer = gacc.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"]


def test_a_request_id_is_kept_if_it_is_plain(gacc: httpx.Client) -> None:
    kept = gacc.get("/nowhere", headers={"X-Request-Id": "trace-42"})
    assert problem(kept, 404)["request_id"] == "trace-42"
    made = gacc.get("/nowhere", headers={"X-Request-Id": 'a"b\\c'})
    assert problem(made, 404)["request_id"] != 'a"b\\c'
