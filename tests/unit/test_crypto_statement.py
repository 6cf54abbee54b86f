"""The four trees of a ledger's state: every byte of leaves and facts, and what does not fit them."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations

import pytest

from ledger.crypto.hashing import keccak256
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import root_of
from ledger.crypto.proofs import EMPTY_ROOT, IndexOutside, NotAHash, leaf_hash
from ledger.crypto.statement import (
    NO_CHAIN,
    AuthorityFact,
    ObjectionFact,
    StateTrees,
    assessment_leaf,
    authority_leaf,
    fact_bytes,
    head_leaf,
    next_chain,
    objections_leaf,
)
from ledger.crypto.trees import SparseTree, StateTree
from ledger.domain.facts import (
    AssessmentPublished,
    AuthorityAdded,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    ObjectionAnswered,
    ObjectionOpened,
    Place,
    SignaturesInvalidated,
    SuspensionSet,
)

AT = Place(258, b"h" * 32, 1_790_000_000, 3)
#: block u64, log u32, time u64 of `AT`.
PLACED = "0000000000000102" + "00000003" + "000000006ab13b80"
KEY, KEY_BYTES = "0x" + "1c" * 20, "1c" * 20
ADDED = AuthorityAdded(AT, 1, "GACC")
OPENED = ObjectionOpened(AT, 1, 2, 1 << 48 | 9, KEY, 20000, 20020, b"g" * 32)
ANSWERED = ObjectionAnswered(AT, 1, KEY, 2, b"w" * 32)
MADE = AssessmentPublished(AT, 1, b"c" * 32, 20000, b"r" * 32, 7, 200, 12, b"e" * 32)

FACTS: list[tuple[AuthorityFact | ObjectionFact, str]] = [
    (ADDED, "01" + PLACED + "0001" + b"GACC".hex() + "00" * 28),
    (MandateSet(AT, 2, 6, 4, 9), "02" + PLACED + "0002" + f"{6:064x}{4:064x}{9:016x}"),
    (KeySet(AT, 2, KEY, 8, 2**64 - 1), "03" + PLACED + "0002" + KEY_BYTES + f"{8:016x}" + "ff" * 8),
    (KeyCompromised(AT, 2, KEY, 8), "04" + PLACED + "0002" + KEY_BYTES + f"{8:016x}"),
    (FourEyesSet(AT, 2, True), "05" + PLACED + "0002" + "01"),
    (SignaturesInvalidated(AT, 2, 5), "06" + PLACED + "0002" + f"{5:016x}"),
    (SuspensionSet(AT, 2, False), "07" + PLACED + "0002" + "00"),
    (
        OPENED,
        "11" + PLACED + f"{1:016x}{2:016x}{1 << 48 | 9:016x}" + KEY_BYTES + f"{20000:08x}{20020:08x}" + "67" * 32,
    ),
    (ANSWERED, "12" + PLACED + f"{1:016x}" + KEY_BYTES + "02" + "77" * 32),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "expected"), FACTS, ids=lambda each: type(each).__name__)
def test_a_fact_is_these_bytes(fact: AuthorityFact | ObjectionFact, expected: str) -> None:
    assert AT.timestamp == int(PLACED[-16:], 16)
    assert fact_bytes(fact).hex() == expected
    assert next_chain(NO_CHAIN, fact) == keccak256(bytes(32) + bytes.fromhex(expected))


def test_every_field_of_a_fact_is_under_its_chain() -> None:
    """Another place, time or field is another chain; the block's hash needs no place in it: its number has."""
    for fact, _ in FACTS:
        for field in fact._fields:
            value = getattr(fact, field)
            others = [value._replace(**{n: getattr(AT, n) + 1}) for n in ("block_number", "timestamp", "log_index")] \
                if isinstance(value, Place) else [_other(value)]  # fmt: skip
            for other in others:
                assert fact_bytes(fact._replace(**{field: other})) != fact_bytes(fact), (fact, field)


def _other(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1
    if isinstance(value, bytes):
        return bytes(len(value))
    return "0x" + "2d" * 20 if value == KEY else f"{value}X"


def test_leaves_are_these_bytes() -> None:
    head = b"d" * 32
    plain = {
        head_leaf(5, head): b"heads" + bytes(7) + b"\5" + head,
        authority_leaf(5, head): b"authority" + b"\0\5" + head,
        objections_leaf(head): b"objections" + head,
        assessment_leaf(MADE): b"assessment"
        + (1).to_bytes(8, "big")
        + b"c" * 32
        + (20000).to_bytes(4, "big")
        + b"r" * 32
        + (7).to_bytes(8, "big")
        + (12).to_bytes(8, "big")
        + (200).to_bytes(8, "big")
        + b"e" * 32,
    }
    assert all(leaf == sha256(b"\0" + data).digest() for leaf, data in plain.items())


def test_no_leaf_of_one_tree_is_a_leaf_of_another() -> None:
    """A stale head is a leaf of the log for ever: it must not pass for a head of the state."""
    head = b"d" * 32
    leaves = [
        leaf_hash(leaf_data(5, head)),
        head_leaf(5, head),
        authority_leaf(5, head),
        objections_leaf(head),
    ]
    assert all(one != other for one, other in combinations([*leaves, assessment_leaf(MADE)], 2))


def test_every_field_of_an_assessment_is_in_its_leaf() -> None:
    for field in MADE._fields[1:]:
        changed = MADE._replace(**{field: _other(getattr(MADE, field))})
        assert assessment_leaf(changed) != assessment_leaf(MADE), field


def test_nothing_yet_is_four_empty_trees() -> None:
    assert StateTrees().state() == (0, EMPTY_ROOT, 0, 0, EMPTY_ROOT, 0, EMPTY_ROOT, 0, EMPTY_ROOT)


def scene() -> StateTrees:
    trees = StateTrees()
    for enterprise in (1, 2, 3):
        trees.register(enterprise, bytes([enterprise]) * 32)
    trees.authority(ADDED)
    trees.authority(KeySet(AT, 1, KEY, 8, 9))
    trees.move_head(2, b"n" * 32)
    trees.objection(OPENED)
    trees.objection(ANSWERED)
    trees.assessment(MADE)
    return trees


def test_the_state_is_the_roots_over_what_was_told() -> None:
    told = next_chain(next_chain(NO_CHAIN, ADDED), KeySet(AT, 1, KEY, 8, 9))
    objected = next_chain(next_chain(NO_CHAIN, OPENED), ANSWERED)
    none = objections_leaf(NO_CHAIN)
    assert scene().state() == (
        3,
        root_of([head_leaf(1, b"\1" * 32), head_leaf(2, b"n" * 32), head_leaf(3, b"\3" * 32)]),
        1,
        2,
        authority_leaf(1, told),
        2,
        root_of([none, objections_leaf(objected), none]),
        1,
        assessment_leaf(MADE),
    )


def test_a_new_enterprise_moves_the_tree_of_objections_too() -> None:
    trees, none = scene(), objections_leaf(NO_CHAIN)
    before = trees.state()
    trees.register(4, b"\4" * 32)
    after = trees.state()
    assert after.objection_facts == before.objection_facts
    assert after.objections_root != before.objections_root
    assert after.objections_root == root_of([none, trees.objections.range_hash(1, 2), none, none])


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("register", (3, b"x" * 32)),
        ("register", (5, b"x" * 32)),
        ("move_head", (0, b"x" * 32)),
        ("move_head", (4, b"x" * 32)),
        ("authority", (AuthorityAdded(AT, 3, "STA"),)),
        ("authority", (SuspensionSet(AT, 0, True),)),
        ("authority", (SuspensionSet(AT, 2, True),)),
        ("objection", (ANSWERED._replace(objection=2),)),
        ("objection", (OPENED._replace(objection=2, enterprise=4),)),
        ("objection", (OPENED._replace(objection=2, enterprise=0),)),
        ("assessment", (MADE,)),
        ("assessment", (MADE._replace(epoch=3),)),
    ],
)
def test_what_does_not_fit_changes_nothing(call: str, given: tuple[object, ...]) -> None:
    trees = scene()
    getattr(trees, call)(*given)
    assert trees.state() == scene().state()


def test_an_answer_is_in_the_chain_of_the_enterprise_that_objected_first() -> None:
    """An objection told a second time for another enterprise takes its answer nowhere else."""
    trees = scene()
    trees.objection(OPENED._replace(enterprise=3))
    assert trees.objections.range_hash(2, 3) == objections_leaf(NO_CHAIN)


@pytest.mark.parametrize(
    "fact",
    [
        ADDED._replace(code="X" * 33),
        ADDED._replace(authority=1 << 16),
        KeySet(AT, 1, "0x11", 8, 9),
        MandateSet(AT, 1, 1 << 256, 0, 9),
        MandateSet(AT, 1, 1, -1, 9),
        OPENED._replace(due_on=1 << 32),
    ],
)
def test_a_field_too_large_is_refused_and_never_cut(fact: AuthorityFact | ObjectionFact) -> None:
    with pytest.raises((ValueError, OverflowError)):
        fact_bytes(fact)


def test_a_tree_takes_hashes_at_places_it_has() -> None:
    tree, sparse = StateTree([b"l" * 32] * 3), SparseTree(b"e" * 32, 3)
    for bad in (-1, 4):
        with pytest.raises(IndexOutside):
            tree.set(bad, b"x" * 32)
    for bad in (-1, 3):
        with pytest.raises(IndexOutside):
            sparse.set(bad, b"x" * 32)
        with pytest.raises(IndexOutside):
            tree.leaf(bad)
    for short in (b"", b"x" * 31, b"x" * 33):
        with pytest.raises(NotAHash):
            tree.set(0, short)
        with pytest.raises(NotAHash):
            sparse.set(0, short)
    with pytest.raises(ValueError, match="32 bytes"):
        StateTree([b"short"])
    with pytest.raises(ValueError, match="does not shrink"):
        sparse.grow(2)
