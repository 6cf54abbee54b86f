"""Evidence made from a real chain, index and vault: what it shows, withholds, and refuses to state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from house import DAY, GACC, House, change, event, link, party
from sqlalchemy import update

from ledger.audit.verifier import Trusted, verify_evidence
from ledger.chain.contracts import Contracts
from ledger.domain.parties import named_party
from ledger.errors import ChainDamaged, NotFound
from ledger.outbox.documents import erase_document
from ledger.outbox.identities import register_party
from ledger.store import index
from ledger.workflows.proving import prove

#: Codes with both check digits right: `prove` takes what a person types.
ONE, TWO = "uscc:9144030071526726XG", "uscc:91440606722473344C"
NAME = "Odd Firm"


def parts(house: House) -> Any:
    contracts = Contracts(house.node, house.deployment)
    return SimpleNamespace(
        db=house.database, deployment=house.deployment, contracts=contracts, keystore=house.keystore
    )


def settle(house: House) -> None:
    house.sender().drain()
    house.follower().catch_up()


@pytest.fixture
def busy(house: House) -> House:
    """Two enterprises, a name that is linked to the first, and a revocation."""
    one, two = (party(1)._replace(key=key, text=key[5:]) for key in (ONE, TWO))
    house.accept(event("A", one), event("B", two), event("C", one), event("N", named_party("US", NAME)))
    settle(house)
    house.accept(change("R", "A", one))
    house.accept(link("L", NAME, 1)._replace(refers_to=ONE), code="SAMR")
    settle(house)
    return house


def known(house: House) -> Trusted:
    contracts = parts(house).contracts
    heads = {number: contracts.head(number) for number in range(1, contracts.enterprise_count() + 1)}
    contract = bytes.fromhex(house.deployment.credit_ledger[2:])
    return Trusted(house.deployment.chain_id, contract, (contracts.log_size(), contracts.root()), heads)


def test_the_whole_record_and_that_of_linked_names_is_proven_against_the_contract(busy: House) -> None:
    verdict = verify_evidence(prove(parts(busy), ONE, DAY), known(busy))
    code, name = verdict.subjects
    assert (code.party_key, name.party_key) == (ONE, named_party("US", NAME).key)
    assert [each.type for each in code.records] == [4, 4, 241, 249]
    assert [each.type for each in name.records] == [4, 248]
    assert len(code.documents) == 4
    assert b"document of A" in code.documents[code.records[0].id]
    assert verdict.unshown == ()


def test_asked_for_by_the_linked_name_the_code_comes_first(busy: House) -> None:
    verdict = verify_evidence(prove(parts(busy), f"name:US:{NAME}", DAY), known(busy))
    assert [each.party_key for each in verdict.subjects] == [ONE, named_party("US", NAME).key]


def test_before_the_link_the_name_is_not_shown_and_that_is_said(busy: House) -> None:
    verdict = verify_evidence(prove(parts(busy), ONE, DAY - 1), known(busy))
    assert [each.party_key for each in verdict.subjects] == [ONE]
    assert len(verdict.unshown) == 1


def test_documents_are_withheld_when_asked_and_when_erased(busy: House) -> None:
    data = prove(parts(busy), ONE, DAY, with_documents=False)
    assert b"document of" not in data
    with busy.database.write_vault() as vault:
        erase_document(vault, GACC.number, 1)
    code = verify_evidence(prove(parts(busy), ONE, DAY)).subjects[0]
    assert GACC.number << 48 | 1 not in code.documents
    assert len(code.documents) == 3


def test_an_index_that_was_changed_makes_no_evidence(busy: House) -> None:
    with busy.database.write_index() as connection:
        connection.execute(update(index.runs).where(index.runs.c.leaf_index == 1).values(head=bytes(32)))
    with pytest.raises(ChainDamaged, match="audit the ledger"):
        prove(parts(busy), ONE, DAY)


def test_what_is_unknown_or_not_on_the_chain_yet_is_not_found(busy: House) -> None:
    with pytest.raises(NotFound):
        prove(parts(busy), "uscc:91440300192317458F", DAY)
    register_party(busy.database, party(1)._replace(key="uscc:91440300192317458F"))
    with pytest.raises(NotFound, match="not registered on the chain"):
        prove(parts(busy), "uscc:91440300192317458F", DAY)
