"""Who may call what: every route against every kind of caller, and what an enterprise's key opens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
from served_ledger import CLEAN, FIRST, FOURTH, NAME, SECOND, THIRD, post, record

from ledger.domain.catalogue import LINKED_TO
from ledger.domain.parties import parse_party
from ledger.domain.submissions import Submission
from ledger.outbox.accept import accept
from ledger.store.access import list_keys, revoke_key

if TYPE_CHECKING:
    from served_ledger import Served

UNKNOWN_SUBMISSION = "0" * 32
ROUTES = {
    "post": ("POST", "/v1/records"),
    "submission": ("GET", f"/v1/submissions/{UNKNOWN_SUBMISSION}"),
    "enterprise": ("GET", f"/v1/enterprises/{FIRST}"),
    "record": ("GET", f"/v1/enterprises/{FIRST}/record"),
    "score": ("GET", f"/v1/enterprises/{FIRST}/score"),
    "accesses": ("GET", f"/v1/enterprises/{FIRST}/accesses"),
    "evidence": ("GET", f"/v1/enterprises/{FIRST}/evidence"),
    "objections": ("GET", f"/v1/enterprises/{FIRST}/objections"),
    "checkpoint": ("GET", "/v1/checkpoints/latest"),
    "leaves": ("GET", "/v1/log/leaves"),
    "inclusion": ("GET", "/v1/log/inclusion?leaf=0"),
    "consistency": ("GET", "/v1/log/consistency?first=1"),
}
READS = ("enterprise", "record", "score", "accesses", "evidence", "objections")
PROOFS = ("checkpoint", "inclusion", "consistency")
#: Status of each route, by scope; 415 and 404 mean that the caller was let in.
ALLOWED = {
    None: {},
    "authority:STA": {"post": 415, "submission": 404, **dict.fromkeys((*READS, *PROOFS), 200)},
    f"enterprise:{FIRST}": dict.fromkeys((*READS, *PROOFS), 200) | {"submission": 404},
    f"enterprise:{SECOND}": dict.fromkeys(PROOFS, 200) | {"submission": 404},
    "audit": {"submission": 404, **dict.fromkeys((*READS, *PROOFS, "leaves"), 200)},
}


@pytest.mark.parametrize("scope", ALLOWED, ids=str)
def test_every_route_is_closed_but_to_those_it_is_for(served: Served, scope: str | None) -> None:
    refused = 403 if scope else 401
    with served.client(scope) as client:
        found = {name: client.request(*where).status_code for name, where in ROUTES.items()}
    assert found == {name: ALLOWED[scope].get(name, refused) for name in ROUTES}


def test_the_table_above_has_every_route(served: Served) -> None:
    with served.client(None) as client:
        paths = client.get("/v1/openapi.json").json()["paths"]
    behind_a_key = [
        path for path, methods in paths.items() for each in methods.values() if each.get("security")
    ]
    assert len(behind_a_key) == len(ROUTES)
    assert {path for path in paths if path not in behind_a_key} == {"/healthz", "/readyz", "/metrics"}


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer x", "bearer cl_000000000000_" + "0" * 64, "Basic Y2w6Y2w=", "cl_0_0",
        "Bearer cl_000000000000_" + "f" * 64, "Bearer \xff\xfe", "Bearer " + "a" * 5000, "Bearer cl_1_2 cl_3_4",
    ],
)  # fmt: skip
def test_no_key_or_a_wrong_one_is_a_401_with_its_challenge(served: Served, header: str) -> None:
    answer = httpx.get(
        f"{served.url}/v1/enterprises/{FIRST}/score", headers=[(b"Authorization", header.encode("latin-1"))]
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:credit-ledger:problem:unauthenticated"


def test_a_revoked_key_opens_nothing_from_then_on(served: Served) -> None:
    with served.client("audit") as client:
        assert client.get("/v1/checkpoints/latest").status_code == 200
        key = list_keys(served.ledger.db)[-1]
        revoke_key(served.ledger.db, key.id, 1)
        assert client.get("/v1/checkpoints/latest").status_code == 401


def test_an_enterprise_learns_nothing_about_others(served: Served) -> None:
    with served.client(f"enterprise:{SECOND}") as client:
        known = client.get(f"/v1/enterprises/{FIRST}/score")
        unknown = client.get(f"/v1/enterprises/{CLEAN}/score")
    assert known.status_code == unknown.status_code == 403
    assert known.json()["detail"] == unknown.json()["detail"]


def test_an_enterprise_that_is_not_in_the_ledger_hears_so(served: Served) -> None:
    with served.client(f"enterprise:{CLEAN}") as client:
        assert client.get(f"/v1/enterprises/{CLEAN}/score").status_code == 404
        assert client.get(f"/v1/enterprises/{FIRST}/score").status_code == 403


def test_an_authority_reads_its_own_submissions_only(served: Served) -> None:
    sent = post(served, "STA", record(served, THIRD, "TX01", "tax 1"))
    where = f"/v1/submissions/{sent['submission']}"
    with served.client("authority:STA") as own, served.client("audit") as audit:
        assert own.get(where).status_code == audit.get(where).status_code == 200
    with served.client("authority:GACC") as other:
        assert other.get(where).status_code == 404
    with served.client(f"enterprise:{SECOND}") as subject:
        assert subject.get(where).status_code == 403


def test_an_enterprise_reads_the_names_linked_to_it(served: Served) -> None:
    named = "name:CN:SHENZHEN LINKED GOODS"
    post(served, "GACC", record(served, FOURTH, "CU15", "certified 4"))
    post(served, "US-CPSC", record(served, named, "FR01", "24-777", 3))
    served.settle()
    path = f"/v1/enterprises/{quote(named, safe='')}"
    with served.client(f"enterprise:{FOURTH}") as own, served.client(f"enterprise:{FIRST}") as other:
        assert own.get(f"{path}/score").status_code == 403
        _link(served, named, FOURTH)
        served.settle()
        found = own.get(f"{path}/score")
        assert found.status_code == 200
        assert found.json()["id"] == FOURTH
        assert other.get(f"{path}/score").status_code == 403
        listed = own.get(f"/v1/enterprises/{FOURTH}").json()["linked"]
        assert listed == [parse_party(named).key]
        looked = own.get(f"/v1/enterprises/{FOURTH}/accesses").json()["accesses"]
        assert "score" in [each["what"] for each in looked]


def _link(served: Served, name: str, code: str) -> None:
    ledger = served.ledger
    link = ledger.catalogue.by_number[LINKED_TO]
    day = ledger.today()
    row = Submission(parse_party(name), link, day, day, f"link {name}", code, "officer's reason")
    authority = ledger.authorities["SAMR"]
    (outcome,) = accept(ledger.db, ledger.keystore, ledger.catalogue, authority, [(1, row)], "test")
    assert outcome.status == "accepted", outcome


def test_the_name_alone_is_read_by_its_own_key(served: Served) -> None:
    with served.client(f"enterprise:{NAME}") as own:
        assert own.get(f"/v1/enterprises/{quote(NAME, safe='')}/score").status_code == 200
