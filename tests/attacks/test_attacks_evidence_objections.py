"""What became of an objection, by an evidence file: answered by whom, and carried out or not."""

from __future__ import annotations

import json

import pytest
from evidence_reader import KEY, READERS, Told, base64, made
from evidence_sample import SIGNER, object_to, resealed, sample_chain, signatures_of, trees_of
from honest_chain import GENESIS, TODAY, Chain, key_of, record

from ledger.audit.command import trusted_from
from ledger.audit.replay import Replay
from ledger.audit.verifier import verify_evidence
from ledger.crypto.multiproof import multi_proof
from ledger.domain.facts import BatchRecorded

LINK, EVENT, OTHERS = 3 << 48 | 5, 1 << 48 | 1, 3 << 48 | 1


def carried_out(chain: Chain) -> bool | None:
    """Of objection 3, by the file; the audit says the same."""
    trusted = trusted_from([KEY], READERS)
    shown = [o for s in verify_evidence(made(chain), trusted).subjects for o in s.objections]
    (found,) = [each.carried_out for each in shown if each.opened.objection == 3]
    replay = Replay()
    for fact in chain.facts:
        replay.apply(fact)
    replay.finish()
    assert replay.objections.carried_out()[3] == found
    return found


@pytest.mark.parametrize(
    ("record_", "change", "done"),
    [(LINK, 240, False), (LINK, 243, False), (LINK, 241, True), (EVENT, 240, True), (EVENT, 242, False)],
    ids=["a link corrected", "reinstated", "revoked", "an event corrected", "repaired"],
)
def test_an_upheld_objection_is_carried_out_by_what_has_an_effect(
    capsys: pytest.CaptureFixture[str], record_: int, change: int, done: bool
) -> None:
    chain = sample_chain()
    object_to(chain, 1, record_, outcome=1)
    chain.batch(record_ >> 48, [record(1, change, ref=record_, decided_on=TODAY)])
    assert carried_out(chain) is done
    assert ("its correction is missing" in Told(capsys, made(chain)).text) is not done


def test_nothing_changes_a_lifecycle_record() -> None:
    chain = sample_chain()
    chain.batch(1, [record(1, 241, ref=EVENT, decided_on=TODAY - 3)])
    back = chain.batch(1, [record(1, 243, ref=EVENT, decided_on=TODAY - 2)])
    object_to(chain, 1, back, outcome=1)
    chain.batch(1, [record(1, 240, ref=back, decided_on=TODAY)])
    assert carried_out(chain) is False


@pytest.mark.parametrize("corrected", [False, True])
def test_an_objection_to_a_record_of_a_linked_name_is_judged(
    capsys: pytest.CaptureFixture[str], corrected: bool
) -> None:
    """The record is about enterprise 5, which is in the same file."""
    chain = sample_chain()
    object_to(chain, 1, OTHERS, outcome=1)
    if corrected:
        chain.batch(3, [record(5, 240, ref=OTHERS, decided_on=TODAY)])
    assert carried_out(chain) is corrected
    told = Told(capsys, made(chain)).text
    assert ("its correction is missing" in told) is not corrected
    assert "whether it was carried out is not shown" not in told


def test_a_correction_of_another_enterprises_record_is_none() -> None:
    chain = sample_chain()
    object_to(chain, 1, OTHERS, outcome=1)
    chain.batch(3, [record(1, 240, ref=OTHERS, decided_on=TODAY)])
    assert carried_out(chain) is False


def test_an_answer_by_a_key_declared_compromised_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    object_to(chain, 1, EVENT, outcome=1)
    before = Told(capsys, made(chain)).text
    chain.compromise(1, key_of(1), chain.now - 3600)
    after = Told(capsys, made(chain)).text
    line = f"upheld, by {key_of(1)}"
    assert f"{line}; upheld, and its correction is missing" in before
    assert f"{line}; that key was declared compromised 密钥已声明失控: in wrong hands since" in after


def test_who_might_answer_for_an_authority_that_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """An objection to a record of an authority that wrote nothing about the subjects."""
    chain = sample_chain()
    object_to(chain, 1, 2 << 48 | 1, outcome=3)
    content = json.loads(made(chain))
    shown = content["authorities"]["shown"]
    left = [each["authority"] for each in shown if each["authority"] != 2]
    content["authorities"]["shown"] = [each for each in shown if each["authority"] != 2]
    proof = multi_proof(trees_of(chain).authorities, [each - 1 for each in left])
    content["authorities"]["proof"] = base64(proof)
    told = Told(capsys, resealed(content))
    assert told.code == 0
    assert f"rejected, by {key_of(2)}; whether that key might answer is not shown" in told.text


def test_a_signature_made_afterwards_clears_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    """Written with a key in wrong hands; signed once more, later, with the authority's own."""
    chain = sample_chain()
    chain.batch(1, [record(1, 2)], key=key_of(1))
    chain.compromise(1, key_of(1), GENESIS)
    header = [each for each in chain.facts if isinstance(each, BatchRecorded)][-1]
    name = f"GACC-{header.first_number} "

    def line() -> str:
        data = made(chain, signatures=signatures_of(chain))
        (found,) = [
            each for each in Told(capsys, data).text.split("\n") if name in each and "written" in each
        ]
        return found

    assert "that key was declared compromised" in line()
    chain.facts[chain.facts.index(header)] = header._replace(key=SIGNER)
    cleared = line()
    assert f"by {SIGNER}, as the file says; that key signed them" in cleared
    assert "a key of its authority was declared compromised 密钥曾失控, and may have written it" in cleared


def test_what_other_firms_object_to_is_said_to_be_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    object_to(chain, 2, 1 << 48 | 2, outcome=1)
    told = Told(capsys, made(chain))
    assert "objection 异议 3" not in told.text
    assert "what other firms object to in these records: it stands in files about those firms" in told.text
