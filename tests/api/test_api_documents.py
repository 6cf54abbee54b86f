"""Who reads what an authority wrote: that authority, the enterprise it is about, and audit."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

import pytest
from served_ledger import FIRST, post, record

from ledger.audit.verifier import verify_evidence
from ledger.workflows.objecting import answer_objection, open_objection

if TYPE_CHECKING:
    from served_ledger import Served

#: A firm of these tests alone.
OBJECTOR = "uscc:91330106MA2CFLDG4R"
#: Whose documents about `FIRST` each caller reads; GACC and SAMR wrote one each.
READS = {
    "authority:GACC": {"GACC"},
    "authority:SAMR": {"SAMR"},
    "authority:STA": set(),
    f"enterprise:{FIRST}": {"GACC", "SAMR"},
    "audit": {"GACC", "SAMR"},
}


@pytest.mark.parametrize("scope", READS)
def test_a_record_is_shown_without_what_another_authority_wrote(served: Served, scope: str) -> None:
    with served.client(scope) as client:
        records = client.get(f"/v1/enterprises/{FIRST}/record").json()["records"]
    assert {each["authority"] for each in records} == {"GACC", "SAMR"}
    assert {each["authority"] for each in records if each["held"] == "opened"} == READS[scope]
    assert all(each["document"] is None for each in records if each["held"] == "withheld")


@pytest.mark.parametrize("scope", READS)
def test_evidence_holds_no_document_of_another_authority(served: Served, scope: str) -> None:
    with served.client(scope) as client:
        answer = client.get(f"/v1/enterprises/{FIRST}/evidence").text
    shown = {"GACC": "currency", "SAMR": "经营异常名录"}
    plain = _opened(json.loads(answer))
    assert {code for code, text in shown.items() if text in plain} == READS[scope]


@pytest.mark.parametrize("scope", READS)
def test_evidence_binds_the_name_for_the_subject_and_audit_alone(served: Served, scope: str) -> None:
    with served.client(scope) as client:
        data = client.get(f"/v1/enterprises/{FIRST}/evidence").content
    (subject,) = verify_evidence(data).subjects
    assert subject.party_key == (None if scope.startswith("authority:") else FIRST)


@pytest.fixture(scope="module")
def objected(served: Served) -> dict[str, str]:
    """A firm objected to a record of GACC and one of SAMR; GACC has answered. What each said is by its code."""
    for code, kind in (("GACC", "CU04"), ("SAMR", "MR03")):
        post(served, code, record(served, OBJECTOR, kind, f"objected {code}", 3))
    served.settle()
    with served.client("audit") as client:
        records = client.get(f"/v1/enterprises/{OBJECTOR}/record").json()["records"]
    for each in records:
        found = open_objection(served.ledger, each["record"], f"says the firm to {each['authority']}")
        if each["authority"] == "GACC":
            answer_objection(served.ledger, found["objection"], "rejected", "answers GACC to it")
    return {"says the firm to GACC": "GACC", "answers GACC to it": "GACC", "says the firm to SAMR": "SAMR"}


@pytest.mark.parametrize("scope", [*READS, f"enterprise:{OBJECTOR}", "authority:US-CPSC"])
def test_what_is_said_in_an_objection_is_for_its_authority_its_subject_and_audit(
    served: Served, objected: dict[str, str], scope: str
) -> None:
    everything = {"GACC", "SAMR"}
    reads = READS.get(scope, set()) if scope != f"enterprise:{FIRST}" else set()
    reads = everything if scope == f"enterprise:{OBJECTOR}" else reads
    elsewhere = ["", "/record", "/score", "/evidence", "/accesses"]
    with served.client(scope) as client:
        listed = client.get(f"/v1/enterprises/{OBJECTOR}/objections")
        others = [client.get(f"/v1/enterprises/{OBJECTOR}{each}") for each in elsewhere]
        others += [client.get(each) for each in ("/v1/log/leaves", "/v1/checkpoints/latest", "/metrics")]
    shown = {text for text in objected if text in listed.text}
    assert shown == {text for text, code in objected.items() if code in reads}
    if listed.status_code == 200:
        withheld = [each for each in listed.json()["objections"] if each["statement"] is None]
        assert all(each["answer"] is None and each["grounds_commitment"] for each in withheld)
    for each in others:
        content = each.json() if each.headers["content-type"].startswith("application/") else each.text
        said = _opened({"answer": content})
        assert not [text for text in objected if text in said], each.url


def _opened(evidence: dict[str, object]) -> str:
    """Every text of a file, with what is written in base64 or hexadecimal turned into text where it is some."""
    found: list[str] = []
    work: list[object] = [evidence]
    while work:
        each = work.pop()
        if isinstance(each, dict):
            work.extend(each.values())
        elif isinstance(each, list):
            work.extend(each)
        elif isinstance(each, str):
            found.append(each)
            try:
                found.append(base64.b64decode(each, validate=True).decode("utf-8", "ignore"))
            except (binascii.Error, ValueError):
                continue
    return "\n".join(found)
