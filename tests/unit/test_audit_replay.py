"""The replay accepts honest histories, and names each way of cheating: the tamper table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from honest_chain import (
    CARD,
    FOREVER,
    GENESIS,
    LIFECYCLE,
    MANDATES,
    TODAY,
    Chain,
    history,
    key_of,
    record,
)
from honest_chain import (
    paired_scene as scene,
)

from ledger.audit.replay import Replay
from ledger.crypto.hashing import sha256
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import leaf_hash, root_of
from ledger.domain.facts import (
    AuthorityAdded,
    BatchRecorded,
    Fact,
    Registered,
    Run,
    SignaturesInvalidated,
    TreeHead,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ledger.audit.deviation import Deviation


#: A catalogue's severities for the types that `record` writes; of the others it says nothing.
SEVERITIES = dict.fromkeys(range(1, 100), 2) | dict.fromkeys(range(240, 250), 0)


def replayed(facts: Iterable[Fact]) -> tuple[Replay, list[Deviation]]:
    replay, found = Replay(SEVERITIES), []
    for fact in facts:
        found += replay.apply(fact)
    return replay, [*found, *replay.finish()]


@pytest.mark.parametrize("seed", range(25))
def test_honest_histories_pass(seed: int) -> None:
    chain = history(seed)
    replay, found = replayed(chain.facts)
    assert found == []
    assert replay.heads == chain.heads
    assert (replay.log.size, replay.log.root()) == (chain.log.size, chain.log.root())
    assert {n: a.count for n, a in replay.authorities.items()} == chain.counts
    assert replay.checked["records"] == sum(chain.counts.values())
    assert replay.checked["facts"] == len(chain.facts)


def test_what_was_replayed_is_counted() -> None:
    replay, found = replayed(scene().facts)
    assert found == []
    assert replay.checked == {
        "facts": 34,
        "authorities": 3,
        "enterprises": 5,
        "batches": 5,
        "runs": 11,
        "records": 15,
        "tree_heads": 2,
        "cards": 1,
        "assessments": 1,
        "objections": 0,
        "role_changes": 0,
    }


def test_nothing_at_all_is_no_deviation() -> None:
    replay, found = replayed([])
    assert found == []
    assert replay.checked["facts"] == 0


# ---------------------------------------------------------------- tampering with what the chain said


@dataclass(frozen=True)
class Tamper:
    """A change to the facts of `scene()`, what the audit must call it, and part of the place it must name."""

    name: str
    change: Callable[[list[Fact]], None]
    what: str
    where: str


def run_at(facts: list[Fact], leaf: int) -> int:
    return next(i for i, f in enumerate(facts) if isinstance(f, Run) and f.leaf_index == leaf)


def find(facts: list[Fact], kind: type, nth: int = 0) -> int:
    return [i for i, f in enumerate(facts) if isinstance(f, kind)][nth]


def edit_run(leaf: int, **changed: object) -> Callable[[list[Fact]], None]:
    def change(facts: list[Fact]) -> None:
        place = run_at(facts, leaf)
        facts[place] = facts[place]._replace(**changed)  # type: ignore[union-attr]

    return change


def edit(kind: type, nth: int, **changed: object) -> Callable[[list[Fact]], None]:
    def change(facts: list[Fact]) -> None:
        place = find(facts, kind, nth)
        facts[place] = facts[place]._replace(**changed)  # type: ignore[union-attr]

    return change


def flip_record_byte(leaf: int, place: int) -> Callable[[list[Fact]], None]:
    def change(facts: list[Fact]) -> None:
        index = run_at(facts, leaf)
        run = facts[index]
        assert isinstance(run, Run)
        raw = run.records
        facts[index] = run._replace(records=raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])

    return change


def drop_run(leaf: int) -> Callable[[list[Fact]], None]:
    return lambda facts: facts.pop(run_at(facts, leaf)) and None


def drop_batch(nth: int) -> Callable[[list[Fact]], None]:
    def change(facts: list[Fact]) -> None:
        start = find(facts, BatchRecorded, nth)
        end = start + 1
        while isinstance(facts[end], Run):
            end += 1
        del facts[start:end]

    return change


def swap_runs(leaf: int, other: int) -> Callable[[list[Fact]], None]:
    """Exchange two runs and put each at the other's place, as a forger of logs would."""

    def change(facts: list[Fact]) -> None:
        a, b = run_at(facts, leaf), run_at(facts, other)
        facts[a], facts[b] = facts[b]._replace(at=facts[a].at), facts[a]._replace(at=facts[b].at)  # type: ignore[union-attr]

    return change


def cut_last_record(facts: list[Fact]) -> None:
    index = run_at(facts, 0)
    facts[index] = facts[index]._replace(records=facts[index].records[:-64])  # type: ignore[union-attr]


def repeat_last_batch(facts: list[Fact]) -> None:
    start = find(facts, BatchRecorded, -1)
    again = [f for f in facts[start : start + 3] if isinstance(f, BatchRecorded | Run)]
    at = facts[-1].at
    facts += [
        f._replace(at=at._replace(block_number=at.block_number + 1, log_index=i)) for i, f in enumerate(again)
    ]


def other_block_hash(facts: list[Fact]) -> None:
    index = run_at(facts, 6)
    facts[index] = facts[index]._replace(at=facts[index].at._replace(block_hash=bytes(32)))


TAMPERS = [
    Tamper("a run is dropped", drop_run(2), "leaf index not consecutive", "record STA-1"),
    Tamper("a run in the middle is dropped", drop_run(1), "number gap", "enterprise 3"),
    Tamper("the last run of a batch is dropped", drop_run(2), "batch differs from its header", "records GACC-1..4"),
    Tamper("a whole batch is dropped", drop_batch(2), "number gap", "records GACC-7..9"),
    Tamper("a whole batch is dropped: heads", drop_batch(2), "head not reproduced", "of enterprise 1"),
    Tamper("an authority's last batch is dropped", drop_batch(3), "leaf index not consecutive", "GACC-7"),
    Tamper("the last record of a run is cut off", cut_last_record, "head not reproduced", "of enterprise 1"),
    Tamper("a batch is told twice", repeat_last_batch, "number repeated", "GACC-7..9"),
    Tamper("two runs change places", swap_runs(0, 2), "batch not sorted", "record GACC-3"),
    Tamper("two runs change places: numbers", swap_runs(0, 2), "number gap", "enterprise 3"),
    Tamper("a run is renumbered", edit_run(3, first_id=2 << 48 | 9), "number gap", "enterprise 2"),
    Tamper("a run is given an earlier number", edit_run(5, first_id=1 << 48 | 2), "number repeated", "enterprise 1"),
    Tamper("a commitment is altered", flip_record_byte(1, 40), "head not reproduced", "record GACC-3"),
    Tamper("a decision day is altered", flip_record_byte(3, 18), "head not reproduced", "record STA-1"),
    Tamper("a severity is altered", flip_record_byte(0, 10), "head not reproduced", "records GACC-1..2"),
    Tamper("spare bits are set", flip_record_byte(4, 27), "bad record", "record STA-2"),
    Tamper("a record is put on another enterprise", flip_record_byte(4, 7), "record about another enterprise than its run", "STA-2"),
    Tamper("a run is put on another enterprise", edit_run(1, enterprise=3), "head not reproduced", "of enterprise 3"),
    Tamper("a run is put on an enterprise that is not there", edit_run(4, enterprise=77), "unknown enterprise", "STA-2"),
    Tamper("a run is given to another authority", edit_run(4, authority=1), "run outside a batch", "STA-2"),
    Tamper("a head is altered", edit_run(6, head=bytes(32)), "head not reproduced", "record GACC-6"),
    Tamper("a leaf index is altered", edit_run(6, leaf_index=60), "leaf index not consecutive", "record GACC-6"),
    Tamper("a run is not whole records", edit_run(2, records=bytes(63)), "bad record", "block 6"),
    Tamper("a run is empty", edit_run(2, records=b""), "bad record", "block 6"),
    Tamper("a batch header counts too many", edit(BatchRecorded, 1, count=3), "batch differs from its header", "STA-1..3"),
    Tamper("a batch header counts nothing", edit(BatchRecorded, 1, count=0), "batch of no size", "block 8"),
    Tamper("a batch header skips numbers", edit(BatchRecorded, 1, first_number=5), "number gap", "STA-5"),
    Tamper("a batch is said to come from another key", edit(BatchRecorded, 3, key=key_of(1)), "key outside its window", "US-CPSC-1..4"),
    Tamper("a batch header is dropped", lambda f: f.pop(find(f, BatchRecorded, 0)) and None, "run outside a batch", "GACC-1"),
    Tamper("a registration is dropped", lambda f: f.pop(find(f, Registered, 1)) and None, "registration out of order", "block 5"),
    Tamper("an identity is exchanged", edit(Registered, 1, commitment=bytes(32)), "head not reproduced", "of enterprise 2"),
    Tamper("an authority is dropped", lambda f: f.pop(find(f, AuthorityAdded, 1)) and None, "unknown authority", "block 3"),
    Tamper("an authority takes another's code", edit(AuthorityAdded, 1, code="GACC"), "authority code taken", "authority 2"),
    Tamper("a tree head is altered", edit(TreeHead, 0, root=bytes(32)), "tree head differs", "block 9"),
    Tamper("a tree head's size is altered", edit(TreeHead, 1, size=9), "tree head differs", "block 15"),
    Tamper("a block's hash is altered", other_block_hash, "one block told in two ways", "block 10, log 2"),
    Tamper("facts are told out of order", lambda f: f.reverse(), "facts out of order", "block 14"),
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda t: t.name)
def test_tampered_logs_are_named(tamper: Tamper) -> None:
    facts = list(scene().facts)
    tamper.change(facts)
    _, found = replayed(facts)
    assert any(d.what == tamper.what and tamper.where in d.where for d in found), found
    assert all(d.expected != d.found and d.where.startswith("block ") for d in found)


@pytest.mark.parametrize(
    ("change", "count"),
    [(flip_record_byte(3, 40), 1), (edit_run(6, head=bytes(32)), 2), (edit(TreeHead, 0, root=bytes(32)), 1)],
)
def test_one_fault_is_not_told_over_and_over(change: Callable[[list[Fact]], None], count: int) -> None:
    facts = list(scene().facts)
    change(facts)
    _, found = replayed(facts)
    assert len(found) == count, found


# ---------------------------------------------------------------- rules broken by a writer, consistent otherwise


def forged() -> Chain:
    chain = Chain()
    for number in (1, 2, 3):
        chain.add_authority(number)
    chain.register(3)
    chain.batch(1, [record(1), record(2)])
    chain.batch(2, [record(1, 21)])
    return chain


def beyond_mandate(chain: Chain) -> None:
    chain.batch(2, [record(1, 21), record(1, 1)])


def type_zero(chain: Chain) -> None:
    chain.set_mandate(1, MANDATES[1] | 1)
    chain.batch(1, [record(1, 0)])


def huge_type(chain: Chain) -> None:
    chain.batch(1, [record(1, 0xFFFF, ref=2)])


def mandate_withdrawn(chain: Chain) -> None:
    chain.set_mandate(2, LIFECYCLE)
    chain.batch(2, [record(1, 21)])


def mandate_not_begun(chain: Chain) -> None:
    chain.set_mandate(2, MANDATES[2] | 1 << 60, delay=1000)
    chain.batch(2, [record(1, 60)])


def suspended(chain: Chain) -> None:
    chain.suspend(1)
    chain.batch(1, [record(1)])


def key_expired(chain: Chain) -> None:
    chain.set_key(1, key_of(1), GENESIS, chain.now + 24)
    chain.batch(1, [record(1)])


def key_not_begun(chain: Chain) -> None:
    chain.set_key(1, key_of(1, 1), chain.now + 1000, FOREVER)
    chain.batch(1, [record(1)], key=key_of(1, 1))


def key_of_another(chain: Chain) -> None:
    chain.batch(1, [record(1)], key=key_of(2))


def backdated_mandate(chain: Chain) -> None:
    chain.set_mandate(2, MANDATES[2] | 1 << 60, delay=-1)


def not_sorted(chain: Chain) -> None:
    chain.batch(1, [record(2), record(1)])


def run_split(chain: Chain) -> None:
    chain.batch(1, [record(1), record(2), record(1)])


def too_large(chain: Chain) -> None:
    chain.batch(1, [record(1)] * 1001)


def decided_tomorrow(chain: Chain) -> None:
    chain.batch(1, [record(1, decided_on=TODAY + 1)])


def conduct_after_decision(chain: Chain) -> None:
    chain.batch(1, [record(1, conduct_on=TODAY, decided_on=TODAY - 1)])


def unknown_severity(chain: Chain) -> None:
    chain.batch(1, [record(1, severity=4)])


def repairs_anothers_record(chain: Chain) -> None:
    chain.batch(2, [record(1, 242, ref=1 << 48 | 1)])


def repairs_what_comes_later(chain: Chain) -> None:
    chain.batch(1, [record(1, 242, ref=1 << 48 | 9)])


def repairs_in_the_same_batch(chain: Chain) -> None:
    chain.batch(1, [record(1), record(1, 242, ref=1 << 48 | 3)])


def repairs_nothing(chain: Chain) -> None:
    chain.batch(1, [record(1, 242, ref=1 << 48)])


def repairs_another_enterprise(chain: Chain) -> None:
    chain.batch(1, [record(1, 242, ref=1 << 48 | 2)])


def linked_to_itself(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=1), record(1, 249, ref=1)])


def linked_to_nobody(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=44)])


def linked_without_mirror(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=2), record(2)])


def mirrored_without_link(chain: Chain) -> None:
    chain.batch(1, [record(1, 249, ref=2), record(2, 248, ref=3)])


def mirrored_in_the_next_batch(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=2)])
    chain.batch(1, [record(2, 249, ref=1)])


def mirrored_by_another_authority(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=2)])
    chain.batch(3, [record(2, 249, ref=1)])


def mirrored_another_day(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=2), record(2, 249, ref=1, decided_on=TODAY - 2)])


def two_links_and_one_mirror(chain: Chain) -> None:
    chain.batch(1, [record(1, 248, ref=2), record(1, 248, ref=2), record(2, 249, ref=1)])


def mirror_revoked_alone(chain: Chain) -> None:
    first = chain.batch(1, [record(1, 248, ref=2), record(2, 249, ref=1)])
    chain.batch(1, [record(2, 241, ref=first + 1)])
    chain.batch(1, [record(1, 241, ref=first)])


def link_revoked_another_day(chain: Chain) -> None:
    first = chain.batch(1, [record(1, 248, ref=2), record(2, 249, ref=1)])
    chain.batch(1, [record(1, 241, ref=first), record(2, 241, ref=first + 1, decided_on=TODAY)])


def severity_lowered(chain: Chain) -> None:
    chain.batch(1, [record(1, severity=1)])


def severity_raised(chain: Chain) -> None:
    chain.batch(1, [record(1), record(1, 242, ref=1 << 48 | 1, severity=3)])


def unregistered(chain: Chain) -> None:
    chain.batch(1, [record(9)])


def card_twice(chain: Chain) -> None:
    chain.register_card()
    chain.register_card(effective_on=TODAY)


def card_backdated(chain: Chain) -> None:
    chain.register_card()
    chain.assess(as_of=TODAY)
    chain.register_card(sha256(b"another card"), effective_on=TODAY)


def card_out_of_order(chain: Chain) -> None:
    chain.register_card(effective_on=TODAY + 9)
    chain.register_card(sha256(b"another card"), effective_on=TODAY + 9)


def card_replaced(chain: Chain) -> None:
    chain.register_card()
    chain.register_card(sha256(b"another card"), effective_on=TODAY)
    chain.assess()


def card_unknown(chain: Chain) -> None:
    chain.assess(card=sha256(b"another card"))


def card_not_yet(chain: Chain) -> None:
    chain.register_card(effective_on=TODAY + 30)
    chain.assess()


def epoch_skipped(chain: Chain) -> None:
    chain.register_card()
    chain.assess()
    chain.assess(epoch=3)


def assessed_backwards(chain: Chain) -> None:
    chain.register_card()
    chain.assess(as_of=TODAY)
    chain.assess(as_of=TODAY - 1)


def assessed_ahead(chain: Chain) -> None:
    chain.register_card()
    chain.assess(as_of=TODAY + 1)


def authority_skipped(chain: Chain) -> None:
    chain.add_authority(5)


def clock_back(chain: Chain) -> None:
    chain.block(-100)
    chain.register()


FORGERIES = [
    (beyond_mandate, "type outside the mandate", "record STA-3"),
    (type_zero, "type outside the mandate", "record GACC-3"),
    (huge_type, "type outside the mandate", "record GACC-3"),
    (mandate_withdrawn, "type outside the mandate", "record STA-2"),
    (mandate_not_begun, "type outside the mandate", "record STA-2"),
    (suspended, "authority suspended", "record GACC-3"),
    (key_expired, "key outside its window", "record GACC-3"),
    (key_not_begun, "key outside its window", "record GACC-3"),
    (key_of_another, "key outside its window", "record GACC-3"),
    (backdated_mandate, "mandate set for the past", "authority STA"),
    (not_sorted, "batch not sorted", "record GACC-4"),
    (run_split, "batch not sorted", "record GACC-5"),
    (too_large, "batch of no size", "records GACC-3..1003"),
    (decided_tomorrow, "decision after its block", "record GACC-3"),
    (conduct_after_decision, "conduct after decision", "record GACC-3"),
    (unknown_severity, "bad record", "record GACC-3"),
    (repairs_anothers_record, "refers to another authority's record", "record STA-2"),
    (repairs_what_comes_later, "refers to no earlier record", "record GACC-3"),
    (repairs_in_the_same_batch, "refers to no earlier record", "record GACC-4"),
    (repairs_nothing, "refers to an unknown record", "record GACC-3"),
    (repairs_another_enterprise, "refers to a record about another enterprise", "record GACC-3"),
    (linked_to_itself, "link to no other enterprise", "record GACC-3"),
    (linked_to_nobody, "link to no other enterprise", "record GACC-3"),
    (linked_without_mirror, "link without its mirror", "record GACC-3"),
    (mirrored_in_the_next_batch, "link without its mirror", "record GACC-3"),
    (mirrored_by_another_authority, "link without its mirror", "record GACC-3"),
    (mirrored_by_another_authority, "mirror without its link", "record US-CPSC-1"),
    (mirrored_another_day, "link without its mirror", "record GACC-3"),
    (mirrored_without_link, "mirror without its link", "record GACC-3"),
    (two_links_and_one_mirror, "link without its mirror", "record GACC-4"),
    (mirror_revoked_alone, "link revoked without its mirror", "record GACC-5"),
    (link_revoked_another_day, "link revoked without its mirror", "record GACC-5"),
    (severity_lowered, "severity not the catalogue's", "record GACC-3"),
    (severity_raised, "severity not the catalogue's", "record GACC-4"),
    (unregistered, "unknown enterprise", "record GACC-3"),
    (card_twice, "card registered twice", "card "),
    (card_backdated, "card backdated", "card "),
    (card_out_of_order, "card out of order", "card "),
    (card_replaced, "card not in force", "assessment 1"),
    (card_unknown, "card not in force", "assessment 1"),
    (card_not_yet, "card not in force", "assessment 1"),
    (epoch_skipped, "assessment out of order", "assessment 3"),
    (assessed_backwards, "assessment as of another day", "assessment 2"),
    (assessed_ahead, "assessment as of another day", "assessment 1"),
    (authority_skipped, "authority out of order", "authority A5"),
    (clock_back, "block time runs backwards", "block "),
]

#: What a forgery is called besides, where it breaks more than one rule.
_BESIDE = {
    "unknown_severity": ("severity not the catalogue's",),
    "huge_type": ("link to no other enterprise",),
    "linked_to_nobody": ("link without its mirror",),
    "mirrored_in_the_next_batch": ("mirror without its link",),
    "mirrored_by_another_authority": ("mirror without its link", "link without its mirror"),
    "mirrored_another_day": ("mirror without its link",),
    "mirrored_without_link": ("link without its mirror",),
}


@pytest.mark.parametrize(("forge", "what", "where"), FORGERIES, ids=lambda v: getattr(v, "__name__", None))
def test_forgeries_consistent_otherwise_are_named(
    forge: Callable[[Chain], None], what: str, where: str
) -> None:
    chain = forged()
    forge(chain)
    _, found = replayed(chain.facts)
    assert {d.what for d in found} <= {what, *_BESIDE.get(forge.__name__, ())}, found
    assert any(d.what == what and where in d.where for d in found), found


def test_a_mandate_that_has_begun_holds_to_the_second() -> None:
    chain = forged()
    chain.set_mandate(2, MANDATES[2] | 1 << 60, delay=12)
    chain.batch(2, [record(1, 60)])
    assert replayed(chain.facts)[1] == []


def test_a_later_mandate_takes_the_place_of_a_waiting_one() -> None:
    chain = forged()
    chain.set_mandate(2, MANDATES[2] | 1 << 60, delay=24)
    chain.set_mandate(2, MANDATES[2])
    chain.block(100)
    chain.batch(2, [record(1, 60)])
    assert [d.what for d in replayed(chain.facts)[1]] == ["type outside the mandate"]


def test_decisions_of_today_are_counted_in_chinas_day() -> None:
    chain = forged()
    chain.now = (TODAY + 1) * 86400 - 8 * 3600 - 12  # the next block is the first second of tomorrow there
    chain.batch(1, [record(1, decided_on=TODAY + 1)])
    assert replayed(chain.facts)[1] == []


def test_an_absurd_number_costs_no_memory() -> None:
    facts = list(scene().facts)
    edit_run(3, first_id=2 << 48 | 2**47)(facts)
    edit(BatchRecorded, 1, first_number=2**47)(facts)
    replay, found = replayed(facts)
    assert any(d.what == "number gap" for d in found)
    assert len(replay.authorities[2].enterprises) < 10


def test_the_root_is_that_of_all_leaves() -> None:
    chain = scene()
    leaves = [leaf_hash(leaf_data(f.enterprise, f.head)) for f in chain.facts if isinstance(f, Run)]
    assert replayed(chain.facts)[0].log.root() == root_of(leaves)


def test_the_card_of_the_scene_is_known() -> None:
    replay, _ = replayed(scene().facts)
    assert list(replay.scorebook.cards) == [CARD]


def test_what_a_compromised_key_wrote_before_that_was_known_is_for_review() -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.register(2)
    chain.batch(1, [record(1)])
    since = chain.now + 1
    chain.batch(1, [record(1), record(2)])
    chain.set_key(1, key_of(1, 1), chain.now, FOREVER)
    chain.batch(1, [record(2)], key_of(1, 1))
    chain.compromise(1, key_of(1), since)
    replay, found = replayed(chain.facts)
    assert found == []
    assert [(each.what, each.where) for each in replay.reviews] == [
        ("written by a compromised key", "block 5, records GACC-2..3")
    ]
    # An earlier date lists what it adds, and only that.
    chain.compromise(1, key_of(1), since - 13)
    replay, found = replayed(chain.facts)
    assert found == []
    assert [each.where for each in replay.reviews] == [
        "block 5, records GACC-2..3",
        "block 4, record GACC-1",
    ]


def test_a_compromised_key_writes_no_more() -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.register(1)
    chain.compromise(1, key_of(1), chain.now)
    chain.batch(1, [record(1)])
    _, found = replayed(chain.facts)
    assert [each.what for each in found] == ["key declared compromised"]


@pytest.mark.parametrize("offset", [-GENESIS - 1000, 10_000])
def test_a_key_is_compromised_from_a_time_that_has_come(offset: int) -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.compromise(1, key_of(1), max(0, chain.now + offset))
    _, found = replayed(chain.facts)
    assert [each.what for each in found] == ["compromise of another time"]


def test_a_compromise_does_not_move_to_a_later_time() -> None:
    chain = Chain()
    chain.add_authority(1)
    chain.compromise(1, key_of(1), GENESIS)
    chain.compromise(1, key_of(1), GENESIS + 1)
    _, found = replayed(chain.facts)
    assert [each.what for each in found] == ["compromise of another time"]


def test_signature_epochs_count_up_by_one() -> None:
    chain = Chain()
    chain.add_authority(1)
    for epoch in (1, 2, 4):
        chain.block()
        chain.facts.append(SignaturesInvalidated(chain.place(), 1, epoch))
    _, found = replayed(chain.facts)
    assert [(each.what, each.expected, each.found) for each in found] == [
        ("signature epoch out of order", "3", "4")
    ]


def test_a_commitment_registered_twice_is_named_at_the_end() -> None:
    facts = list(scene().facts)
    edit(Registered, 3, commitment=facts[find(facts, Registered)].commitment)(facts)  # type: ignore[union-attr]
    replay, _ = replayed(facts)
    (found,) = replay.conclude()
    assert (found.what, found.where) == ("commitment registered twice", "enterprise 4")
    assert list(replayed(scene().facts)[0].conclude()) == []


def test_a_link_revoked_with_its_mirror_is_in_order() -> None:
    chain = forged()
    first = chain.batch(1, [record(1, 248, ref=2), record(2, 249, ref=1)])
    chain.batch(1, [record(1, 241, ref=first), record(2, 241, ref=first + 1)])
    replay, found = replayed(chain.facts)
    assert found == []
    assert set(replay.links.revoked) == {first, first + 1}
