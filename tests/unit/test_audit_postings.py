"""Who stands behind a batch or an answer: each signature and sender that does, and each that only seems to."""

from __future__ import annotations

import pytest
from honest_chain import Chain, record

from ledger.audit.authorities import Terms
from ledger.audit.postings import (
    AnswerPosting,
    LoggedAnswer,
    LoggedBatch,
    Posting,
    answer_by,
    answered_by,
    answers_of,
    batches_of,
    by_one_officer,
    unanswered,
    unanswered_answer,
)
from ledger.chain.abi import selector
from ledger.chain.accounts import address_of, sign_digest
from ledger.chain.calldata import answers_in, postings_in
from ledger.chain.contracts import Contracts, Deployment, batch_digest
from ledger.crypto.typed_data import SignedAnswer, answer_digest, batch_domain, signed_batch, signer
from ledger.domain.facts import FourEyesSet, ObjectionAnswered, Place, SignaturesInvalidated
from ledger.domain.records import record_id

ADDRESS = "0x" + "12" * 20
LEDGER = Deployment(7, "0x", ADDRESS, ADDRESS, "0x" + "Ab" * 20, ADDRESS, ADDRESS, ADDRESS, 1)
DOMAIN = batch_domain(7, b"\xab" * 20)
ANSWERS = batch_domain(7, b"\xab" * 20, b"Objections")
SECRET, OTHER = bytes([1]) * 32, bytes([2]) * 32
KEY = address_of(SECRET).lower()
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def logged(count: int = 3) -> LoggedBatch:
    chain = Chain()
    chain.add_authority(1)
    chain.register(count)
    chain.batch(1, [record(each) for each in range(1, count + 1)], key=KEY)
    (found,) = batches_of(chain.facts)
    return found


BATCH = logged()
DEADLINE = BATCH.header.at.timestamp + 60


def signed(
    secret: bytes = SECRET, deadline: int = DEADLINE, records: bytes = BATCH.records, **changed
) -> Posting:
    deployment = Deployment(
        changed.pop("chain_id", 7), "0x", ADDRESS, ADDRESS, LEDGER.credit_ledger, *[ADDRESS] * 3, 1
    )
    batch = signed_batch(changed.get("code", "GACC"), changed.get("first_number", 1), records, deadline)
    digest = batch_digest(deployment, batch)
    return Posting(1, 1, deadline=deadline, signature=sign_digest(secret, digest))


def answer(*postings: Posting) -> str | None:
    return answered_by(BATCH, "GACC", postings, DOMAIN)


def test_its_key_answers_by_signature_or_by_sending() -> None:
    assert answer(signed(OTHER), signed()) == "signed"
    assert answer(Posting(1, 1, sender=KEY)) == "sent"
    assert answer(signed(deadline=BATCH.header.at.timestamp)) == "signed"


def high_s(posting: Posting) -> Posting:
    r, s, v = posting.signature[:32], int.from_bytes(posting.signature[32:64], "big"), posting.signature[64]
    return posting._replace(signature=r + (ORDER - s).to_bytes(32, "big") + bytes([55 - v]))


@pytest.mark.parametrize(
    "posting",
    [
        signed(OTHER),
        signed(records=BATCH.records[:-1] + bytes([BATCH.records[-1] ^ 1])),
        signed(records=BATCH.records[64:]),
        signed(chain_id=8),
        signed(code="SAMR"),
        signed(first_number=2),
        signed(deadline=BATCH.header.at.timestamp - 1),
        signed()._replace(deadline=DEADLINE + 1),
        signed()._replace(first_number=2),
        signed()._replace(authority=2),
        signed()._replace(signature=b""),
        signed()._replace(signature=signed().signature[:64]),
        signed()._replace(signature=bytes(65)),
        signed()._replace(signature=signed().signature[:64] + b"\0"),
        high_s(signed()),
        Posting(1, 1, sender=address_of(OTHER).lower()),
        Posting(1, 2, sender=KEY),
    ],
    ids=[
        "another key", "another record", "fewer records", "another chain", "another code signed",
        "another number signed", "expired",
        "another deadline", "another number", "another authority", "no signature", "too short", "zeros", "bad v",
        "high s", "another sender", "sender of another batch",
    ],
)  # fmt: skip
def test_nothing_else_answers(posting: Posting) -> None:
    assert answer(posting) is None
    found = unanswered(BATCH, [posting], {1: "GACC"})
    assert found.what == "batch without its key's signature"
    assert "batch records GACC-1..3" in found.where
    assert KEY in found.expected


def test_a_signature_is_of_the_epoch_that_its_batch_was_recorded_in() -> None:
    digest = batch_digest(LEDGER, signed_batch("GACC", 1, BATCH.records, DEADLINE, 2))
    posting = Posting(1, 1, deadline=DEADLINE, signature=sign_digest(SECRET, digest))
    assert answer(posting) is None
    assert answered_by(BATCH._replace(epoch=2), "GACC", [posting], DOMAIN) == "signed"
    assert answered_by(BATCH._replace(epoch=2), "GACC", [signed()], DOMAIN) is None


def test_epochs_move_on_with_the_facts() -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.register(1)
    chain.batch(1, [record(1)])
    chain.block()
    chain.facts.append(SignaturesInvalidated(chain.place(), 1, 6))
    chain.batch(1, [record(1)])
    terms = {1: Terms()}
    terms[1].epoch = 5
    assert [each.epoch for each in batches_of(chain.facts, terms)] == [5, 6]
    assert terms[1].epoch == 6


def test_every_changed_byte_of_a_signature_signs_for_somebody_else() -> None:
    good = signed()
    for at in range(65):
        changed = bytearray(good.signature)
        changed[at] ^= 1
        assert answer(good._replace(signature=bytes(changed))) is None


def test_a_key_is_recovered_as_eth_account_does() -> None:
    for number in range(1, 40):
        secret, digest = bytes([number]) * 32, bytes([number, 5]) * 16
        assert signer(digest, sign_digest(secret, digest)) == address_of(secret).lower()


def test_batches_end_where_the_next_fact_begins() -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.register(2)
    for _ in range(2):
        chain.batch(1, [record(1), record(1), record(2)])
    chain.checkpoint()
    chain.batch(1, [record(2)])
    assert [(each.header.first_number, len(each.records)) for each in batches_of(chain.facts)] == [
        (1, 192), (4, 192), (7, 64)
    ]  # fmt: skip


class Blocks:
    """A node with one block of these transactions."""

    where = "a list"

    def __init__(self, *transactions: dict[str, str | None]) -> None:
        self._transactions = list(transactions)

    def requests(self, calls):
        return [{"transactions": self._transactions} for _ in calls]

    def request(self, method, *params):
        raise AssertionError(method)

    def close(self) -> None:
        pass


def found_in(data: bytes, to: str | None = LEDGER.credit_ledger, sender: str = KEY) -> list[Posting]:
    node = Blocks({"input": "0x" + data.hex(), "to": to, "from": sender})
    ((number, postings),) = postings_in(node, LEDGER, [5])
    assert number == 5
    return postings


def relayed() -> bytes:
    posting = signed()
    return (
        Contracts(Blocks(), LEDGER).record_signed(1, 1, DEADLINE, KEY, BATCH.records, posting.signature).data
    )


def test_calls_are_found_in_transactions_and_inside_other_calls() -> None:
    assert found_in(relayed()) == [signed()]
    inside = b"\x01\x02\x03\x04" + bytes(61) + relayed() + bytes(28)
    assert found_in(inside, to=ADDRESS) == [signed()]
    assert found_in(inside + relayed(), to=None) == [signed(), signed()]
    direct = Contracts(Blocks(), LEDGER).record(1, 1, BATCH.records).data
    assert found_in(direct, sender=KEY.upper().replace("0X", "0x")) == [Posting(1, 1, sender=KEY)]
    assert found_in(direct, to=LEDGER.credit_ledger.lower()) == [Posting(1, 1, sender=KEY)]


def test_a_sender_to_another_contract_and_cut_calls_count_for_nothing() -> None:
    direct = Contracts(Blocks(), LEDGER).record(1, 1, BATCH.records).data
    assert found_in(direct, to=ADDRESS) == []
    assert found_in(direct[:60]) == []
    for length in range(len(relayed()) - 31):  # the last 31 bytes pad the signature
        assert all(each.signature != signed().signature for each in found_in(relayed()[:length]))
    wild = selector("CreditLedger", "recordSigned") + b"\xff" * 300
    assert found_in(wild) == []


@pytest.mark.parametrize(
    ("required", "changed", "named"),
    [
        (True, {"severity": 3}, None),
        (True, {"type": 240, "severity": 0}, "GACC-2"),
        (True, {"type": 248, "severity": 0}, "GACC-2"),
        (True, {"type": 239, "severity": 2}, None),
        (False, {"type": 240, "severity": 0}, None),
    ],
)
def test_with_four_eyes_an_account_answers_for_no_weighty_record(
    required: bool, changed: dict[str, int], named: str | None
) -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.register(2)
    chain.facts.append(FourEyesSet(chain.place(), 1, required))
    chain.batch(1, [record(1), record(2)._replace(**changed)], key=KEY)
    (batch,) = batches_of(chain.facts)
    found = by_one_officer(batch, {1: "GACC"})
    assert (found and found.where.split("record ")[1]) == named
    if found:
        assert (found.what, found.found) == ("four eyes not kept", f"the account {KEY}")


def answered(outcome: int = 3, at: int = DEADLINE - 1) -> tuple[LoggedAnswer, bytes]:
    """An answer to objection 4, in the epoch that follows two invalidations, and the digest that is signed."""
    place = Place(9, b"", at, 0)
    facts = [SignaturesInvalidated(place, 1, 2), ObjectionAnswered(place, 4, KEY, outcome, b"\x5a" * 32)]
    about = {4: (7, record_id(1, 3))}
    (found,) = answers_of(
        [*facts, ObjectionAnswered(place, 5, KEY, 3, b"")], {1: Terms()}, about, {1: "GACC"}
    )
    assert found.content == SignedAnswer(4, 7, "GACC", 3, outcome, b"\x5a" * 32, 2, 0)
    return found, answer_digest(ANSWERS, found.content._replace(deadline=DEADLINE))


def test_an_answer_stands_by_its_keys_signature_or_its_sender() -> None:
    logged, digest = answered()
    said = (4, 3, b"\x5a" * 32)
    by_signature = AnswerPosting(*said, deadline=DEADLINE, signature=sign_digest(SECRET, digest))
    assert answer_by(logged, [by_signature], ANSWERS) == "signed"
    assert answer_by(logged, [AnswerPosting(*said, sender=KEY)], ANSWERS) == "sent"
    for wrong in (
        by_signature._replace(signature=sign_digest(OTHER, digest)),
        by_signature._replace(deadline=DEADLINE + 1),
        by_signature._replace(outcome=1),
        by_signature._replace(objection=5),
        by_signature._replace(answer=b"\x5b" * 32),
        AnswerPosting(*said, sender=address_of(OTHER).lower()),
    ):
        assert answer_by(logged, [wrong], ANSWERS) is None
    late, _ = answered(at=DEADLINE + 1)
    assert answer_by(late, [by_signature], ANSWERS) is None, "after its deadline"
    earlier = logged._replace(content=logged.content._replace(epoch=1))
    assert answer_by(earlier, [by_signature], ANSWERS) is None, "of another epoch"
    named = unanswered_answer(logged, [by_signature])
    assert (named.what, named.where) == ("answer without its key's signature", "block 9, log 0, objection 4")
    assert named.found == "none that holds among 1 calls in its block"


def test_calls_that_answer_are_found_in_transactions_and_inside_other_calls() -> None:
    contracts = Contracts(Blocks(), LEDGER)
    relayed = contracts.answer_signed(4, 3, b"\x5a" * 32, DEADLINE, KEY, b"\7" * 65).data
    direct = contracts.answer_objection(4, 3, b"\x5a" * 32).data
    found = AnswerPosting(4, 3, b"\x5a" * 32, deadline=DEADLINE, signature=b"\7" * 65)
    for data, to, expected in (
        (relayed, ADDRESS, [found]),
        (bytes(61) + relayed, None, [found]),
        (relayed[:-32], ADDRESS, []),
        (direct, LEDGER.objections, [AnswerPosting(4, 3, b"\x5a" * 32, sender=KEY)]),
        (direct, LEDGER.credit_ledger, []),
        (direct[:-1], LEDGER.objections, []),
    ):
        node = Blocks({"input": "0x" + data.hex(), "to": to, "from": KEY})
        assert list(answers_in(node, LEDGER, [5])) == [(5, expected)]
