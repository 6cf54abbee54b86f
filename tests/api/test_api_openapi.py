"""The description and the service agree: every answer is one that the description has, whatever is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from served_ledger import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from served_ledger import Served

#: No schema can say that check digits hold, that a day is in the calendar, or which cursor was given out.
load_all_checks()
BEYOND_SCHEMAS = CHECKS.get_by_names(["positive_data_acceptance"])
METHODS = {"get", "post", "put", "patch", "delete"}
ROUTES = (
    "POST /v1/records",
    "GET /v1/submissions/{id}",
    "GET /v1/enterprises/{id}",
    "GET /v1/enterprises/{id}/record",
    "GET /v1/enterprises/{id}/score",
    "GET /v1/enterprises/{id}/evidence",
    "GET /v1/enterprises/{id}/objections",
    "GET /v1/enterprises/{id}/accesses",
    "GET /v1/checkpoints/latest",
    "GET /v1/log/leaves",
    "GET /v1/log/inclusion",
    "GET /v1/log/consistency",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
)


@pytest.fixture(scope="module")
def described(served: Served) -> dict:
    return httpx.get(f"{served.url}/v1/openapi.json").json()


def operations(described: dict) -> Iterator[tuple[str, dict]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method.upper()} {path}", operation


def test_every_route_of_the_design_is_described(described: dict) -> None:
    assert sorted(name for name, _ in operations(described)) == sorted(ROUTES)


def test_every_error_is_described_as_a_problem_document(described: dict) -> None:
    for name, operation in operations(described):
        errors = {int(status): answer for status, answer in operation["responses"].items() if status >= "4"}
        assert 500 in errors, name
        for status, answer in errors.items():
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, (name, status)
            assert answer["description"], (name, status)
        if operation.get("security"):
            assert {401, 422, 503} <= errors.keys(), name
            assert "WWW-Authenticate" in errors[401]["headers"], name
        if name.startswith("POST"):
            assert {400, 408, 409, 413, 415} <= errors.keys(), name


def test_the_key_is_described_and_every_operation_says_what_it_is(described: dict) -> None:
    scheme = described["components"]["securitySchemes"]["apiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    names = [operation["operationId"] for _, operation in operations(described)]
    assert len(set(names)) == len(names)
    for name, operation in operations(described):
        assert operation["summary"], name
        assert operation["description"], name


def test_the_example_of_a_record_is_accepted_by_the_service(served: Served, described: dict) -> None:
    example = described["components"]["schemas"]["RecordsIn"]["examples"][0]
    with served.client("authority:GACC") as client:
        answer = client.post("/v1/records", json=example)
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == 0


@pytest.fixture(scope="module")
def schema(served: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{served.url}/v1/openapi.json")


@pytest.fixture(scope="module")
def headers(served: Served) -> dict[str, dict[str, str]]:
    return {
        method: {"Authorization": f"Bearer {served.key(scope)}"}
        for method, scope in (("POST", "authority:GACC"), ("GET", "audit"))
    }


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fit", "unfit"])
def test_no_request_gets_an_answer_that_is_not_described(
    schema: schemathesis.BaseSchema, headers: dict[str, dict[str, str]], name: str, mode: GenerationMode
) -> None:
    method, path = name.split()
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and not operation.definition.raw.get("parameters") and method == "GET":
        pytest.skip("takes nothing that could be unfit")

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        if "/enterprises/{id}" in path and mode is GenerationMode.POSITIVE:
            case.path_parameters["id"] = FIRST
            case.query.pop("cursor", None)
        case.call_and_validate(headers=headers[method], excluded_checks=BEYOND_SCHEMAS)

    holds()
