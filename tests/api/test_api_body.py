"""A body from a stranger is either a JSON value a database can keep, or a 400 that says what is wrong."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.body import MAX_CONTAINERS, parse_json
from api.depth import MAX_DEPTH
from api.errors import BadBody

if TYPE_CHECKING:
    from served_ledger import Served

VECTORS = json.loads((Path(__file__).parent / "hostile_json.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_hostile_json_is_refused_with_its_reason(case: dict[str, str]) -> None:
    raw = bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode()
    with pytest.raises(BadBody) as refused:
        parse_json(raw)
    assert case["says"] in str(refused.value)


def test_nesting_is_taken_up_to_its_limit_and_not_beyond() -> None:
    parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(BadBody, match="deeper"):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_very_deep_nesting_is_refused_before_the_parser_crashes(opening: bytes) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # what a library may have done
    try:
        with pytest.raises(BadBody, match="deeper"):
            parse_json(opening * 500_000)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    "text", [r'"[[[["', r'["\"[", "\\", "[["]', '"' + "[" * 10_000 + '"', r'{"{\"{{": "}"}']
)
def test_brackets_in_texts_are_no_depth(text: str) -> None:
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["]" * 100_000, '"' * 100_001, '"\\' * 50_000, "[]" * 1_000_000, '"a' * 500_000]
)
def test_no_body_takes_long_to_refuse(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(BadBody):
        parse_json(text.encode())
    assert time.perf_counter() - began < 2


def test_what_json_allows_is_kept() -> None:
    text = '\ufeff{"a": [1, 2.5, -3e2, null, true], "企业": "\\ud83d\\ude00 \\u4e2d"}'
    assert parse_json(text.encode()) == {"a": [1, 2.5, -300.0, None, True], "企业": "\U0001f600 中"}


def test_a_crowd_of_objects_is_refused_before_it_is_made() -> None:
    parse_json(b"[" + b"{}," * (MAX_CONTAINERS - 2) + b"[]]")
    with pytest.raises(BadBody, match="objects and lists"):
        parse_json(b"[" + b"{}," * MAX_CONTAINERS + b"[]]")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 422),
        ('Application/JSON ; charset="UTF-8"; v=1;', 422),
        ("application/json; charset=gbk", 415),
        ("application/json; charset=utf-8; charset=gbk", 415),
        ("application/json; charset*=a'b'%ff", 415),
        ("application/json; charset*" + "9" * 5_000 + "=utf-8", 415),
        ('application/json; x="' + ";" * 60_000, 415),
        ("application/json" + "; a" * 60, 415),
        ("application/jsonp", 415),
    ],
    ids=["plain", "spelt", "gbk", "twice", "of mail", "many digits", "many parts", "no values", "another"],
)
def test_a_media_type_has_one_form_and_takes_no_time(served: Served, media_type: str, status: int) -> None:
    with served.client("authority:GACC") as client:
        began = time.monotonic()
        answer = client.post("/v1/records", content=b"[]", headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert time.monotonic() - began < 2


def test_a_row_of_nothing_but_unknown_names_is_one_error(served: Served) -> None:
    row = {f"f{number}": 1 for number in range(50_000)}
    with served.client("authority:GACC") as client:
        answer = client.post("/v1/records", json={"records": [row, {"x" * 100_000: 1}]})
    assert answer.status_code == 422
    assert len(answer.content) < 10_000
    assert "50000 fields" in answer.text
