"""The replayed state against contracts, rows, documents, identities and scores: each difference is named."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
from honest_chain import CARD, FOREVER, MANDATES, Chain, key_of, party_of, salt_of
from honest_chain import paired_scene as scene

from ledger.audit.compare import (
    RUN_COLUMNS,
    ContractState,
    DocumentCheck,
    IdentityCheck,
    compare_contract,
    compare_documents,
    compare_identities,
    compare_rows,
    compare_scores,
    run_row,
)
from ledger.audit.deviation import Deviation, NotChecked
from ledger.audit.replay import Replay
from ledger.audit.report import EXIT_OF, Report
from ledger.crypto.commitments import commit, identity_commitment
from ledger.domain.calendar import iso
from ledger.domain.catalogue import load_catalogue
from ledger.domain.facts import AssessmentPublished, Place, Run
from ledger.domain.parties import named_party, parse_party
from ledger.domain.records import Posted
from ledger.scoring.roots import Scored, score_root

if TYPE_CHECKING:
    from ledger.audit.rows import RunRow


def replay_of(chain: Chain) -> Replay:
    replay = Replay()
    for fact in chain.facts:
        assert not replay.apply(fact)
    assert not replay.finish()
    return replay


def state_of(chain: Chain) -> ContractState:
    return ContractState(
        block_number=99,
        timestamp=chain.now,
        log_size=chain.log.size,
        root=chain.log.root(),
        enterprise_count=len(chain.heads),
        authority_count=3,
        epoch_count=chain.epochs,
        objection_count=0,
        record_counts=dict(chain.counts),
        mandates=dict(MANDATES),
        suspended={1: False, 2: False, 3: False},
        key_windows={(1, key_of(1)): (chain.facts[0].at.timestamp, FOREVER), (2, "0x" + "00" * 20): (0, 0)},
        cards={CARD: 20544},
        heads=dict(chain.heads),
    )


# ---------------------------------------------------------------- contracts


def test_honest_contract_state_agrees() -> None:
    chain = scene()
    assert list(compare_contract(replay_of(chain), state_of(chain))) == []


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"log_size": 9}, "logSize"),
        ({"root": bytes(32)}, "root"),
        ({"enterprise_count": 6}, "enterpriseCount"),
        ({"authority_count": 4}, "authorityCount"),
        ({"epoch_count": 0}, "epochCount"),
        ({"record_counts": {1: 9, 2: 1, 3: 4}}, "recordCount of STA"),
        ({"record_counts": {1: 9, 2: 2}}, "recordCount of US-CPSC"),
        ({"mandates": MANDATES | {1: 1}}, "mandate of GACC"),
        ({"suspended": {2: True}}, "suspension of authority 2"),
        ({"objection_count": 1}, "objectionCount"),
        ({"objections": {1: (1, 2, 3, 4, 0)}}, "objection 1"),
        ({"four_eyes": {2: True}}, "four eyes of authority 2"),
        ({"signature_epochs": {2: 1}}, "signature epoch of authority 2"),
        ({"compromises": {(1, key_of(1)): 9}}, f"compromise of key {key_of(1)}"),
        ({"suspended": {9: False}}, "suspension of authority 9"),
        ({"key_windows": {(1, key_of(1)): (0, 5)}}, f"window of key {key_of(1)}"),
        ({"cards": {CARD: 1}}, f"card {CARD.hex()}"),
        ({"cards": {bytes(32): 1}}, f"card {bytes(32).hex()}"),
        ({"heads": {3: bytes(32)}}, "head of enterprise 3"),
        ({"heads": {44: bytes(32)}}, "head of enterprise 44"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_difference_of_the_contracts_is_named(changed: dict[str, object], names: str) -> None:
    chain = scene()
    state = dataclasses.replace(state_of(chain), **changed)  # type: ignore[arg-type]
    (found,) = compare_contract(replay_of(chain), state)
    assert found.what == "contract state differs"
    assert found.where == f"contract at block 99, {names}"
    assert found.expected != found.found


# ---------------------------------------------------------------- rows

ROWS = [run_row(fact) for fact in scene().facts if isinstance(fact, Run)]


def compared(found: list[RunRow]) -> list[Deviation]:
    return list(compare_rows("runs", RUN_COLUMNS, iter(ROWS), iter(found)))


def test_equal_rows_agree() -> None:
    assert compared(list(ROWS)) == []
    assert list(compare_rows("runs", RUN_COLUMNS, [], [])) == []


def test_rows_of_a_database_driver_are_as_good_as_ours() -> None:
    assert list(compare_rows("runs", RUN_COLUMNS, ROWS, [list(row) for row in ROWS])) == []


@pytest.mark.parametrize("place", [0, 4, len(ROWS) - 1])
def test_a_missing_row_is_named_once(place: int) -> None:
    (found,) = compared(ROWS[:place] + ROWS[place + 1 :])
    assert (found.what, found.where) == ("row missing", f"table runs, leaf_index {place}")


@pytest.mark.parametrize("leaf", [3, 77])
def test_a_row_too_many_is_named_once(leaf: int) -> None:
    extra = ROWS[3]._replace(leaf_index=leaf, head=bytes(32))
    rows = sorted([*ROWS, extra], key=lambda row: row.leaf_index)
    (found,) = compared(rows)
    assert (found.what, found.where) == ("row too many", f"table runs, leaf_index {leaf}")


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"enterprise": 77}, "enterprise"),
        ({"head": bytes(32), "log_index": 5}, "head"),
        ({"records": bytes(64)}, "records"),
        ({"block_hash": b""}, "block_hash"),
        ({"first_id": None}, "first_id"),
    ],
)
def test_the_first_differing_column_is_named(changed: dict[str, object], column: str) -> None:
    rows = [*ROWS[:2], ROWS[2]._replace(**changed), *ROWS[3:]]  # type: ignore[arg-type]
    (found,) = compared(rows)
    assert (found.what, found.where) == ("row differs", f"table runs, leaf_index 2, column {column}")
    assert found.expected != found.found


def test_rows_out_of_order_do_not_pass() -> None:
    assert {d.what for d in compared(ROWS[::-1])} == {"row missing", "row too many"}


def test_a_row_of_another_width_does_not_pass() -> None:
    (found,) = compare_rows("runs", RUN_COLUMNS, ROWS[:1], [(*ROWS[0], 1)])
    assert (found.expected, found.found) == ("9 columns", "10 columns")


# ---------------------------------------------------------------- documents

SALT = bytes(range(32))
CATALOGUE = load_catalogue()


def document(**changed: object) -> tuple[DocumentCheck, dict[str, object]]:
    content: dict[str, object] = {
        "authority": "GACC",
        "conduct_on": iso(20000),
        "decided_on": iso(20100),
        "document": "",
        "party": party_of(7),
        "reference": "R-1",
        "refers_to": None,
        "type": CATALOGUE.by_number[1].code,
    }
    content |= changed
    raw = json.dumps(content).encode()
    posted = Posted(1 << 48 | 12, 7, 1, 2, 20000, 20100, 0, commit(SALT, raw))
    return DocumentCheck(posted, "opened", SALT, raw, party_of(7), "R-1", None), content


def checked(*checks: DocumentCheck) -> list[Deviation]:
    return list(compare_documents(checks, {1: "GACC"}, CATALOGUE))


def test_a_document_that_agrees_passes_and_an_erased_one_too() -> None:
    good, _ = document()
    assert checked(good, good._replace(held="erased", salt=b"", content=b"")) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"held": "missing"}, "document missing"),
        ({"held": "broken"}, "document does not open"),
        ({"salt": bytes(32)}, "document differs from its commitment"),
        ({"salt": b"short"}, "document differs from its commitment"),
        ({"content": b"{}"}, "document differs from its commitment"),
    ],
)
def test_documents_missing_broken_or_exchanged(changed: dict[str, object], what: str) -> None:
    good, _ = document()
    (found,) = checked(good._replace(**changed))  # type: ignore[arg-type]
    assert (found.what, found.where) == (what, "document of record GACC-12")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authority", "STA"),
        ("type", "CU99"),
        ("conduct_on", "2000-01-01"),
        ("decided_on", "2000-01-01"),
        ("party", party_of(8)),
        ("reference", "R-2"),
        ("type", None),
    ],
)
def test_a_document_at_odds_with_its_record_is_named(field: str, value: str) -> None:
    check, _ = document(**{field: value})
    (found,) = checked(check)
    assert found.what == "document contradicts its record"
    assert found.where == f"document of record GACC-12, {field}"
    assert found.found == str(value)


def test_a_reference_to_another_record_is_named() -> None:
    check, _ = document(refers_to="R-0")
    (found,) = checked(check._replace(refers_to="R-9"))
    assert (found.where, found.expected) == ("document of record GACC-12, refers_to", "R-9")


@pytest.mark.parametrize("raw", [b"\xff", b"[]", b"no json", b"[" * 5000])
def test_unreadable_content_is_named(raw: bytes) -> None:
    good, _ = document()
    record = good.record._replace(commitment=commit(SALT, raw))
    (found,) = checked(good._replace(record=record, content=raw))
    assert found.what == "document not readable"


# ---------------------------------------------------------------- identities and scores


def identity(number: int, text: str, country: str = "") -> IdentityCheck:
    """An identity as it is kept, salt and all."""
    party = named_party(country, text) if country else parse_party(text)
    salt = salt_of(number)
    return IdentityCheck(
        number, party.key, party.kind, party.text, salt, identity_commitment(salt, party.key)
    )


HELD = [
    identity(1, "91440606722473344C"),
    identity(2, "Firm &amp; Sons, Ltd.", "CN"),
    identity(3, "Firm 3", "CN"),
]
REGISTERED = {each.enterprise: each.commitment for each in HELD}


def identities(*held: IdentityCheck) -> list[tuple[str, str]]:
    return [(each.what, each.where) for each in compare_identities(held, REGISTERED)]


def test_identities() -> None:
    one, two, three = HELD
    assert identities(*HELD) == []
    swapped = one._replace(party_key=two.party_key)
    assert identities(swapped, two, three) == [
        ("identity differs from its commitment", "identity of enterprise 1")
    ]
    assert identities(two, three) == [("identity missing", "identity of enterprise 1")]
    assert list(compare_identities([two, three], REGISTERED, lambda number: number == 1)) == []


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (1, "text", "9144030071526726XG"),
        (1, "text", "91440606722473344C (Another Firm Ltd)"),
        (1, "text", ""),
        (1, "kind", "name"),
        (1, "commitment", bytes(32)),
        (2, "text", "Another Firm Ltd"),
        (2, "text", "\x1b[2J"),
        (2, "kind", "uscc"),
    ],
)
def test_what_is_kept_beside_an_identity_says_the_same(number: int, field: str, value: str | bytes) -> None:
    held = [each._replace(**{field: value}) if each.enterprise == number else each for each in HELD]
    assert identities(*held) == [
        ("identity contradicts its commitment", f"identity of enterprise {number}, {field}")
    ]


def test_identities_that_wait_are_next_and_open_their_own_commitments() -> None:
    waits = identity(4, "Firm 4", "CN")
    assert identities(*HELD, waits) == []
    assert identities(*HELD, waits._replace(enterprise=9)) == [
        ("identity not registered", "identity of enterprise 9")
    ]
    assert identities(*HELD, waits._replace(party_key="name:CN:FIRM5")) == [
        ("identity differs from its commitment", "identity of enterprise 4")
    ]


def test_scores() -> None:
    scores = [Scored(1, 100_000, "A"), Scored(4, 46_000, "D")]
    at = Place(5, bytes(32), 0, 0)
    published = AssessmentPublished(at, 1, CARD, 20600, score_root(scores), 2, 1, 0, bytes(32))
    assert list(compare_scores(published, scores)) == []
    (found,) = compare_scores(published, [scores[0], scores[1]._replace(milli=46_001)])
    assert (found.what, found.where) == ("score root not reproduced", "block 5, log 0, assessment 1")
    assert {d.what for d in compare_scores(published, scores[:1])} == {
        "assessment of other enterprises",
        "score root not reproduced",
    }


# ---------------------------------------------------------------- report


def test_a_verdict_for_what_was_not_checked() -> None:
    gap, left = (
        Deviation("number gap", "block 3", "1", "2"),
        NotChecked("erased", "document of GACC-1", "why"),
    )
    for deviations, not_checked, verdict, code in (
        ([], [], "holds", 0),
        ([gap], [], "deviates", 1),
        ([gap], [left], "deviates", 1),
        ([], [left], "not checked", 4),
    ):
        report = Report({"records": 1}, deviations, not_checked=not_checked)
        assert (report.verdict, EXIT_OF[report.verdict], report.ok) == (verdict, code, verdict == "holds")
        assert report.to_dict()["verdict"] == verdict
        assert len(report.to_dict()["not_checked"]) == len(not_checked)
        assert ("not checked: erased: document of GACC-1: why" in report.to_text()) == bool(not_checked)


def test_a_report_in_json_and_in_words() -> None:
    good = Report({"records": 1200}, [])
    assert good.ok
    assert good.to_dict() == {
        "ok": True,
        "verdict": "holds",
        "not_checked": [],
        "members": [],
        "scope": "",
        "checked": {"records": 1200},
        "deviations": [],
        "review": [],
    }
    assert "核验通过" in good.to_text()
    assert "records: 1,200" in good.to_text()
    bad = Report({"records": 3}, [Deviation("number gap", "block 3, log 1", "GACC-2", "GACC-4")])
    assert not bad.ok
    assert bad.to_dict()["deviations"] == [
        {"what": "number gap", "where": "block 3, log 1", "expected": "GACC-2", "found": "GACC-4"}
    ]
    text = bad.to_text()
    assert "does NOT hold: 1 thing does not agree" in text
    assert all(part in text for part in ("未通过", "number gap", "block 3, log 1", "GACC-2", "GACC-4"))
