"""Who may call what: every route against every kind of caller, and what an enterprise's key opens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
from served_ledger import CLEAN, FIRST, FOURTH, NAME, SECOND, THIRD, post, record

from ledger.domain.calendar import iso
from ledger.domain.catalogue import LINKED_TO
from ledger.domain.parties import parse_party
from ledger.domain.submissions import Submission
from ledger.outbox.accept import accept
from ledger.store.access import revoke_key
from ledger.workflows.linking import unlink
from ledger.workflows.objecting import open_objection

if TYPE_CHECKING:
    from served_ledger import Served

#: Firms of these tests alone: who is linked shows more than others expect.
SEVENTH = "uscc:91330106MA2CFNDGXM"
SIXTH = "uscc:91330106MA2CFMDG7A"
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
    f"enterprise:{FIRST}": dict.fromkeys((*READS, *PROOFS), 200),
    f"enterprise:{SECOND}": dict.fromkeys(PROOFS, 200),
    "audit": {"submission": 404, **dict.fromkeys((*READS, *PROOFS, "leaves"), 200)},
}
#: Whose key stands for each column of the table in docs/http.md.
COLUMNS = ["authority:STA", "authority:US-CPSC", f"enterprise:{FIRST}", "audit", None]


def documented() -> dict[tuple[str, str], list[str]]:
    """The table of docs/http.md: who reads what, by method and path, in the order of `COLUMNS`."""
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(GET|POST) (/[^`]*)` \|(.*)\|$", text, re.MULTILINE)
    return {(method, path): [each.strip() for each in cells.split("|")] for method, path, cells in rows}


def test_who_reads_what_is_documented_for_every_route(served: Served) -> None:
    with served.client(None) as client:
        paths = client.get("/v1/openapi.json").json()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert set(documented()) == routes | {("GET", "/v1/openapi.json")}


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=map(str, COLUMNS))
def test_every_route_is_as_documented(served: Served, column: int) -> None:
    with served.client(COLUMNS[column]) as client:
        for (method, path), cells in documented().items():
            asked = path.replace("submissions/{id}", f"submissions/{UNKNOWN_SUBMISSION}")
            asked = asked.replace("{id}", FIRST) + {"/v1/log/inclusion": "?leaf=0"}.get(path, "")
            asked += {"/v1/log/consistency": "?first=1"}.get(path, "")
            refused = 403 if COLUMNS[column] else 401
            status = client.request(method, asked).status_code
            assert (status == refused) == (cells[column] == "no"), (method, path, status)


def test_a_foreign_authority_sees_its_own_and_nothing_of_others(served: Served) -> None:
    """Its notice is about a name that is linked to a code, and about a code that others wrote about, too."""
    named, code = "name:CN:NINGBO FOREIGN NOTICE CO", THIRD
    post(
        served,
        "US-CPSC",
        record(served, named, "FR01", "24-900", 4),
        record(served, code, "FR01", "24-901", 4),
    )
    post(served, "SAMR", record(served, code, "MR03", "samr 9", 3))
    served.settle()
    _link(served, named, code)
    served.settle()
    where = f"/v1/enterprises/{quote(named, safe='')}"
    with served.client("authority:US-CPSC") as client, served.client("authority:SAMR") as other:
        for asked, reference in ((where, "24-900"), (f"/v1/enterprises/{code}", "24-901")):
            found = client.get(f"{asked}/record", params={"limit": 1}).json()
            assert [each["reference"] for each in found["records"]] == [reference]
            assert {each["held"] for each in found["records"]} == {"opened"}
            assert (found["linked"], found["next"], found["id"]) == ([], None, found["asked"])
        assert code.removeprefix("uscc:") not in client.get(f"{where}/record").text
        assert {each["authority"] for each in other.get(f"{where}/record").json()["records"]} > {"US-CPSC"}
        known = client.get(f"/v1/enterprises/{SECOND}/record")  # GACC wrote about it
        unknown = client.get(f"/v1/enterprises/{CLEAN}/record")
        assert known.status_code == unknown.status_code == 404
        assert known.json()["detail"].replace(SECOND, "") == unknown.json()["detail"].replace(CLEAN, "")
        refused = client.get(f"/v1/enterprises/{code}/score")
    assert refused.json()["detail"].startswith("A foreign authority reads its own records")


def test_a_foreign_authority_sees_its_own_spelling_and_no_number(served: Served) -> None:
    """Others wrote about the first of two parties before, in their own words."""
    theirs, own, new = (
        "name:US:Acme (under investigation, file 7)",
        "name:US:acme UNDER INVESTIGATION file 7",
        "name:US:Brand New",
    )
    post(served, "GACC", record(served, theirs, "CU04", "acme 1", 3))
    post(
        served, "US-CPSC", record(served, own, "FR01", "24-910", 4), record(served, new, "FR01", "24-911", 4)
    )
    served.settle()
    later = "name:US:ACME, under investigation / file 7"
    post(served, "US-CPSC", record(served, later, "FR01", "24-912", 2))
    served.settle()
    with served.client("authority:US-CPSC") as client, served.client("authority:GACC") as gacc:
        found = {each: client.get(f"/v1/enterprises/{quote(each, safe='')}/record") for each in (own, new)}
        whole = gacc.get(f"/v1/enterprises/{quote(own, safe='')}/record").json()
    for asked, answer in found.items():
        shown = answer.json()
        assert (shown["name"], shown["enterprise"]) == (asked.removeprefix("name:US:"), None)
        assert {each["block"] for each in shown["records"]} == {None}
    assert "Acme (under" not in found[own].text
    assert found[own].json().keys() == whole.keys()
    assert whole["name"] == theirs.removeprefix("name:US:")
    assert (len(whole["records"]), type(whole["enterprise"])) == (3, int)


def test_what_others_use_as_a_reference_is_told_to_no_authority(served: Served) -> None:
    post(served, "GACC", record(served, THIRD, "CU04", "used by GACC", 3))
    post(served, "US-CPSC", record(served, THIRD, "FR01", "24-920", 4))
    for authority, kind in (("US-CPSC", "LC01"), ("STA", "LC01")):
        said = []
        for reference in ("used by GACC", "used by nobody"):
            row = record(served, THIRD, kind, f"change {reference}", 1, refers_to=reference)
            with served.client(f"authority:{authority}") as client:
                answer = client.post("/v1/records", json={"records": [row]})
            assert answer.status_code == 422
            said.append(
                {**answer.json(), "request_id": "", "errors": answer.json()["errors"][0] | {"value": ""}}
            )
        assert said[0] == said[1]
        assert said[0]["errors"]["reason"] == "unknown: the authority has no such record"


def test_a_foreign_authority_does_not_find_a_link_by_writing(served: Served) -> None:
    """What is linked is said to be another's, as what is not; a domestic authority may write by either."""
    named, code = "name:CN:WENZHOU LINKED BY OTHERS CO", SEVENTH
    post(served, "US-CPSC", record(served, named, "FR01", "24-930", 4))
    post(served, "STA", record(served, named, "TX01", "tax 930", 4))
    post(served, "GACC", record(served, code, "CU15", "certified 930", 4))
    served.settle()
    _link(served, named, code)
    served.settle()
    with served.client("authority:US-CPSC") as foreign, served.client("authority:STA") as domestic:
        said = []
        for party in (code, FIRST, CLEAN):
            row = record(served, party, "LC01", f"24-930 {party}", 1, refers_to="24-930")
            answer = foreign.post("/v1/records", json={"records": [row]})
            said.append({**answer.json(), "request_id": ""})
        assert said[0]["errors"][0]["reason"] == "is about another enterprise"
        assert said[0] == said[1] == said[2]
        own = record(served, named, "LC01", "24-930 own", 1, refers_to="24-930")
        assert foreign.post("/v1/records", json={"records": [own]}).status_code == 202
        row = record(served, code, "LC01", "tax 930 changed", 1, refers_to="tax 930")
        assert domestic.post("/v1/records", json={"records": [row]}).status_code == 202


def test_a_foreign_authority_reads_the_objections_to_its_own_records(served: Served) -> None:
    named = "name:CN:QUZHOU OBJECTING CO"
    where = f"/v1/enterprises/{quote(named, safe='')}"
    post(served, "US-CPSC", record(served, named, "FR01", "24-950", 4))
    post(served, "STA", record(served, named, "TX01", "tax 5", 4))
    served.settle()
    with served.client("audit") as audit:
        items = audit.get(f"{where}/record").json()["records"]
    for each in items:
        open_objection(served.ledger, each["record"], "not ours")
    served.settle()
    with served.client("authority:US-CPSC") as client, served.client("audit") as audit:
        own = client.get(f"{where}/objections").json()["objections"]
        every = audit.get(f"{where}/objections").json()["objections"]
    assert [each["record"].rpartition("-")[0] for each in own] == ["US-CPSC"]
    assert own[0]["statement"] == "not ours"
    assert len(every) == 2


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
        revoke_key(served.ledger.db, client.headers["Authorization"].split("_")[1], 1)
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
        assert [each["what"] for each in looked].count("score") == 1, "of both, and one look"


def test_a_wrong_link_that_is_undone_opens_nothing_of_any_day(served: Served) -> None:
    """Neither side's key reads the other's by a day on which they were linked; who may is in both logs."""
    named, code = "name:CN:WRONGLY LINKED GOODS", SIXTH
    secret = record(served, named, "FR01", "24-779", 9, document="a secret of the name")
    post(served, "US-CPSC", secret)
    post(served, "GACC", record(served, code, "CU15", "certified 6", 9, document="a secret of the code"))
    served.settle()
    _link(served, named, code, days_ago=4)
    served.settle()
    own, other, day = f"enterprise:{named}", f"enterprise:{code}", iso(served.ledger.today() - 2)
    paths = {each: f"/v1/enterprises/{quote(each, safe='')}" for each in (named, code)}
    with served.client("audit") as audit:
        assert audit.get(f"{paths[code]}/record").status_code == 200
    unlink(served.ledger, served.ledger.authorities["SAMR"], named, "another firm's")
    served.settle()
    for scope, party in ((own, named), (other, code)):
        with served.client(scope) as client:
            for what in ("score", "evidence"):
                assert client.get(f"{paths[party]}/{what}").status_code == 200
                refused = client.get(f"{paths[party]}/{what}", params={"as_of": day})
                assert refused.status_code == 403, what
                assert f"On {day} it was linked with what it is not linked with today" in refused.text
                before = client.get(
                    f"{paths[party]}/{what}", params={"as_of": iso(served.ledger.today() - 6)}
                )
                assert before.status_code == 200
    with served.client("audit") as audit:
        assert audit.get(f"{paths[code]}/score", params={"as_of": day}).json()["linked"] == [
            parse_party(named).key
        ]
        listed = audit.get(f"{paths[named]}/accesses").json()["accesses"]
    # Of the code's record while they were linked, of its score of a day on which they were, and this look.
    assert [each["what"] for each in listed if each["by"] == "audit"] == ["accesses", "score", "record"]
    assert not [each for each in listed if each["by"] == other]


def _link(served: Served, name: str, code: str, days_ago: int = 0) -> None:
    ledger = served.ledger
    link = ledger.catalogue.by_number[LINKED_TO]
    day = ledger.today() - days_ago
    row = Submission(parse_party(name), link, day, day, f"link {name}", code, "officer's reason")
    authority = ledger.authorities["SAMR"]
    (outcome,) = accept(ledger.db, ledger.keystore, ledger.catalogue, authority, [(1, row)], "test")
    assert outcome.status == "accepted", outcome


def test_the_name_alone_is_read_by_its_own_key(served: Served) -> None:
    with served.client(f"enterprise:{NAME}") as own:
        assert own.get(f"/v1/enterprises/{quote(NAME, safe='')}/score").status_code == 200
