"""What became of an objection, by an evidence file: answered by whom, and carried out or not."""

from __future__ import annotations

import pytest
from evidence_reader import KEY, READERS, Told, made
from evidence_sample import object_to, sample_chain
from honest_chain import TODAY, Chain, record

from ledger.audit.command import trusted_from
from ledger.audit.replay import Replay
from ledger.audit.verifier import verify_evidence

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
