"""The evidence route: the file that arrives is checked as anybody would, knowing only what the chain says."""

from __future__ import annotations

import pytest
from served_ledger import FIRST, SECOND, THIRD, Served, post, record

from api.routes import enterprises
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.domain.calendar import iso
from ledger.workflows import record_reading


def fetched(served: Served, party: str, scope: str = "audit", **params: object) -> bytes:
    with served.client(scope) as client:
        answer = client.get(f"/v1/enterprises/{party}/evidence", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.content


def trusted(served: Served) -> Trusted:
    contracts = served.ledger.contracts
    return Trusted(
        served.ledger.deployment.chain_id,
        bytes.fromhex(served.ledger.deployment.credit_ledger[2:]),
        (contracts.log_size(), contracts.root()),
        {number: contracts.head(number) for number in range(1, contracts.enterprise_count() + 1)},
    )


def test_the_file_proves_the_whole_record_against_the_contract(served: Served) -> None:
    verdict = verify_evidence(fetched(served, SECOND), trusted(served))
    (subject,) = verdict.subjects
    assert subject.party_key == SECOND
    assert len(subject.records) == len(subject.documents) == 2


def test_the_file_follows_the_log_as_it_grows(served: Served) -> None:
    post(served, "GACC", record(served, THIRD, "CU04", "before evidence", 3))
    served.settle()
    before = verify_evidence(fetched(served, THIRD))
    post(served, "GACC", record(served, THIRD, "CU04", "grown for evidence", 3))
    served.settle()
    after = verify_evidence(fetched(served, THIRD), trusted(served))
    assert after.tree_size == before.tree_size + 1
    assert len(after.subjects[0].records) == len(before.subjects[0].records) + 1


def test_documents_can_be_withheld(served: Served) -> None:
    data = fetched(served, SECOND, documents="false")
    assert not verify_evidence(data).subjects[0].documents
    assert b"dishonest 1" not in data


def test_documents_beyond_a_size_are_for_the_pages_of_the_record(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer holds documents without end: a page ends with the one that fills it, evidence refuses."""
    full = verify_evidence(fetched(served, SECOND)).subjects[0]
    monkeypatch.setattr(enterprises, "EVIDENCE_BYTES", 10)
    monkeypatch.setattr(record_reading, "PAGE_BYTES", 10)
    with served.client("audit") as client:
        refused = client.get(f"/v1/enterprises/{SECOND}/evidence")
        first = client.get(f"/v1/enterprises/{SECOND}/record", params={"limit": 500}).json()
        rest = client.get(f"/v1/enterprises/{SECOND}/record", params={"cursor": first["next"]}).json()
    assert refused.status_code == 422
    assert "they have more than 10 bytes: ask with documents=false" in refused.text
    assert verify_evidence(fetched(served, SECOND, documents="false")).subjects[0].records == full.records
    assert [len(each["records"]) for each in (first, rest)] == [1, 1]
    assert rest["next"] is None


def test_an_enterprise_fetches_its_own_and_no_other(served: Served) -> None:
    verify_evidence(fetched(served, FIRST, scope=f"enterprise:{FIRST}"))
    with served.client(f"enterprise:{FIRST}") as client:
        assert client.get(f"/v1/enterprises/{SECOND}/evidence").status_code == 403


@pytest.mark.parametrize("as_of", ["2026-13-01", "yesterday"])
def test_a_day_that_is_none_is_a_problem(served: Served, as_of: str) -> None:
    with served.client("audit") as client:
        answer = client.get(f"/v1/enterprises/{FIRST}/evidence", params={"as_of": as_of})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_day_to_come_is_a_problem(served: Served) -> None:
    with served.client("audit") as client:
        day = iso(served.ledger.today() + 1)
        answer = client.get(f"/v1/enterprises/{FIRST}/evidence", params={"as_of": day})
    assert answer.status_code == 422
