"""Something left out of an evidence file, or put in: records, objections, facts about authorities, linked names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evidence_reader import CHAIN, Told, base64, forged, leave, made, made_unchecked, records_of
from evidence_sample import (
    PLACE,
    authorities_of,
    checkpoint_of,
    full_sample,
    object_to,
    placed,
    resealed,
    sample_chain,
    score_of,
    tree_of,
    trees_of,
)
from honest_chain import TODAY, key_of, record

from ledger.audit.evidence import Attached, build_evidence
from ledger.crypto.commitments import identity_commitment
from ledger.crypto.heads import genesis_head, leaf_data
from ledger.crypto.merkle import leaf_hash
from ledger.crypto.multiproof import multi_proof
from ledger.crypto.statement import head_leaf
from ledger.domain.calendar import iso
from ledger.domain.facts import Run
from ledger.scoring.cards import card_in_force, load_cards
from ledger.scoring.score import score

if TYPE_CHECKING:
    pass


def test_the_honest_file_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, full_sample())
    assert told.code == 0
    assert "complete record of number 1" in told.text
    assert "complete as of block 99" in told.text


def cut(content: dict[str, Any], subject: int = 0, keep: int = -1) -> None:
    """Leave a subject's last runs out, with a head and leaves that fit, all proofs made anew from the ledger."""
    shown = content["subjects"][subject]
    shown["runs"] = shown["runs"][:keep]
    shown["documents"] = []
    heads, numbers = dict(CHAIN.heads), [each["enterprise"] for each in content["subjects"]]
    kept = {each["leaf_index"] for each in shown["runs"]}
    runs = [f for f in CHAIN.facts if isinstance(f, Run) and f.leaf_index in kept]
    number = shown["enterprise"]
    shown["head"] = (runs[-1].head if runs else genesis_head(number, CHAIN.commitments[number])).hex()
    leaves = [run["leaf_index"] for each in content["subjects"] for run in each["runs"]]
    content["tree"]["proof"] = base64(multi_proof(tree_of(CHAIN), leaves))
    del content["signatures"], content["score"], content["assessment"], content["cards"]
    assert heads, numbers


@pytest.mark.parametrize("keep", [-1, -2, 1, 0], ids=["last", "two", "all but one", "all"])
def test_cut_records_under_a_genuine_checkpoint(capsys: pytest.CaptureFixture[str], keep: int) -> None:
    Told(capsys, forged(lambda c: cut(c, keep=keep))).refused("lead to root")


def test_the_linked_name_cut(capsys: pytest.CaptureFixture[str]) -> None:
    Told(capsys, forged(lambda c: cut(c, subject=1))).refused("lead to root")


def test_an_emptied_record_of_a_party_of_the_forgers_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Any identifier, any number, own salt: one public checkpoint was enough."""

    def change(content: dict[str, Any]) -> None:
        cut(content, keep=0)
        own, party = bytes(32), "uscc:91440101MA9W0ABC2X"
        commitment = identity_commitment(own, party)
        content["subjects"][0] |= {
            "identity_commitment": commitment.hex(),
            "identity": {"party_key": party, "salt": own.hex()},
            "head": genesis_head(1, commitment).hex(),
            "objections": [],
        }

    Told(capsys, forged(change)).refused("lead to root")


def test_an_emptied_record_under_a_number_nobody_has(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        cut(content, keep=0)
        content["subjects"] = [content["subjects"][0]]
        own = identity_commitment(bytes(32), "name:CN:x")
        content["subjects"][0] |= {
            "enterprise": 6, "identity_commitment": own.hex(), "head": genesis_head(6, own).hex(), "objections": [],
            "identity": {"party_key": "name:CN:x", "salt": "00" * 32},
        }  # fmt: skip
        content["tree"]["proof"] = base64([CHAIN.log.root()])

    Told(capsys, forged(change)).refused("are not all in a log of 5")


def test_cut_with_a_heads_root_that_fits_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything made anew but the signatures: then the statement is not the signed one."""

    def change(content: dict[str, Any]) -> None:
        cut(content)
        trees = trees_of(CHAIN)
        trees.move_head(1, bytes.fromhex(content["subjects"][0]["head"]))
        content["heads"] = {
            "count": 5, "root": trees.heads.root().hex(), "proof": base64(multi_proof(trees.heads, [0, 4])),
        }  # fmt: skip

    Told(capsys, forged(change)).refused("signed is `heads 5")


def test_a_stale_head_shown_by_its_leaf_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A leaf of the log holds (enterprise, head) too; another word in front keeps the trees apart."""
    assert leaf_hash(leaf_data(1, bytes(32))) != head_leaf(1, bytes(32))

    def change(content: dict[str, Any]) -> None:
        cut(content)
        content["heads"] |= {"count": CHAIN.log.size, "root": CHAIN.log.root().hex()}
        content["heads"]["proof"] = base64(multi_proof(tree_of(CHAIN), [0, 4]))

    Told(capsys, forged(change)).refused("lead to root")


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("an objection", leave("subjects", 0, "objections", 2)),
        ("an answer", leave("subjects", 0, "objections", 1)),
        ("a fact about an authority", leave("authorities", "shown", 0, "events", -1)),
        ("the first mandate", leave("authorities", "shown", 0, "events", 1)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_left_out_of_a_chain(capsys: pytest.CaptureFixture[str], what: str, change: Any) -> None:
    Told(capsys, forged(change)).refused("lead to root")


def test_a_later_compromise_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    chain.compromise(1, key_of(1), 1)
    honest = Told(capsys, made(chain))
    assert honest.code == 0
    assert "GACC-1" in honest.text
    assert "that key was declared compromised 密钥已声明失控: in wrong hands since 1970-01-01" in honest.text
    content = json.loads(made(chain))
    content["authorities"]["shown"][0]["events"].pop()
    Told(capsys, resealed(content)).refused("lead to root")


def test_a_suspension_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    chain.suspend(1)
    assert "GACC: suspended" in Told(capsys, made(chain)).text
    content = json.loads(made(chain))
    content["authorities"]["shown"][0]["events"].pop()
    Told(capsys, resealed(content)).refused("lead to root")


def test_an_upheld_objection_that_was_never_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    object_to(chain, 1, 3 << 48 | 5, outcome=1)
    told = Told(capsys, made(chain))
    assert told.code == 0
    assert "objection 异议 3 to US-CPSC-5" in told.text
    assert f"upheld, by {key_of(3)}; upheld, and its correction is missing" in told.text


@pytest.mark.parametrize(
    ("when", "days", "missing"),
    [("before", 0, True), ("after", -1, True), ("after", 0, False)],
    ids=["posted before it", "decided before it", "decided after it"],
)
def test_an_objection_is_not_carried_out_by_what_came_before_it(
    capsys: pytest.CaptureFixture[str], when: str, days: int, missing: bool
) -> None:
    chain = sample_chain()
    number = 3 << 48 | 5
    change = record(1, 241, ref=number, decided_on=TODAY + days)
    if when == "before":
        chain.batch(3, [change])
    object_to(chain, 1, number, outcome=1)
    if when == "after":
        chain.batch(3, [change])
    assert ("its correction is missing" in Told(capsys, made(chain)).text) is missing


def test_a_severity_that_is_not_its_types_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    chain.batch(1, [record(1, 3, severity=0)])
    assert "severity 严重程度 0, and its type's is" in Told(capsys, made(chain)).text


def test_what_the_audit_names_of_an_objection_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    def told(**changed: Any) -> Told:
        chain = sample_chain()
        object_to(chain, 1, 3 << 48 | 5, outcome=1)
        at = -1 if "by" in changed else -2
        chain.facts[at] = chain.facts[at]._replace(**changed)
        content = json.loads(made_unchecked(chain))
        return Told(capsys, resealed(content))

    told(by=key_of(1)).refused(f"objection 3: answered by {key_of(1)}, which was no key of US-CPSC")
    told(opened_on=TODAY - 1).refused("objection 3 is opened on 2026-09-21, and says 2026-09-20")
    told(record=1 << 48 | 2).refused("objection 3 is opened while objection 2 is open")


def test_an_unrelated_party_put_in(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    subjects = [placed(chain, each) for each in (1, 5, 3)]
    attached = Attached(authorities_of(chain), None, None, checkpoint_of(chain))
    with pytest.raises(Exception, match="no link leads there"):
        build_evidence(PLACE, subjects, tree_of(chain), trees_of(chain), None, attached)


def test_which_firm_a_number_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, forged(leave("subjects", 0, "identity")))
    assert told.code == 0
    assert "which firm this number is: not shown" in told.text


def test_another_firms_identity(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["subjects"][0]["identity"] = content["subjects"][1]["identity"]

    Told(capsys, forged(change)).refused("commitment")


def test_a_link_without_its_mirror_counts_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    before = score_of(chain)
    chain.batch(3, [record(4, 248, ref=1)])
    told = Told(capsys, made(chain))
    assert told.code == 0
    after = score_of(chain)
    assert (after.milli, after.grade) == (before.milli, before.grade)


def test_a_mirror_revoked_alone_ends_the_link_for_score_and_evidence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chain = sample_chain()
    mirror = next(each for each in records_of(chain, 1) if each.type == 249 and each.id >> 48 == 3)
    chain.batch(3, [record(1, 241, ref=mirror.id)])
    content = json.loads(made(chain, score_day=None))
    alone = score(records_of(chain, 1), card_in_force(load_cards(), TODAY), TODAY)
    content["cards"] = [{"canonical": load_cards()[0].canonical.decode()}]
    content["score"] = {
        "as_of": iso(TODAY), "card": load_cards()[0].hash.hex(), "milli": alone.milli, "grade": alone.grade,
    }  # fmt: skip
    assert Told(capsys, resealed(content)).code == 0


def test_a_linked_name_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    content = json.loads(made(chain, shown=(1,), score_day=None))
    found = score_of(chain)
    content["cards"] = [{"canonical": found.card.canonical.decode()}]
    content["score"] = {
        "as_of": iso(TODAY), "card": found.card.hash.hex(), "milli": found.milli, "grade": found.grade,
    }  # fmt: skip
    Told(capsys, resealed(content)).refused(
        "enterprise 5 is linked on 2026-09-21, and its record is not shown"
    )


def test_a_record_relabelled_to_another_key_does_not_hide_that_one_was_compromised(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chain = sample_chain()
    written = [fact.at.timestamp for fact in chain.facts if isinstance(fact, Run)]
    signer = key_of(1)
    chain.compromise(1, signer, written[-1] - 5)
    content = json.loads(made(chain, score_day=None))
    run = content["subjects"][0]["runs"][-1]
    block, log, moment, key = run["at"].split("-")
    run["at"] = f"{block}-{log}-{int(moment) - 6}-{key}"
    told = Told(capsys, resealed(content))
    assert told.code == 0
    assert f"key {signer} was declared compromised: that a record here is not by it" in told.text
    assert "if each was written when and with the key that the file says" in told.text
