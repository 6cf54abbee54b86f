"""Evidence files: honest ones verify, every changed byte is refused, every forged claim is refused by its rule."""

from __future__ import annotations

import copy
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from evidence_sample import (
    CONTENT,
    PLACE,
    SALT,
    leaves_of,
    meaning,
    mutated,
    resealed,
    sample,
    sample_chain,
    subject_of,
    tree_of,
    trees_of,
)
from honest_chain import history, party_of, scene

from ledger.audit.evidence import (
    EvidenceRun,
    EvidenceSubject,
    HeadDiffers,
    NotAsTrusted,
    RecordsUnfit,
    Trusted,
    build_evidence,
    verify_evidence,
)
from ledger.audit.objected import ObjectionsUnfit
from ledger.audit.strict_json import Malformed
from ledger.crypto.commitments import CommitmentDiffers
from ledger.crypto.heads import genesis_head, leaf_data, next_head
from ledger.crypto.merkle import IndexOutside, ProofTooLong, ProofTruncated, RootDiffers, Tree, leaf_hash
from ledger.crypto.statement import StateTrees
from ledger.domain.facts import Run
from ledger.domain.records import unpack_run
from ledger.errors import BadProof, BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent.parent / "vectors" / "evidence.json"
# ---------------------------------------------------------------- honest files


def test_an_honest_file_says_what_the_chain_says() -> None:
    chain = sample_chain()
    verdict = verify_evidence(sample())
    expected = [
        posted
        for f in chain.facts
        if isinstance(f, Run) and f.enterprise == 1
        for posted in unpack_run(f.first_id, f.records)
    ]
    first, second = verdict.subjects
    assert list(first.records) == expected
    assert (first.enterprise, first.party_key, first.head) == (1, party_of(1), chain.heads[1])
    assert dict(first.documents) == {expected[-1].id: CONTENT}
    assert (second.enterprise, second.head) == (5, chain.heads[5])
    assert verdict.stated[:3] == (31337, PLACE.genesis, PLACE.contract)
    assert verdict.stated.block == (99, PLACE.block_hash, PLACE.block_time)
    assert (verdict.tree_size, verdict.root, verdict.leaves) == (chain.log.size, chain.log.root(), "all")
    assert verdict.unshown == ()


def test_what_is_linked_and_not_shown_is_said() -> None:
    chain = sample_chain()
    assert verify_evidence(
        build_evidence(PLACE, [subject_of(chain, 1)], tree_of(chain), trees_of(chain))
    ).unshown == (5,)


def test_identity_and_documents_can_be_withheld() -> None:
    chain = sample_chain()
    data = build_evidence(PLACE, [subject_of(chain, 1, identity=None)], tree_of(chain), trees_of(chain))
    assert verify_evidence(data).subjects[0].party_key is None
    assert party_of(1).encode() not in data
    assert CONTENT not in data


def test_a_party_without_records_has_evidence_of_that() -> None:
    chain = scene()
    chain.register()
    verdict = verify_evidence(build_evidence(PLACE, [subject_of(chain, 6)], tree_of(chain), trees_of(chain)))
    assert verdict.subjects[0].records == ()
    assert verdict.subjects[0].head == genesis_head(6, chain.commitments[6])


@pytest.mark.parametrize("seed", range(8))
def test_every_enterprise_of_random_histories_at_once_and_alone(seed: int) -> None:
    chain = history(seed)
    tree, trees, subjects = tree_of(chain), trees_of(chain), [subject_of(chain, e) for e in chain.heads]
    known = Trusted(31337, PLACE.contract, (chain.log.size, chain.log.root()), chain.heads)
    for subject in subjects:
        linked = {
            each.ref
            for run in subject.runs
            for each in unpack_run(run.first_id, run.records)
            if each.type > 247
        }
        party = [subject, *(subjects[each - 1] for each in sorted(linked))]
        found = verify_evidence(build_evidence(PLACE, party, tree, trees), known)
        assert len(found.subjects) == 1 + len(linked)
        verify_evidence(build_evidence(PLACE, [subject], tree, trees), known)


def test_an_older_tree_proves_what_it_held() -> None:
    chain = sample_chain()
    subject = subject_of(chain, 1)
    earlier = [run for run in subject.runs if run.leaf_index < 6]
    head = genesis_head(1, chain.commitments[1])
    for run in earlier:
        head = next_head(head, run.first_id, run.records)
    trees = trees_of(chain)
    trees.move_head(1, head)
    data = build_evidence(PLACE, [subject._replace(runs=earlier, head=head)], tree_of(chain), trees, size=6)
    assert verify_evidence(data).tree_size == 6
    with pytest.raises(IndexOutside):
        build_evidence(PLACE, [subject], tree_of(chain), trees_of(chain), size=6)


def test_the_golden_file_of_the_format_still_verifies() -> None:
    data = GOLDEN.read_bytes()
    assert data == sample()
    assert verify_evidence(data).subjects[0].party_key == party_of(1)


def test_the_builder_makes_no_file_that_does_not_verify() -> None:
    chain = sample_chain()
    good = subject_of(chain, 1)
    with pytest.raises(HeadDiffers):
        build_evidence(PLACE, [good._replace(runs=good.runs[1:])], tree_of(chain), trees_of(chain))
    with pytest.raises(RootDiffers):
        build_evidence(
            PLACE,
            [good._replace(runs=[*good.runs[:-1], good.runs[-1]._replace(leaf_index=13)])],
            tree_of(chain),
            trees_of(chain),
        )
    with pytest.raises(BadValue):
        build_evidence(
            PLACE,
            [good._replace(documents={good.runs[-1].first_id: (SALT, b"\xff")})],
            tree_of(chain),
            trees_of(chain),
        )


# ---------------------------------------------------------------- every byte


def test_every_changed_byte_is_refused_or_changes_nothing() -> None:
    data = sample()
    true, chance = meaning(verify_evidence(data)), random.Random(1)
    refused = 0
    for place in range(0, len(data), 2):
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        try:
            found = meaning(verify_evidence(bytes(changed)))
        except BadProof:
            refused += 1
        else:
            assert found == true, place
    assert refused > 1000


def test_cut_doubled_and_spliced_files_are_refused_or_the_same() -> None:
    data = sample()
    true, chance = meaning(verify_evidence(data)), random.Random(2)
    for _ in range(500):
        a, b = sorted(chance.choices(range(len(data)), k=2))
        changed = chance.choice(
            [data[:a], data[a:], data[:a] + data[b:], data[:b] + data[a:], data[:a] + b"\n" + data[a:]]
        )
        try:
            assert meaning(verify_evidence(changed)) == true
        except BadProof:
            continue


#: What nobody vouches for in a file without a checkpoint, and nothing else in it is under.
STATED = {
    ("block", "number"),
    ("block", "hash"),
    ("block", "time"),
    ("genesis",),
    ("authorities", "count"),
    ("authorities", "facts"),
    ("objections", "count"),
    ("assessments", "count"),
    ("assessments", "root"),
}


def test_a_forger_who_renews_the_digest_changes_nothing_that_is_proven() -> None:
    """Every value in turn, several ways; against a reader who knows chain, contract, tree head and heads."""
    original, chain = json.loads(sample()), sample_chain()
    known = Trusted(31337, PLACE.contract, (chain.log.size, chain.log.root()), chain.heads)
    true, chance, tried = meaning(verify_evidence(sample(), known)), random.Random(3), 0
    for path in leaves_of(original):
        if path == ("digest",) or path in STATED or (path[0], path[-1]) in STATED:
            continue
        for _ in range(12):
            content = copy.deepcopy(original)
            holder: Any = content
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = mutated(holder[path[-1]], chance)
            tried += 1
            try:
                found = meaning(verify_evidence(resealed(content), known))
            except BadProof:
                continue
            assert found == true, (path, holder[path[-1]])
    assert tried > 400


# ---------------------------------------------------------------- each rule, by its own error


def forge(change: Callable[[dict[str, Any]], object]) -> bytes:
    content = json.loads(sample())
    change(content)
    return resealed(content)


def runs(content: dict[str, Any]) -> list[dict[str, Any]]:
    return content["subjects"][0]["runs"]


def drop_shown_proof(content: dict[str, Any]) -> None:
    content["tree"]["proof"] = ""


def other_document(content: dict[str, Any]) -> None:
    content["subjects"][0]["documents"][0]["content"] += " "


def second_document(content: dict[str, Any]) -> None:
    documents = content["subjects"][0]["documents"]
    documents.append(documents[0])


def document_of_no_record(content: dict[str, Any]) -> None:
    content["subjects"][0]["documents"][0]["record"] = "1-999"


def swap_identities(content: dict[str, Any]) -> None:
    a, b = content["subjects"]
    a["identity"], b["identity"] = b["identity"], a["identity"]


def swap_leaf_indices(content: dict[str, Any]) -> None:
    a, b = runs(content)[:2]
    a["leaf_index"], b["leaf_index"] = b["leaf_index"], a["leaf_index"]


FORGERIES: list[tuple[str, Callable[[dict[str, Any]], object], type[BadProof]]] = [
    ("a run left out", lambda c: runs(c).pop(0), HeadDiffers),
    ("the last run left out", lambda c: runs(c).pop(), HeadDiffers),
    ("a run given twice", lambda c: runs(c).append(runs(c)[-1]), RecordsUnfit),
    ("runs in another order", lambda c: runs(c).reverse(), RecordsUnfit),
    ("a run renumbered", lambda c: runs(c)[0].update(first="1-77"), RecordsUnfit),
    ("another authority's number", lambda c: runs(c)[0].update(first="2-1"), HeadDiffers),
    ("leaf indices swapped", swap_leaf_indices, RecordsUnfit),
    ("a leaf index moved", lambda c: runs(c)[-1].update(leaf_index=13), RootDiffers),
    ("a leaf outside the log", lambda c: runs(c)[-1].update(leaf_index=99), IndexOutside),
    ("another head", lambda c: c["subjects"][0].update(head="00" * 32), HeadDiffers),
    ("another enterprise", lambda c: c["subjects"][0].update(enterprise=2), RecordsUnfit),
    ("another identity commitment", lambda c: c["subjects"][0].update(identity_commitment="00" * 32), HeadDiffers),
    ("another party", lambda c: c["subjects"][0]["identity"].update(party_key=party_of(2)), CommitmentDiffers),
    ("identities swapped", swap_identities, CommitmentDiffers),
    ("another document", other_document, CommitmentDiffers),
    ("another salt", lambda c: c["subjects"][0]["documents"][0].update(salt="00" * 32), CommitmentDiffers),
    ("a document twice", second_document, Malformed),
    ("a document of no record", document_of_no_record, Malformed),
    ("another root", lambda c: c["tree"].update(root="00" * 32), RootDiffers),
    ("no proof", drop_shown_proof, ProofTruncated),
    ("a proof of another kind", lambda c: c["tree"].update(leaves="last"), ProofTooLong),
    ("a proof of no kind", lambda c: c["tree"].update(leaves="none"), Malformed),
    ("a proof that is no hashes", lambda c: c["tree"].update(proof="AAAA"), Malformed),
    ("half a record", lambda c: runs(c)[0].update(records="AAAA"), RecordsUnfit),
    ("an empty run", lambda c: runs(c)[0].update(records=""), RecordsUnfit),
    ("a subject twice", lambda c: c["subjects"].append(c["subjects"][1]), RecordsUnfit),
    ("no subject", lambda c: c["subjects"].clear(), Malformed),
    ("an unknown key", lambda c: c.update(note="trust me"), Malformed),
    ("an unknown key inside", lambda c: runs(c)[0].update(note=1), Malformed),
    ("a missing key", lambda c: c.pop("block"), Malformed),
    ("another root of heads", lambda c: c["heads"].update(root="00" * 32), RootDiffers),
    ("an enterprise more", lambda c: c["heads"].update(count=6), ProofTruncated),
    ("an objection left out", lambda c: c["subjects"][0]["objections"].pop(), RootDiffers),
    ("an answer left out", lambda c: c["subjects"][0]["objections"].pop(1), RootDiffers),
    ("all objections left out", lambda c: c["subjects"][0]["objections"].clear(), RootDiffers),
    ("objections in another order", lambda c: c["subjects"][0]["objections"].reverse(), ObjectionsUnfit),
    ("an answer to nothing", lambda c: c["subjects"][0]["objections"].pop(0), ObjectionsUnfit),
    ("another outcome", lambda c: c["subjects"][0]["objections"][1].update(outcome=1), RootDiffers),
    ("another format", lambda c: c.update(format="credit-ledger-evidence/1"), Malformed),
    ("a number as text", lambda c: c.update(chain_id="31337"), Malformed),
    ("a truth for a number", lambda c: c.update(chain_id=True), Malformed),
    ("a record name with a zero", lambda c: runs(c)[0].update(first="1-01"), Malformed),
    ("a record number too large", lambda c: runs(c)[0].update(first="1-999999999999999"), Malformed),
    ("capitals in hexadecimal", lambda c: c["tree"].update(root=c["tree"]["root"].upper()), Malformed),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "error"), FORGERIES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_each_forgery_is_refused_by_its_rule(
    name: str, change: Callable[[dict[str, Any]], object], error: type[BadProof]
) -> None:
    data = forge(change)
    with pytest.raises(error) as refusal:
        verify_evidence(data)
    assert type(refusal.value) is error


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"\xef\xbb\xbf{}",
        b"{" * 100_000,
        b'{"a":1,"a":1}',
        b'{"a":NaN}',
        b'{"a":1.0}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"format":"\xff"}',
        b'{"format":"credit-ledger-evidence/2","digest":"' + b"00" * 32 + b'","note":"\\ud800"}',
    ],
    ids=lambda d: d[:12].decode("latin-1"),
)
def test_what_is_no_evidence_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        verify_evidence(data)


@pytest.mark.parametrize(
    "trusted",
    [
        Trusted(chain_id=1),
        Trusted(contract=bytes(20)),
        Trusted(tree=(5, bytes(32))),
        Trusted(heads={1: bytes(32)}),
    ],
    ids=["chain", "contract", "tree", "head"],
)
def test_a_file_that_contradicts_what_the_reader_knows_is_refused(trusted: Trusted) -> None:
    with pytest.raises(NotAsTrusted):
        verify_evidence(sample(), trusted)


# ---------------------------------------------------------------- size and time


@pytest.mark.parametrize(("others", "leaves"), [(9, "all"), (200, "last")])
def test_a_thousand_records_stay_small_and_quick(others: int, leaves: str) -> None:
    """1,000 runs of one record, scattered over a log of 10,000 (all leaves proven) and of 201,000 (the last)."""
    commitment = bytes(32)
    head, runs, hashes = genesis_head(1, commitment), [], []
    for number in range(1, 1001):
        hashes += [number.to_bytes(32, "big")] * others
        raw = sample_record(number)
        head = next_head(head, 1 << 48 | number, raw)
        runs.append(EvidenceRun(1 << 48 | number, len(hashes), raw))
        hashes.append(leaf_hash(leaf_data(1, head)))
    subject = EvidenceSubject(1, commitment, head, runs, None, {})
    trees = StateTrees()
    trees.register(1, head)
    data = build_evidence(PLACE, [subject], Tree(hashes), trees)
    started = time.perf_counter()
    verdict = verify_evidence(data)
    assert time.perf_counter() - started < 1
    assert (len(verdict.subjects[0].records), verdict.leaves) == (1000, leaves)
    assert len(data) < 400_000


def sample_record(number: int) -> bytes:
    chance = random.Random(number)
    days = chance.randrange(20_000, 20_500).to_bytes(4, "big") * 2
    fields = (1).to_bytes(8, "big") + b"\0\1" + bytes([chance.randrange(4)]) + days + chance.randbytes(8)
    return fields + bytes(5) + chance.randbytes(32)
