"""What the governor did, for review: every kind of fact is somebody's, and many acts are few lines."""

from __future__ import annotations

import json
from typing import NamedTuple, get_args

from test_audit_access import EXPECTED

from ledger.audit.authorities import Terms
from ledger.audit.deviation import Review
from ledger.audit.governing import OTHERS, GoverningState
from ledger.audit.report import Report
from ledger.domain.access_facts import ACCESS
from ledger.domain.facts import (
    AnswerPeriodSet,
    AuthorityAdded,
    CardRegistered,
    Fact,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    Place,
    SuspensionSet,
)

AT = Place(9, bytes(32), 1_000_000, 3)
KEY = "0x" + "c0" * 20
KNOWN = EXPECTED._replace(authorities={"GACC": (6, 2)})


class Deputised(NamedTuple):
    """An event that nobody has thought of yet."""

    at: Place
    authority: int
    deputy: bytes


def reviews(*facts: Fact, settled: bool = True) -> list[Review]:
    state, terms = GoverningState(KNOWN, {1: 3}), Terms()
    for fact in facts:
        state.take(fact, terms, "GACC", settled=settled)
        terms.take(fact)
    again = GoverningState(KNOWN, {1: 3})
    again.load(json.loads(json.dumps(state.dump())))
    assert vars(again) == vars(state)
    return list(again.reviews({1: "GACC"}, lambda _: False))


def test_every_kind_of_fact_is_somebodys() -> None:
    governors = {
        AnswerPeriodSet,
        AuthorityAdded,
        CardRegistered,
        FourEyesSet,
        KeyCompromised,
        KeySet,
        MandateSet,
    }
    governors |= {SuspensionSet, *ACCESS}
    assert set(get_args(Fact)) == governors | set(OTHERS)
    assert not governors & set(OTHERS)


def test_an_event_of_a_kind_that_is_new_is_listed() -> None:
    (found,) = reviews(Deputised(AT, 1, b"\xab"))  # type: ignore[arg-type]
    assert found == Review(
        "acts of the governor", "GACC, block 9", "Deputised: authority 1, deputy ab (block 9)"
    )


def test_a_set_up_is_no_act_but_for_what_no_deployment_does() -> None:
    usual = (AuthorityAdded(AT, 1, "GACC"), MandateSet(AT, 1, 6, 2, 5), KeySet(AT, 1, KEY, 5, 9))
    assert reviews(*usual, settled=False) == []
    for more, text in (
        (MandateSet(AT, 1, 14, 2, 6), "may write type 3"),
        (MandateSet(AT, 1, 6, 0, 6), "one officer for type 1"),
        (KeySet(AT, 1, "0x" + "d0" * 20, 5, 9), "key 0xd0"),
        (FourEyesSet(AT, 1, False), "four eyes off"),
        (SuspensionSet(AT, 1, True), "suspended"),
    ):
        (found,) = reviews(*usual, more, settled=False)
        assert text in found.why
    (found,) = reviews(AuthorityAdded(AT, 2, "GACC-1"), settled=False)
    assert (found.what, found.where) == ("authorities that the catalogue does not have", "2 GACC-1")


def test_many_acts_are_few_lines() -> None:
    turned = [FourEyesSet(AT._replace(block_number=n), 1, n % 2 == 0) for n in range(100)]
    (found,) = reviews(*turned)
    assert found.where == "GACC, blocks 0 to 99"
    assert found.why == (
        "four eyes on (block 98, and 49 times since block 0); four eyes off (block 99, and 49 times since block 1)"
    )
    keys = [KeySet(AT, 1, f"0x{n:040x}", 5, 2**64 - 1) for n in range(100)]
    (found,) = reviews(*keys)
    assert found.why.startswith("92 before; key 0x")
    (found,) = reviews(*(AuthorityAdded(AT, n, f"NEW-{n}") for n in range(2, 1000)))[:1]
    assert found.where.startswith("990 before; ")
    many = [
        *reviews(*(AuthorityAdded(AT, n, f"NEW-{n}") for n in range(2, 1000))),
        Review("another", "here", "why"),
    ]
    report = Report({}, (), review=many)
    assert len(report.to_text().splitlines()) < 20
    assert "acts of the governor: 990 more (--json and --report list them)" in report.to_text()
    assert "another: here: why" in report.to_text()
    assert len(report.to_dict()["review"]) == len(many) == 1000
