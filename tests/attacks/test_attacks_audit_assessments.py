"""Assessments and cards that are not what the records make."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, change, deviations, unchecked
from workflows_rows import BETA, record_line, records_file

from ledger.crypto.hashing import sha256
from ledger.errors import ChainRefused
from ledger.store import vault as kept
from ledger.workflows.assessing import assess
from ledger.workflows.importing import import_file
from ledger.workflows.sending import send

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office", "audited_ledger"]


def publish(ledger: Ledger, **changed: Any) -> None:
    """Publish an assessment by the operator's key, with what is changed of an honest one over no scores."""
    from ledger.index.follower import read_cursor
    from ledger.index.queries import counts, heads_root

    with ledger.db.read_index() as index:
        cursor = read_cursor(index)
        assert cursor
        made = {
            "epoch": ledger.contracts.epoch_count() + 1,
            "card": ledger.cards[0].hash,
            "as_of": ledger.today(),
            "root": sha256(b"nothing"),
            "count": 1,
            "block": cursor.number,
            "log_size": counts(index).runs,
            "heads_root": heads_root(index),
        }
    send(ledger, ledger.contracts.publish(**{**made, **changed}))


def published(ledger: Ledger) -> dict[str, Any]:
    """What an honest run published."""
    from ledger.store.index import assessments

    with ledger.db.read_index() as index:
        row = index.execute(select(assessments)).mappings().one()
    return {name: row[name] for name in ("card", "as_of", "root", "count", "block", "log_size", "heads_root")}


def test_a_made_up_assessment_is_published_by_the_operators_key(ledger: Ledger) -> None:
    assess(ledger)
    publish(ledger, root=sha256(b"a lie"), count=1_000_000_000)
    found = deviations(ledger)
    assert {what for what, _ in found} == {"assessment of other enterprises", "score root not reproduced"}
    assert all("assessment 2" in where for _, where in found)
    # What the office publishes honestly afterwards is still computed anew, and holds.
    import_one(ledger)
    assess(ledger)
    assert {where.rpartition(" ")[2] for _, where in deviations(ledger)} == {"2"}


def import_one(ledger: Ledger) -> None:
    path = records_file(ledger.settings.data_dir / "one.csv", record_line("ONE", type="CU06", party=BETA))
    import_file(ledger, path, "records", ledger.authorities["GACC"])


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"heads_root": bytes(range(32))}, "heads root not reproduced"),
        ({"log_size": 1}, "assessment of another log"),
        ({"log_size": 3}, "assessment of another log"),
    ],
)
def test_an_assessment_says_it_was_made_from_other_records(
    ledger: Ledger, changed: dict[str, Any], what: str
) -> None:
    """The scores are right, what they are said to be made from is not."""
    from ledger.index.queries import stream_posted
    from ledger.scoring.roots import Scored, score_root
    from ledger.scoring.score import Scorer

    scorer = Scorer(ledger.cards[0], ledger.today())
    with ledger.db.read_index() as index:
        scores = [(number, scorer.score(posted)) for number, posted in stream_posted(index)]
    leaves = [Scored(number, each.milli, each.grade) for number, each in scores]
    try:
        publish(ledger, root=score_root(leaves), count=len(leaves), **changed)
    except ChainRefused:
        return
    assert what in [each for each, _ in deviations(ledger)]


def test_the_vaults_row_of_an_assessment_is_deleted(ledger: Ledger) -> None:
    assess(ledger)
    change(ledger, delete(kept.assessments), delete(kept.scores))
    assert unchecked(ledger) == [("assessment not held", "assessment 1")]
    assert audited(ledger).checked["scores_recomputed"] == 2


def test_a_made_up_assessment_hides_behind_a_deleted_row(ledger: Ledger) -> None:
    publish(ledger)
    change(ledger, delete(kept.assessments), delete(kept.scores))
    assert "score root not reproduced" in [what for what, _ in deviations(ledger)]


@pytest.mark.parametrize(
    "changed", [{"log_size": 1}, {"as_of": 20_000}, {"count": 9}, {"root": bytes(32)}, {"block": 1}], ids=str
)
def test_the_vaults_row_of_an_assessment_says_something_else(ledger: Ledger, changed: dict[str, Any]) -> None:
    assess(ledger)
    change(ledger, update(kept.assessments).values(**changed))
    (name,) = changed
    assert ("assessment differs in the vault", f"assessment 1, {name}") in deviations(ledger)


def test_an_assessment_is_made_with_a_card_that_nobody_has(ledger: Ledger) -> None:
    assess(ledger)
    found = unchecked(dataclasses.replace(ledger, cards=()))
    assert [(what, where.rpartition(", ")[2]) for what, where in found] == [("assessment", "assessment 1")]


def test_a_card_is_used_whose_successor_is_in_force(ledger: Ledger) -> None:
    """The contract refuses it; the replay names it all the same where a contract would not."""
    card, day = sha256(b"a harsher card"), ledger.today()
    send(ledger, ledger.contracts.register_card(card, day), "governor")
    with pytest.raises(ChainRefused):
        publish(ledger)
    publish(ledger, card=card)
    assert [each.what for each in audited(ledger).not_checked if each.what == "assessment"] == ["assessment"]
