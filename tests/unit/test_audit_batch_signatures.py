"""Signatures in evidence files: what they prove, and what is refused."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from evidence_sample import (
    PLACE,
    SIGNER,
    attached_to,
    full_sample,
    placed,
    resealed,
    sample_chain,
    signatures_of,
    subject_of,
    tree_of,
    trees_of,
)
from honest_chain import record

from ledger.audit.claims import claims_dict
from ledger.audit.evidence import Attached, build_evidence
from ledger.audit.report_text import claims_text
from ledger.audit.verifier import Malformed, SignatureWrong, verify_evidence
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Callable


def whole_sample() -> bytes:
    """Two signed batches: one with another enterprise's record too, one shown whole."""
    chain = sample_chain()
    chain.batch(1, [record(1), record(1, 2)], key=SIGNER)
    attached = attached_to(chain)._replace(score=None, assessment=None)
    return build_evidence(PLACE, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)


def test_a_batch_shown_whole_is_what_was_signed_and_another_is_known_by_its_hash() -> None:
    verdict = verify_evidence(whole_sample())
    assert [(each.count, each.whole, each.checked, each.key) for each in verdict.signatures] == [
        (2, False, True, SIGNER),
        (2, True, True, SIGNER),
    ]
    entries = json.loads(whole_sample())["signatures"]
    assert ["records_hash" in each for each in entries] == [True, False]
    assert [each["first"] for each in claims_dict(verdict)["signatures"]] == ["1-10", "1-12"]
    shown = claims_text(verdict)
    assert f"{SIGNER} signed the records here" in shown
    assert f"{SIGNER} signed a batch of these numbers" in shown


def test_signatures_need_the_authority_whose_code_they_are_over() -> None:
    chain = sample_chain()
    with pytest.raises(SignatureWrong, match="nothing is said of authority 1, whose code it signed"):
        build_evidence(
            PLACE,
            [subject_of(chain, 1)],
            tree_of(chain),
            trees_of(chain),
            None,
            Attached(signatures=signatures_of(chain)),
        )


def test_without_the_library_they_are_told_as_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coincurve", None)
    verdict = verify_evidence(full_sample())
    assert [each.checked for each in verdict.signatures] == [False]
    assert "NOT checked: needs coincurve" in claims_text(verdict)


def change(**changed: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda entries: entries[0].update(changed)


@pytest.mark.parametrize(
    ("cheat", "refusal", "says"),
    [
        (change(key="0x" + "11" * 20), SignatureWrong, "written by another key"),
        (change(deadline=1), SignatureWrong, "after the deadline"),
        (change(deadline=2**62), SignatureWrong, "is not signed by"),
        (change(count=3), SignatureWrong, "reaches beyond"),
        (change(count=1), Malformed, "records_hash"),
        (change(count=0), Malformed, "count"),
        (change(count=1001), Malformed, "count"),
        (change(first="1-9"), SignatureWrong, "is not signed by"),
        (change(first="2-9"), SignatureWrong, "holds no record shown"),
        (change(records_hash="00" * 32), SignatureWrong, "is not signed by"),
        (change(types="00" * 32), SignatureWrong, "is not signed by"),
        (change(types="00"), Malformed, "not 32 bytes"),
        (change(signature="AAAA"), Malformed, "not 65 bytes"),
        (change(signature="A" * 84 + "AA=="[:4]), Malformed, "not 65 bytes"),
        (change(epoch=1), SignatureWrong, "signatures of epoch 1 were invalid by then"),
        (change(note="x"), Malformed, "unknown key"),
        (lambda entries: entries[1].update(records_hash="00" * 32), Malformed, "unknown key"),
        (lambda entries: entries.reverse(), SignatureWrong, "not in the order"),
        (lambda entries: entries.append(entries[1]), SignatureWrong, "overlap"),
        (
            lambda entries: entries[0].update(signature=entries[1]["signature"]),
            SignatureWrong,
            "is not signed by",
        ),
    ],
)
def test_what_does_not_hold_is_refused(cheat: Any, refusal: type[BadProof], says: str) -> None:
    content = json.loads(whole_sample())
    cheat(content["signatures"])
    with pytest.raises(refusal, match=says):
        verify_evidence(resealed(content))
