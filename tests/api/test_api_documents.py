"""Who reads what an authority wrote: that authority, the enterprise it is about, and audit."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

import pytest
from served_ledger import FIRST

from ledger.audit.verifier import verify_evidence

if TYPE_CHECKING:
    from served_ledger import Served

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
