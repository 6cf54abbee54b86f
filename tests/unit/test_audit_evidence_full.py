"""Evidence of rights, scores and checkpoints: what holds, and each way to cheat with the message an auditor sees."""

from __future__ import annotations

import copy
import json
import random
import time
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from evidence_sample import (
    ASSESSED,
    CARD,
    LOG_KEY,
    PLACE,
    RECOMPUTED,
    WITNESSES,
    assessment_of,
    attached_to,
    authorities_of,
    checkpoint_of,
    full_sample,
    leaves_of,
    meaning,
    mutated,
    placed,
    posted_of,
    resealed,
    sample,
    sample_chain,
    subject_of,
    tree_of,
    trees_of,
)
from honest_chain import FOREVER, TODAY, Chain, key_of, record

from ledger.audit.claims import claims_dict
from ledger.audit.evidence import Attached, EvidenceScore, build_evidence
from ledger.audit.report_text import claims_text
from ledger.audit.verifier import (
    CheckpointDiffers,
    Malformed,
    NotAuthorised,
    QuorumMissed,
    RecordsUnfit,
    ScoreDiffers,
    ScoreIncomplete,
    Trusted,
    verify_evidence,
)
from ledger.crypto.merkle import IndexOutside, ProofTruncated, RootDiffers
from ledger.crypto.notes import BadNote, NotSigned, SigningKey, parse_note
from ledger.errors import BadProof
from ledger.scoring.score import score

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = [LOG_KEY.verifier, *(each.verifier for each in WITNESSES)]
COMPLETE = [LOG_KEY.verifier, *(each.verifier for each in RECOMPUTED)]
CHAIN = sample_chain()
KNOWN = Trusted(31337, PLACE.contract, (CHAIN.log.size, CHAIN.log.root()), CHAIN.heads, KEYS, 2)


# ---------------------------------------------------------------- honest files


def test_a_full_file_says_what_the_chain_says() -> None:
    verdict = verify_evidence(full_sample(), KNOWN)
    assert {n: each.code for n, each in verdict.authorities.items()} == {1: "GACC", 2: "STA", 3: "US-CPSC"}
    assert verdict.score
    assert verdict.assessment
    assert verdict.checkpoint
    assert verdict.score.card == CARD
    assert verdict.assessment.log_size == ASSESSED
    assert verdict.assessment.proven.score != verdict.score.score
    assert [each.key for each in verdict.checkpoint.signed] == KEYS
    assert verdict.checkpoint.unknown == tuple(each.name for each in RECOMPUTED)
    assert [each.outcome for each in verdict.subjects[0].objections] == ["rejected", "open"]


@pytest.mark.parametrize("left_out", Attached._fields)
def test_each_part_can_be_left_out(left_out: str) -> None:
    # What an authority signed names its code, so that its signatures stand on what is said of it.
    gone = {left_out, "signatures"} if left_out == "authorities" else {left_out}
    if left_out == "authorities":
        subjects = [subject_of(CHAIN, 1), subject_of(CHAIN, 5)]
    else:
        subjects = [placed(CHAIN, 1), placed(CHAIN, 5)]
    attached = attached_to(CHAIN)._replace(**{each: Attached._field_defaults[each] for each in gone})
    verdict = verify_evidence(
        build_evidence(PLACE, subjects, tree_of(CHAIN), trees_of(CHAIN), None, attached)
    )
    assert {each for each in Attached._fields if not getattr(verdict, each)} == gone


def test_claims_say_what_was_proven_and_what_nobody_vouches_for() -> None:
    verdict = verify_evidence(full_sample(), Trusted(keys=KEYS[:2]))
    found, shown = claims_dict(verdict), claims_text(verdict)
    assert found["subjects"][0]["records"][0]["record"] == "1-1", "a code that the operator alone vouches for"
    assert found["score"]["card_hash"] == CARD.hash.hex()
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(found, sort_keys=True))
    assert f"signed by {LOG_KEY.name} at 2026-09-21" in shown
    assert "a signature by witness.example/3: not checked" in shown
    assert "NOT proven complete: only the operator vouches for it" in shown
    assert "nobody has signed this root here" in claims_text(verify_evidence(sample()))


@pytest.mark.parametrize("data", [full_sample(), sample()], ids=["full", "small"])
def test_what_is_made_is_of_the_form_that_is_published(data: bytes) -> None:
    schema = json.loads(files("ledger.audit").joinpath("evidence-2.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(json.loads(data))


def test_what_breaks_the_form_is_refused_by_the_verifier_too() -> None:
    """Where the schema says no, so does the verifier: the schema promises nothing the verifier does not keep."""
    schema = json.loads(files("ledger.audit").joinpath("evidence-2.schema.json").read_text())
    validator, original, chance, broken = (
        jsonschema_rs.validator_for(schema),
        json.loads(full_sample()),
        random.Random(8),
        0,
    )
    for path in leaves_of(original):
        if path == ("digest",):
            continue
        content = copy.deepcopy(original)
        holder: Any = content
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = mutated(holder[path[-1]], chance)
        if not validator.is_valid(content):
            broken += 1
            with pytest.raises(BadProof):
                verify_evidence(resealed(content))
    assert broken > 30


# ---------------------------------------------------------------- every byte


def test_every_changed_byte_of_a_full_file_is_refused_or_changes_nothing() -> None:
    data = full_sample()
    true, chance, refused = meaning(verify_evidence(data)), random.Random(1), 0
    for place in range(0, len(data), 5):
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        try:
            assert meaning(verify_evidence(bytes(changed))) == true
        except BadProof:
            refused += 1
    assert refused > 2000


def test_a_forger_who_renews_the_digest_changes_nothing_that_is_proven() -> None:
    """Every value in turn, against a reader who knows the log's key and those of two witnesses that recomputed."""
    known = Trusted(keys=COMPLETE)
    original, true = json.loads(full_sample()), claims_dict(verify_evidence(full_sample(), known))
    assert true["complete"]
    chance, tried = random.Random(3), 0
    for path in leaves_of(original):
        for _ in range(4):
            content = copy.deepcopy(original)
            holder: Any = content
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = mutated(holder[path[-1]], chance)
            tried += 1
            try:
                found = claims_dict(verify_evidence(resealed(content), known))
            except BadProof:
                continue
            if path[-1] == "at" and path[0] == "subjects":
                # Where and by which key a run was written is the file's own word, and said to be.
                assert placeless(found) == placeless(true), path
            else:
                assert found == true, path
    assert tried > 500


def placeless(claims: dict[str, Any]) -> dict[str, Any]:
    """What is claimed but where, when and by which key the records were written."""
    claims = copy.deepcopy(claims)
    for subject in claims["subjects"]:
        for each in subject["records"]:
            each |= {"block": 0, "time": 0, "key": ""}
    return claims


# ---------------------------------------------------------------- the tamper table


def set_score(**changed: Any) -> Callable[[dict[str, Any]], object]:
    return lambda c: c["score"].update(changed)


def set_assessment(**changed: Any) -> Callable[[dict[str, Any]], object]:
    return lambda c: c["assessment"].update(changed)


def soften_the_card(content: dict[str, Any]) -> None:
    """Another card under the old name, and the score it gives."""
    content["cards"][0]["canonical"] = content["cards"][0]["canonical"].replace(
        '"milli":-60000', '"milli":-6000', 1
    )
    content["score"]["card"] = sha256(content["cards"][0]["canonical"].encode()).hexdigest()
    content["score"] |= {"milli": 100_000, "grade": "A"}


def keep_first(content: dict[str, Any]) -> None:
    """Leave the linked name out, and its leaf out of the proof's reach."""
    del content["subjects"][1]


def run_of(content: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return content["subjects"][0]["runs"][number]


def move(number: int, **changed: int) -> Callable[[dict[str, Any]], object]:
    """Let a run stand elsewhere: another block, log, time or key."""

    def change(content: dict[str, Any]) -> None:
        at = dict(
            zip(
                ("block", "log", "time", "key"),
                map(int, run_of(content, number)["at"].split("-")),
                strict=True,
            )
        )
        run_of(content, number)["at"] = "-".join(str(each) for each in (at | changed).values())

    return change


def event(authority: int, which: int, **changed: Any) -> Callable[[dict[str, Any]], object]:
    return lambda c: c["authorities"]["shown"][authority - 1]["events"][which].update(changed)


def compromise(content: dict[str, Any]) -> None:
    entry = content["authorities"]["shown"][0]
    key = next(each["key"] for each in entry["events"] if "key" in each)
    entry["events"].insert(-1, {"at": "5-0-1", "compromised": key, "from": 1})


def suspend(content: dict[str, Any]) -> None:
    content["authorities"]["shown"][0]["events"].insert(-1, {"at": "5-0-1", "suspended": 1})


def sign_with(note: str) -> Callable[[dict[str, Any]], object]:
    return lambda c: c.update(checkpoint=note)


def foreign_checkpoint() -> str:
    other = SigningKey("eip155:1:0xother/00", LOG_KEY.kind, LOG_KEY.seed)
    text = checkpoint_of(CHAIN).replace(LOG_KEY.name, other.name).split("\n\n")[0] + "\n"
    return text + "\n" + str(other.sign(text))


def forge_a_signature(content: dict[str, Any]) -> None:
    note = parse_note(content["checkpoint"].encode())
    line = note.lines[2]
    forged = line._replace(signature=line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    content["checkpoint"] = str(note._replace(lines=(*note.lines[:2], forged)))


TAMPERED: list[tuple[str, Callable[[dict[str, Any]], object], type[BadProof], str]] = [
    ("a later suspension left out", lambda c: c["authorities"]["shown"][0]["events"].pop(), RootDiffers, "lead to root"),
    ("another block's statement", lambda c: c["block"].update(number=100), CheckpointDiffers, "signed is `block 99"),
    ("another block time", lambda c: c["block"].update(time=PLACE.block_time + 1), CheckpointDiffers, "signed is `block"),
    ("one more assessment", lambda c: c["assessments"].update(count=3), CheckpointDiffers, "signed is `assessments"),
    ("another chain from its first block", lambda c: c.update(genesis="00" * 32), CheckpointDiffers, "the checkpoint is of"),
    ("a better score", set_score(milli=99_999), ScoreDiffers, "the records give"),
    ("a better grade", set_score(grade="A"), ScoreDiffers, "the file says"),
    ("a score of another day", set_score(as_of="2026-04-02"), ScoreDiffers, "the score of 2026-04-02"),
    ("a day that is none", set_score(as_of="2026-02-30"), Malformed, "no such day"),
    ("a card that is not there", set_score(card="00" * 32), Malformed, "not the hash of a card"),
    ("a better published score", set_assessment(milli=100_000), RootDiffers, "leads to root"),
    ("a published grade", set_assessment(grade="A"), RootDiffers, "leads to root"),
    ("another assessment's root", set_assessment(root="00" * 32), RootDiffers, "leads to root"),
    ("another place in the assessment", set_assessment(index=1), RootDiffers, "leads to root"),
    ("a place outside the assessment", set_assessment(index=3), IndexOutside, "is not in a log of 3"),
    ("an assessment of a log it did not see", set_assessment(log_size=99), Malformed, "not a whole number in 0..14"),
    ("a linked name left out", keep_first, ProofTruncated, "lacks a hash"),
    ("a mandate that did not hold yet", event(1, 1, **{"from": FOREVER}), RootDiffers, "lead to root"),
    ("a mandate without the type", event(1, 1, mandate="00" * 32), RootDiffers, "lead to root"),
    ("a key that had expired", event(1, 2, until=1), RootDiffers, "lead to root"),
    ("a key that came later", event(1, 2, **{"from": FOREVER}), RootDiffers, "lead to root"),
    ("a key that is none of its keys", move(0, key=7), NotAuthorised, "was no key of this authority"),
    ("a key said to be compromised", compromise, RootDiffers, "lead to root"),
    ("an authority said to be suspended", suspend, RootDiffers, "lead to root"),
    ("a record before its authority had a key", move(0, block=1), NotAuthorised, "does not fit what was said"),
    ("a record written before its key", move(0, time=86_400), NotAuthorised, "does not fit what was said"),
    ("two runs at one place", lambda c: run_of(c, 1).update(at=run_of(c)["at"]), NotAuthorised, "cannot be where"),
    ("an authority of which nothing is said", lambda c: c["authorities"]["shown"].pop(0), ProofTruncated, "lacks a hash"),
    ("an authority given twice", lambda c: c["authorities"]["shown"].append(c["authorities"]["shown"][0]), Malformed, "given before"),
    ("events in another order", lambda c: c["authorities"]["shown"][0]["events"].reverse(), Malformed, "not in chain order"),
    ("a run without its place", lambda c: run_of(c).pop("at"), NotAuthorised, "does not say when"),
    ("places without authorities", lambda c: c.pop("authorities"), Malformed, "'authorities' is missing"),
    ("a place that is none", lambda c: run_of(c).update(at="1-2-3"), Malformed, "block-log-time-key"),
    ("another log's checkpoint", sign_with(foreign_checkpoint()), CheckpointDiffers, "the checkpoint is of eip155:1:"),
    ("an older checkpoint", sign_with(checkpoint_of(CHAIN, 3)), CheckpointDiffers, "size 3"),
    ("a checkpoint of another root", lambda c: c.update(checkpoint=c["checkpoint"].replace("\n14\n", "\n13\n")), BadNote, "does not verify"),
    ("a forged signature", forge_a_signature, BadNote, "does not verify"),
    ("no checkpoint", lambda c: c.pop("checkpoint"), NotSigned, "no checkpoint signed by"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "error", "message"), TAMPERED, ids=[each[0] for each in TAMPERED])
def test_each_way_to_cheat_is_caught_with_its_message(
    name: str, change: Callable[[dict[str, Any]], object], error: type[BadProof], message: str
) -> None:
    content = json.loads(full_sample())
    change(content)
    with pytest.raises(error, match=message):
        verify_evidence(resealed(content), KNOWN)


def test_a_softer_card_under_the_old_name_is_not_computed_with() -> None:
    content = json.loads(full_sample())
    soften_the_card(content)
    verdict = verify_evidence(resealed(content), Trusted(keys=COMPLETE))
    assert verdict.score
    assert verdict.score.score is None
    assert verdict.vouched.complete, "the records are what they are"
    shown = claims_text(verdict)
    assert f"withheld 不予显示   2026-09-21   unknown card 未知评分卡 {content['score']['card']}" in shown
    assert "100" not in shown.split("score 评分")[1].split("published")[0]


def test_a_linked_name_left_out_honestly_proves_the_record_and_no_score() -> None:
    attached = attached_to(CHAIN)
    alone = [placed(CHAIN, 1)]
    with pytest.raises(ScoreIncomplete, match="enterprise 5 is linked"):
        build_evidence(PLACE, alone, tree_of(CHAIN), trees_of(CHAIN), None, attached)
    without = attached._replace(score=None, assessment=None)
    assert verify_evidence(
        build_evidence(PLACE, alone, tree_of(CHAIN), trees_of(CHAIN), None, without)
    ).unshown == (5,)


def test_a_name_that_follows_another_has_no_score_of_its_own() -> None:
    attached = attached_to(CHAIN)._replace(assessment=None)
    with pytest.raises(ScoreIncomplete, match="follows that of enterprise 1"):
        build_evidence(
            PLACE, [placed(CHAIN, 5), placed(CHAIN, 1)], tree_of(CHAIN), trees_of(CHAIN), None, attached
        )


def written_by(chain: Chain) -> bytes:
    attached = Attached(authorities_of(chain))
    return build_evidence(PLACE, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)


def test_a_compromised_key_writes_nothing_after_it_was_ended() -> None:
    chain = sample_chain()
    chain.set_key(1, key_of(1), 0, chain.now)
    chain.batch(1, [record(1)])
    with pytest.raises(NotAuthorised, match="was no key"):
        written_by(chain)


def test_a_rotated_key_and_a_widened_mandate_hold_from_when_they_were_set() -> None:
    chain = sample_chain()
    chain.set_key(1, key_of(1, 1), chain.now, FOREVER)
    chain.set_mandate(1, 1 << 41)
    chain.batch(1, [record(1, 41)], key_of(1, 1))
    verify_evidence(written_by(chain))
    chain.batch(1, [record(1, 1)], key_of(1, 1))
    with pytest.raises(NotAuthorised, match="type 1 was outside its mandate"):
        written_by(chain)


def test_a_record_backdated_beyond_the_calendar_is_no_record() -> None:
    chain = sample_chain()
    chain.batch(1, [record(1, decided_on=2**31, conduct_on=1)])
    with pytest.raises(RecordsUnfit, match="beyond 2999"):
        written_by(chain)


def test_a_decision_from_the_future_was_not_to_be_written() -> None:
    chain = sample_chain()
    chain.batch(1, [record(1, decided_on=TODAY + 5, conduct_on=TODAY)])
    with pytest.raises(NotAuthorised, match="after it was written"):
        written_by(chain)


# ---------------------------------------------------------------- who vouches


@pytest.mark.parametrize(
    ("known", "quorum", "holds"), [(3, 3, True), (2, 2, True), (2, 3, False), (0, 1, False), (0, 0, True)]
)
def test_k_of_n_witnesses(known: int, quorum: int, holds: bool) -> None:
    trusted = Trusted(keys=[LOG_KEY.verifier, *(each.verifier for each in WITNESSES[:known])], quorum=quorum)
    if holds:
        verify_evidence(full_sample(), trusted)
    else:
        with pytest.raises(QuorumMissed, match=f"{known} of the known witnesses"):
            verify_evidence(full_sample(), trusted)


def test_one_witness_with_two_lines_counts_once() -> None:
    content = json.loads(full_sample())
    note = parse_note(content["checkpoint"].encode())
    again = WITNESSES[0].sign(note.text, 1_790_000_009)
    content["checkpoint"] = str(note._replace(lines=(note.lines[0], note.lines[1], again)))
    with pytest.raises(QuorumMissed):
        verify_evidence(resealed(content), KNOWN)


def test_one_key_under_two_names_counts_once() -> None:
    twin = SigningKey("witness.example/twin", WITNESSES[0].kind, WITNESSES[0].seed)
    content = json.loads(full_sample())
    note = parse_note(content["checkpoint"].encode())
    content["checkpoint"] = str(note._replace(lines=(*note.lines[:2], twin.sign(note.text, 5))))
    with pytest.raises(QuorumMissed, match="1 of the known"):
        verify_evidence(resealed(content), Trusted(keys=[WITNESSES[0].verifier, twin.verifier], quorum=2))


def test_the_assessment_is_bound_to_the_card_it_was_made_with() -> None:
    made = assessment_of(CHAIN)
    assert made.score.card.hash == CARD.hash


def test_a_thousand_records_with_all_that_belongs_to_them_stay_small_and_quick() -> None:
    """1,000 batches of one record each, among 9,000 of others; with places, rights, score and checkpoint."""
    chain = Chain()
    chain.add_authority(1)
    chain.register(10)
    for _ in range(1000):
        chain.batch(1, [record(enterprise) for enterprise in range(1, 11)])
    found = score(posted_of(chain, {1}), CARD, TODAY)
    made = EvidenceScore(TODAY, CARD, found.milli, found.grade)
    attached = Attached([authorities_of(chain)[0]], made, None, None)
    place = PLACE._replace(block_number=5_000, block_time=chain.now)
    data = build_evidence(place, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)
    started = time.perf_counter()
    verdict = verify_evidence(data)
    assert time.perf_counter() - started < 1
    assert (len(verdict.subjects[0].records), verdict.leaves) == (1000, "all")
    assert len(data) < 400_000
