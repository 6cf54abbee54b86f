"""Attacks on evidence files: each tries one thing, and asserts the sentence that its reader sees.

The reader knows the log's key and the second keys of two witnesses, who recomputed what they signed. The
forger has everything else: the whole ledger, a genuine checkpoint, and the software.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from evidence_sample import (
    LOG_KEY,
    PLACE,
    RECOMPUTED,
    WITNESSES,
    assessment_of,
    attached_to,
    authorities_of,
    checkpoint_of,
    full_sample,
    object_to,
    placed,
    resealed,
    sample_chain,
    score_of,
    statement_of,
    tree_of,
    trees_of,
)
from honest_chain import TODAY, Chain, key_of, record

from ledger.audit.command import report, trusted_from
from ledger.audit.evidence import Attached, EvidenceScore, build_evidence
from ledger.audit.signed import WrongKind
from ledger.audit.strict_json import Malformed, parse_object
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.crypto.checkpoints import Checkpoint, origin_of
from ledger.crypto.commitments import identity_commitment
from ledger.crypto.heads import genesis_head, leaf_data
from ledger.crypto.merkle import leaf_hash
from ledger.crypto.multiproof import multi_proof
from ledger.crypto.notes import COSIGNATURE, ED25519, Note, SigningKey, parse_note
from ledger.crypto.statement import head_leaf
from ledger.domain.calendar import iso
from ledger.domain.facts import Registered, Run
from ledger.scoring.cards import card_in_force, load_cards, parse_card
from ledger.scoring.score import score

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, READERS = str(LOG_KEY.verifier), [str(each.verifier) for each in RECOMPUTED]
CHAIN = sample_chain()


class Told:
    """What a verifier says of a file: exit code, and all that it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str], data: bytes, **options: Any) -> None:
        allow = options.pop("allow_incomplete", False)
        keys, witnesses = options.pop("keys", [KEY]), options.pop("witnesses", READERS)
        trusted = trusted_from(keys, witnesses, **options)
        self.code = report(data, trusted, "evidence.json", as_json=False, allow_incomplete=allow)
        printed = capsys.readouterr()
        self.text = printed.out + printed.err

    def refused(self, sentence: str) -> None:
        assert self.code == 1
        assert "does NOT hold" in self.text
        assert sentence in self.text
        assert "complete record of" not in self.text

    def unproven(self, sentence: str) -> None:
        assert self.code == 1
        assert sentence in self.text
        assert "complete record of" not in self.text


def forged(change: Callable[[dict[str, Any]], object]) -> bytes:
    content = json.loads(full_sample())
    change(content)
    return resealed(content)


def made(
    chain: Chain, *, shown: tuple[int, ...] = (1, 5), score_day: int | None = TODAY, **changed: Any
) -> bytes:
    """An honest file about a chain, with the checkpoint of its end."""
    found = None
    if score_day is not None:
        given = attached_to(chain).score
        assert given
        found = given._replace(as_of=score_day) if score_day == TODAY else _scored(chain, score_day)
    attached = Attached(authorities_of(chain), found, None, checkpoint_of(chain))._replace(**changed)
    subjects = [placed(chain, each) for each in shown]
    return build_evidence(PLACE, subjects, tree_of(chain), trees_of(chain), None, attached)


def made_unchecked(chain: Chain) -> bytes:
    """The same, of a ledger whose contracts did not keep their rules: not looked at when it is made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.audit.evidence.verify_evidence", lambda *_: None)
        return made(chain)


def _scored(chain: Chain, day: int) -> EvidenceScore:
    card = card_in_force(load_cards(), day)
    records = [each for number in (1, 5) for each in _records(chain, number)]
    found = score(records, card, day)
    return EvidenceScore(day, card, found.milli, found.grade)


def _records(chain: Chain, enterprise: int) -> list[Any]:
    subject = verify_evidence(made(chain, shown=(enterprise,), score_day=None)).subjects[0]
    return list(subject.records)


def test_the_honest_file_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, full_sample())
    assert told.code == 0
    assert "complete record of number 1" in told.text
    assert "complete as of block 99" in told.text


# ---------------------------------------------------------------- cut and emptied under a genuine checkpoint


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


def base64(hashes: list[bytes]) -> str:
    import base64 as b64

    return b64.b64encode(b"".join(hashes)).decode()


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


def test_cut_and_vouched_for_by_the_operator_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """The operator signs a statement over a cut record: nobody has recomputed it, and that is the verdict."""
    chain = Chain()
    chain.__dict__ |= {k: (list(v) if isinstance(v, list) else v) for k, v in sample_chain().__dict__.items()}
    text = Checkpoint(LOG_KEY.name, chain.log.size, chain.log.root(), statement_of(chain)).text()
    only = str(Note(text, (LOG_KEY.sign(text), *(each.sign(text, 1_790_003_720) for each in WITNESSES))))
    data = made(chain, checkpoint=only)
    Told(capsys, data, witnesses=[]).unproven("NOT proven complete: only the operator vouches for it")
    witnesses = [str(each.verifier) for each in WITNESSES]
    Told(capsys, data, witnesses=witnesses).unproven("NOT proven complete: only the operator vouches for it")
    assert Told(capsys, data, witnesses=[], allow_incomplete=True).code == 0


def test_an_older_complete_file_is_as_old_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    data = made(CHAIN)
    told = Told(capsys, data)
    assert "signed 2026-09-21T15:14:20Z" in told.text
    assert Told(capsys, data, not_older_than="2026-09-21").code == 0
    Told(capsys, data, not_older_than="2026-09-22").refused("too-old: signed at 2026-09-21T15:14:20Z")
    Told(capsys, data, not_older_than="1h").refused("too-old")


def test_an_old_checkpoint_cosigned_again_today_is_as_old_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A cosignature can be renewed by whoever holds an old file: the older of the two counts."""
    note = parse_note(checkpoint_of(CHAIN).encode())
    now = int(time.time())
    lines = (LOG_KEY.sign(note.text), *(each.sign(note.text, now) for each in RECOMPUTED))
    data = made(CHAIN, checkpoint=str(Note(note.text, lines)))
    assert Told(capsys, data).code == 0
    Told(capsys, data, not_older_than="1d").refused("too-old")


# ---------------------------------------------------------------- left out beside records


def leave(*path: Any) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> None:
        holder: Any = content
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]

    return change


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
    assert "upheld; upheld, and its correction is missing" in told.text


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
    change = record(1, 240, ref=number, decided_on=TODAY + days)
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


# ---------------------------------------------------------------- links


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
    mirror = next(each for each in _records(chain, 1) if each.type == 249 and each.id >> 48 == 3)
    chain.batch(3, [record(1, 241, ref=mirror.id)])
    content = json.loads(made(chain, score_day=None))
    alone = score(_records(chain, 1), card_in_force(load_cards(), TODAY), TODAY)
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


# ---------------------------------------------------------------- cards and assessments


def soften(content: dict[str, Any], name: str = "Default scorecard 2026") -> str:
    card = json.loads(content["cards"][0]["canonical"])
    for each in card["types"]:
        each["milli"] = max(each["milli"], 0)
    card["name"] = name
    text = json.dumps(card, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = sha256(text.encode()).hexdigest()
    content["cards"][0]["canonical"] = text
    content["score"] |= {"card": digest, "milli": 100_000, "grade": "A"}
    return digest


def test_a_lenient_card_under_the_name_of_the_default_one(capsys: pytest.CaptureFixture[str]) -> None:
    digests: list[str] = []
    told = Told(capsys, forged(lambda c: digests.append(soften(c))))
    assert f"unknown card 未知评分卡 {digests[0]}" in told.text
    assert "score 评分 withheld" in told.text
    assert "score 评分 100" not in told.text


def test_a_lenient_card_that_the_reader_knows_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(full_sample())
    digest = soften(content, "Lenient 2020")
    card = json.loads(content["cards"][0]["canonical"])
    text = json.dumps(
        card | {"effective_on": "2026-04-02"}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    content["cards"][0]["canonical"] = text
    digest = sha256(text.encode()).hexdigest()
    content["score"] |= {"card": digest, "milli": 0, "grade": "A"}
    Told(capsys, resealed(content), cards=[digest]).refused("score-differs")


def test_a_superseded_card_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    harsh = parse_card(HARSH)
    path = _file(harsh.canonical)
    told = Told(capsys, full_sample(), cards=[path])
    assert "not the card in force on that day: Harsh card is, since 2026-05-01" in told.text


HARSH = """
name = "Harsh card"
effective_on = 2026-05-01
start_milli = 100000
start_incomplete_milli = 90000
bonus_cap_milli = 0
new_record_months = 12

[grades]
A = 95000
B = 80000
C = 60000

[[type]]
number = 1
code = "CU01"
milli = -90000
min_months = 12
max_months = 36
half_life_months = 0
effect = "VETO_D"
repair = "none"
rule = "r"
"""


def _file(data: bytes) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(data)
    return file.name


def test_an_assessment_that_was_never_published(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        leaf_root = sha256(b"x").hexdigest()
        content["assessment"] |= {"root": leaf_root, "count": 1, "index": 0, "proof": ""}

    Told(capsys, forged(change)).refused("leads to root")


def test_an_assessment_under_another_number(capsys: pytest.CaptureFixture[str]) -> None:
    Told(capsys, forged(lambda c: c["assessment"].update(epoch=1))).refused("leads to root")


def test_an_older_assessment_is_not_called_the_latest(capsys: pytest.CaptureFixture[str]) -> None:
    chain = sample_chain()
    chain.assess()
    data = made(chain, assessment=assessment_of(chain))
    told = Told(capsys, data)
    assert "in assessment 2 of 3 (NOT the latest)" in told.text
    assert "what later assessments, up to 3, say" in told.text
    content = json.loads(data)
    content["assessments"]["count"] = 2
    Told(capsys, resealed(content)).refused("assessment")


def test_a_published_score_nobody_signed_is_unproven(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, full_sample(), keys=[], witnesses=[])
    assert "NOT proven" in told.text.split("published")[1]


# ---------------------------------------------------------------- keys


def test_a_witnesss_key_as_the_logs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongKind, match="a witness's key: give it as --witness"):
        Told(capsys, full_sample(), keys=[READERS[0]])
    with pytest.raises(WrongKind, match="a log's key: give it as --key"):
        Told(capsys, full_sample(), witnesses=[KEY])


def test_another_logs_key_signs_for_this_one(capsys: pytest.CaptureFixture[str]) -> None:
    other = SigningKey("eip155:1:0x0/00", ED25519, b"o" * 32)
    note = parse_note(checkpoint_of(CHAIN).encode())
    lines = (other.sign(note.text), *note.lines[4:])
    data = made(CHAIN, checkpoint=str(Note(note.text, lines)))
    Told(capsys, data, keys=[str(other.verifier)]).refused("no checkpoint signed by")
    Told(capsys, data, keys=[KEY, str(other.verifier)]).refused("no checkpoint signed by")


def test_a_second_chain_from_one_keystore(capsys: pytest.CaptureFixture[str]) -> None:
    """The same chain id, contract and key; another first block: another log."""
    twin = SigningKey(origin_of(PLACE.chain_id, b"\1" * 32, PLACE.contract), ED25519, LOG_KEY.seed)
    text = Checkpoint(twin.name, CHAIN.log.size, CHAIN.log.root(), statement_of(CHAIN)).text()
    note = str(Note(text, (twin.sign(text), *(each.sign(text, 1_790_003_720) for each in RECOMPUTED))))
    Told(capsys, forged(lambda c: c.update(checkpoint=note))).refused("the checkpoint is of")


def test_one_witness_twice_and_under_two_names(capsys: pytest.CaptureFixture[str]) -> None:
    twin = SigningKey("witness.example/2/recomputed", COSIGNATURE, RECOMPUTED[0].seed)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    lines = (LOG_KEY.sign(text), RECOMPUTED[0].sign(text, 1_790_003_720), twin.sign(text, 1_790_003_720))
    data = made(CHAIN, checkpoint=str(Note(text, lines)))
    Told(capsys, data, witnesses=[READERS[0], str(twin.verifier)], quorum=2).refused(
        "1 of the known witnesses"
    )
    assert Told(capsys, data, witnesses=[READERS[0], READERS[0]]).code == 0


def test_quorum_nought_makes_nothing_complete(capsys: pytest.CaptureFixture[str]) -> None:
    note = parse_note(checkpoint_of(CHAIN).encode())
    data = made(CHAIN, checkpoint=str(note._replace(lines=note.lines[:1])))
    Told(capsys, data, quorum=0).unproven("only the operator vouches for it")


def test_a_witness_that_only_calls_itself_recomputing(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that the reader was not given means nothing, whatever it is."""
    own = SigningKey("witness.example/9/recomputed", COSIGNATURE, b"9" * 32)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    data = made(CHAIN, checkpoint=str(Note(text, (LOG_KEY.sign(text), own.sign(text, 1)))))
    told = Told(capsys, data, witnesses=[])
    told.unproven("only the operator vouches for it")
    assert "witness.example/9/recomputed: not checked, its key was not given" in told.text


def test_a_look_alike_witness_is_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:
    own = SigningKey("w\u0456tness.example/1", COSIGNATURE, b"9" * 32)
    text = parse_note(checkpoint_of(CHAIN).encode()).text
    data = made(CHAIN, checkpoint=str(Note(text, (LOG_KEY.sign(text), own.sign(text, 1)))))
    assert "w\\u0456tness.example/1" in Told(capsys, data, witnesses=[]).text


def test_nothing_signed_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, full_sample(), keys=[], witnesses=[])
    told.unproven("nothing here is signed: it proves nothing")
    assert "The evidence holds" not in told.text
    assert Told(capsys, full_sample(), keys=[], witnesses=[], allow_incomplete=True).code == 1


def test_a_checkpoint_without_a_statement_proves_no_completeness(capsys: pytest.CaptureFixture[str]) -> None:
    text = Checkpoint(LOG_KEY.name, CHAIN.log.size, CHAIN.log.root()).text()
    note = str(Note(text, (LOG_KEY.sign(text), *(each.sign(text, 1_790_003_720) for each in RECOMPUTED))))
    Told(capsys, forged(lambda c: c.update(checkpoint=note))).unproven("what is signed says nothing of heads")


# ---------------------------------------------------------------- block, day, time


@pytest.mark.parametrize(
    "changed", [{"number": 9_999_999}, {"number": 98}, {"hash": "ab" * 32}, {"time": 1_790_003_601}],
    ids=["later", "earlier", "hash", "time"],
)  # fmt: skip
def test_another_block_than_the_signed_one(
    capsys: pytest.CaptureFixture[str], changed: dict[str, Any]
) -> None:
    Told(capsys, forged(lambda c: c["block"].update(changed))).refused("signed is `block 99 ")


def test_a_score_of_a_day_to_come(capsys: pytest.CaptureFixture[str]) -> None:
    found = _scored(CHAIN, TODAY + 1600)
    data = forged(lambda c: c["score"].update(as_of=iso(TODAY + 1600), milli=found.milli, grade=found.grade))
    Told(capsys, data).refused(
        "day-to-come: the score is of 2031-02-07, and the file was signed on 2026-09-21"
    )


def test_a_score_of_a_better_day_is_printed_beside_todays(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, made(CHAIN, score_day=TODAY - 30))
    today = score_of(CHAIN)
    line = next(each for each in told.text.split("\n") if each.startswith("score"))
    assert f"EARLIER than the signed day 2026-09-21: on that day {today.milli / 1000:g} {today.grade}" in line


def test_posting_times_moved_beyond_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["subjects"][0]["runs"][-1]["at"] = "100-1-1790003600-1"
        del content["signatures"]

    Told(capsys, forged(change)).refused("written after the file's block")


def test_posting_times_are_the_files_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        at = content["subjects"][0]["runs"][-1]["at"].split("-")
        content["subjects"][0]["runs"][-1]["at"] = f"{at[0]}-{at[1]}-{int(at[2]) + 1}-{at[3]}"

    told = Told(capsys, forged(change))
    assert "as the file says" in next(line for line in told.text.split("\n") if "GACC-10" in line)


# ---------------------------------------------------------------- writing the report


@pytest.mark.parametrize(
    "code", ["GA\u0421C", "GACC\n  signed by x", "\x1b[1A\x1b[8m", "gacc", "", "A" * 21], ids=repr
)
def test_codes_no_contract_gives(capsys: pytest.CaptureFixture[str], code: str) -> None:
    told = Told(capsys, forged(lambda c: c["authorities"]["shown"][0]["events"][0].update(code=code)))
    told.refused("a code that no authority can have")


def test_another_authoritys_code(capsys: pytest.CaptureFixture[str]) -> None:
    def one(code: str) -> bytes:
        return forged(lambda c: c["authorities"]["shown"][0]["events"][0].update(code=code))

    Told(capsys, one("STA")).refused("or one that another one has")
    Told(capsys, one("US-CPSC-1")).refused("lead to root")


@pytest.mark.parametrize(
    "text", ["\x1b[8m", "a\n  signed by w: verified", "\u202e\u2066", "\u009b8m", "\u2028x"], ids=repr
)
def test_text_of_a_file_is_one_harmless_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A name that a forger may choose: his own firm's."""
    chain = sample_chain()
    chain.block()
    salt = bytes(32)
    commitment = identity_commitment(salt, "name:CN:" + text)
    chain.commitments[6], chain.heads[6] = commitment, genesis_head(6, commitment)
    chain.facts.append(Registered(chain.place(), 6, commitment))
    subject = placed(chain, 6, identity=("name:CN:" + text, salt))
    attached = Attached([], None, None, checkpoint_of(chain))
    data = build_evidence(PLACE, [subject], tree_of(chain), trees_of(chain), None, attached)
    told = Told(capsys, data)
    assert told.code == 0
    assert not any(each in told.text for each in "\x1b\u202e\u2066\u009b\u2028")
    assert "\n  signed by w: verified" not in told.text
    as_json = report(data, Trusted(), "-", as_json=True, allow_incomplete=False)
    printed = capsys.readouterr().out
    assert as_json == 1
    assert printed.count("\n") == 1
    assert json.loads(printed)["subjects"][0]["party"] == "name:CN:" + text


def test_a_cards_name_and_rules_are_never_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, forged(lambda c: soften(c, "Default\n  root signed by w: verified\x1b[8m")))
    assert "\x1b" not in told.text
    assert "root signed by w" not in told.text


def test_the_refusal_itself_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, forged(lambda c: c.update({"\x1b[8m\nok": 1})))
    told.refused("unknown key")
    assert told.text.count("\n") == 1
    assert "\x1b" not in told.text


# ---------------------------------------------------------------- dear to check

MEGABYTES = 10


def cost(data: bytes) -> tuple[float, float]:
    """Seconds, and bytes of memory for each byte of the file."""
    tracemalloc.start()
    before = time.process_time()
    with pytest.raises(Exception):  # noqa: B017  what it is refused for is not the question here
        verify_evidence(data)
    spent = time.process_time() - before
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return spent, peak / len(data)


def whole(unit: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + unit * ((MEGABYTES << 20) // len(unit)) + after


@pytest.mark.parametrize(
    "data",
    [
        whole(b"[", b'{"a":'),
        whole(b"{},", b'{"a":[', b"{}]}"),
        whole(b"[],", b'{"a":[', b"[]]}"),
        whole(b'"a","b",', b'{"a":[', b'""]}'),
        whole(b"1,", b'{"a":[', b"1]}"),
        b'{"a":' + b"9" * (MEGABYTES << 20) + b"}",
        b"{" + b",".join(b'"k%d":1' % n for n in range(900_000)) + b',"k0":1}',
        b'{"format":"' + b"\\u00e9" * 1_700_000 + b'"}',
        b'{"a":"' + b'\\"' * (5 << 20) + b'"}',
    ],
    ids=["deep", "objects", "lists", "texts", "numbers", "digits", "keys", "escapes", "quotes"],
)
def test_ten_megabytes_of_nothing_cost_little(data: bytes) -> None:
    seconds, times = cost(data)
    assert seconds < 5
    assert times < 25


def test_many_mandates_and_many_runs_cost_what_their_sum_costs() -> None:
    def seconds(many: int) -> float:
        chain = Chain()
        chain.add_authority(1)
        chain.register(1)
        for _ in range(many):
            chain.set_mandate(1, (1 << 256) - 1, delay=10**9)
        for _ in range(many):
            chain.batch(1, [record(1)])
        place = PLACE._replace(block_number=10**6, block_time=chain.now)
        attached = Attached(authorities_of(chain))
        data = build_evidence(place, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)
        before = time.process_time()
        verify_evidence(data)
        return time.process_time() - before

    small, large = seconds(500), seconds(2000)
    assert large < 12 * max(small, 0.02)


# ---------------------------------------------------------------- found by a second reading


def test_a_text_without_an_end_costs_its_length() -> None:
    for inside in (b'\\"' * 2_000_000, b'\\"' * 2_000_000 + b"\\"):
        begun = time.process_time()
        with pytest.raises(Malformed):
            parse_object(b'{"a":"' + inside, 10**9)
        assert time.process_time() - begun < 5


@pytest.mark.parametrize("code", ["A" * 33, "gacc", "STA"])
def test_a_code_in_a_later_event_is_refused(capsys: pytest.CaptureFixture[str], code: str) -> None:
    event = {"at": "98-0-1790003000", "code": code}
    Told(capsys, forged(lambda it: it["authorities"]["shown"][0]["events"].append(event))).refused(
        "malformed"
    )


@pytest.mark.parametrize("quorum", [0, -1])
def test_a_quorum_of_nobody_proves_nothing(capsys: pytest.CaptureFixture[str], quorum: int) -> None:
    Told(capsys, full_sample(), quorum=quorum).unproven("asks for nobody's word")


def test_the_logs_own_key_is_no_witness(capsys: pytest.CaptureFixture[str]) -> None:
    twin = SigningKey("witness.other/recomputed", COSIGNATURE, LOG_KEY.seed)
    content = json.loads(full_sample())
    note = parse_note(content["checkpoint"].encode())
    content["checkpoint"] = str(Note(note.text, (*note.lines, twin.sign(note.text, int(time.time())))))
    told = Told(capsys, resealed(content), witnesses=[str(twin.verifier)])
    told.unproven("only the operator vouches for it")


def test_a_signature_before_its_block_is_as_old_as_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    early = made(CHAIN, score_day=TODAY - 2000, checkpoint=checkpoint_of(CHAIN, time=(TODAY - 2000) * 86_400))
    told = Told(capsys, early)
    assert f"EARLIER than the signed day {iso(TODAY)}" in told.text


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


def test_a_time_beyond_the_calendar_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    far = json.loads(full_sample())
    note = parse_note(far["checkpoint"].encode())
    text = "\n".join(
        "time 900000000000000000" if each.startswith("time ") else each for each in note.text.split("\n")
    )
    far["checkpoint"] = str(Note(text, (LOG_KEY.sign(text),)))
    Told(capsys, resealed(far), witnesses=[]).refused("beyond the calendar")
