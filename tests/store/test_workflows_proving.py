"""Evidence made from a real chain, index and vault: what it shows, withholds, and refuses to state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import DAY, GACC, House, change, event, link, party
from parts import parts
from sqlalchemy import update

from ledger.audit.verifier import QuorumMissed, Trusted, verify_evidence
from ledger.chain.contracts import Contracts
from ledger.chain.submitter import Submitter
from ledger.crypto.notes import ED25519, NotSigned, SigningKey
from ledger.domain.calendar import to_day
from ledger.domain.parties import named_party
from ledger.errors import ChainDamaged, NotFound
from ledger.outbox.documents import erase_document
from ledger.outbox.identities import register_party
from ledger.scoring.cards import load_cards
from ledger.store import index
from ledger.workflows.assessing import assess
from ledger.workflows.checkpoints import operator_key
from ledger.workflows.proving import prove

if TYPE_CHECKING:
    from pathlib import Path

#: Codes with both check digits right: `prove` takes what a person types.
ONE, TWO = "uscc:9144030071526726XG", "uscc:91440606722473344C"
NAME = "Odd Firm"


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
    contracts = Contracts(house.node, house.deployment)
    heads = {number: contracts.head(number) for number in range(1, contracts.enterprise_count() + 1)}
    contract = bytes.fromhex(house.deployment.credit_ledger[2:])
    return Trusted(house.deployment.chain_id, contract, (contracts.log_size(), contracts.root()), heads)


def test_the_whole_record_and_that_of_linked_names_is_proven_against_the_contract(
    busy: House, tmp_path: Path
) -> None:
    verdict = verify_evidence(prove(parts(busy, tmp_path), ONE, DAY), known(busy))
    code, name = verdict.subjects
    assert (code.party_key, name.party_key) == (ONE, named_party("US", NAME).key)
    assert [each.type for each in code.records] == [4, 4, 241, 249]
    assert [each.type for each in name.records] == [4, 248]
    assert len(code.documents) == 4
    assert b"document of A" in code.documents[code.records[0].id]
    assert verdict.unshown == ()


def test_every_head_objection_and_authority_is_under_the_signed_statement(
    busy: House, tmp_path: Path
) -> None:
    ledger = parts(busy, tmp_path)
    verdict = verify_evidence(prove(ledger, ONE, DAY), Trusted(keys=[operator_key(ledger).verifier]))
    assert verdict.checkpoint
    said = verdict.checkpoint.checkpoint.statement
    assert said
    assert said.heads
    assert (said.heads, said.block) == (verdict.stated.heads, verdict.stated.block)
    assert said.heads.many == Contracts(busy.node, busy.deployment).enterprise_count()
    assert verdict.vouched.why == "NOT proven complete: only the operator vouches for it"


def test_signatures_come_from_the_transactions_where_asked_for(busy: House, tmp_path: Path) -> None:
    found = parts(busy, tmp_path)
    assert verify_evidence(prove(found, ONE, DAY)).signatures == ()
    signatures = verify_evidence(prove(found, ONE, DAY, with_signatures=True), known(busy)).signatures
    keys = {busy.keystore.address(f"authority:{code}").lower() for code in ("GACC", "SAMR")}
    assert {each.key for each in signatures} == keys
    assert all(each.checked for each in signatures)
    # The first batch has the record of another enterprise, which is not shown; the others are shown whole.
    assert [(each.count, each.whole) for each in signatures] == [(4, False), (1, True), (2, True)]


def test_asked_for_by_the_linked_name_the_code_comes_first(busy: House, tmp_path: Path) -> None:
    verdict = verify_evidence(prove(parts(busy, tmp_path), f"name:US:{NAME}", DAY), known(busy))
    assert [each.party_key for each in verdict.subjects] == [ONE, named_party("US", NAME).key]


def test_before_the_link_the_name_is_shown_for_todays_score_without_who_it_is(
    busy: House, tmp_path: Path
) -> None:
    ledger = parts(busy, tmp_path)
    data = prove(ledger, ONE, DAY - 1)
    verdict = verify_evidence(data, Trusted(keys=[operator_key(ledger).verifier]))
    assert [each.party_key for each in verdict.subjects] == [ONE, None]
    assert verdict.score
    assert verdict.score.score
    assert verdict.score.later
    assert verdict.score.score != verdict.score.later


def test_documents_are_withheld_when_asked_and_when_erased(busy: House, tmp_path: Path) -> None:
    data = prove(parts(busy, tmp_path), ONE, DAY, with_documents=False)
    assert b"document of" not in data
    with busy.database.write_vault() as vault:
        erase_document(vault, GACC.number, 1)
    code = verify_evidence(prove(parts(busy, tmp_path), ONE, DAY)).subjects[0]
    assert GACC.number << 48 | 1 not in code.documents
    assert len(code.documents) == 3


def test_an_index_that_was_changed_makes_no_evidence(busy: House, tmp_path: Path) -> None:
    with busy.database.write_index() as connection:
        connection.execute(update(index.runs).where(index.runs.c.leaf_index == 1).values(head=bytes(32)))
    with pytest.raises(ChainDamaged, match="audit the ledger"):
        prove(parts(busy, tmp_path), ONE, DAY)


def test_what_is_unknown_or_not_on_the_chain_yet_is_not_found(busy: House, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        prove(parts(busy, tmp_path), "uscc:91440300192317458F", DAY)
    register_party(busy.database, party(1)._replace(key="uscc:91440300192317458F"))
    with pytest.raises(NotFound, match="not registered on the chain"):
        prove(parts(busy, tmp_path), "uscc:91440300192317458F", DAY)


def test_keys_mandates_score_and_checkpoint_are_in_the_file_and_hold(busy: House, tmp_path: Path) -> None:
    verdict = verify_evidence(prove(parts(busy, tmp_path), ONE, DAY))
    assert {each.code for each in verdict.authorities.values()} == {"GACC", "SAMR"}
    assert all(run.at for subject in verdict.subjects for run in subject.runs)
    assert verdict.score
    assert verdict.checkpoint
    assert (verdict.score.as_of, verdict.score.card) == (DAY, load_cards()[0])
    assert len(verdict.score.score.reasons) == 2, "A is revoked; C, and N of the linked name, count"
    assert verdict.checkpoint.checkpoint.size == verdict.tree_size
    assert verdict.assessment is None


def test_the_checkpoint_is_signed_by_the_operator_and_by_no_other(busy: House, tmp_path: Path) -> None:
    data, ledger = prove(parts(busy, tmp_path), ONE, DAY), parts(busy, tmp_path)
    key = operator_key(ledger).verifier
    found = verify_evidence(data, Trusted(keys=[key])).checkpoint
    assert found
    assert [each.key for each in found.signed] == [key]
    other = SigningKey(key.name, ED25519, bytes(32)).verifier
    with pytest.raises(NotSigned):
        verify_evidence(data, Trusted(keys=[other]))
    with pytest.raises(QuorumMissed):
        verify_evidence(data, Trusted(keys=[key], quorum=1))


def test_a_published_score_is_proven_from_the_log_of_its_time(busy: House, tmp_path: Path) -> None:
    ledger = parts(busy, tmp_path)
    card = load_cards()[0]
    register = ledger.contracts.register_card(card.hash, card.effective_on)
    Submitter(busy.node, busy.keystore, "governor").execute(register, 300_000)
    today = to_day("2026-04-02")
    one, name = party(1)._replace(key=ONE, text=ONE[5:]), named_party("US", NAME)
    busy.accept(*(event(who.key, who, decided_on=today - 20) for who in (one, name)))
    settle(busy)
    published = assess(ledger, today, clock=lambda: today * 86400)
    busy.accept(event("later", one, decided_on=today - 5))
    busy.accept(
        event("U", name, "LC02", refers_to="L", conduct_on=today - 3, decided_on=today - 3),
        code="SAMR",
    )
    settle(busy)
    verdict = verify_evidence(prove(ledger, ONE, today), known(busy))
    made, now = verdict.assessment, verdict.score
    assert made
    assert now
    assert (made.epoch, made.root.hex()) == (published["epoch"], published["root"])
    assert made.log_size < verdict.tree_size
    assert len(made.proven.score.reasons) == 2, "the name counted then"
    assert [each.type_number for each in now.score.reasons] == [4, 4]
    assert made.proven.score != now.score
