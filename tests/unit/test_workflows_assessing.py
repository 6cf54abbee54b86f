"""Assessment runs: what changed is published once, whatever dies in between."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select
from workflows_rows import BETA, record_line, records_file

from ledger.chain.submitter import Submitter
from ledger.domain.calendar import to_day
from ledger.errors import BadValue, Conflict
from ledger.scoring.cards import GRADES
from ledger.scoring.roots import Scored, score_proof, score_root
from ledger.store.vault import assessments, scores
from ledger.workflows import assessing
from ledger.workflows.assessing import assess
from ledger.workflows.auditing import audit
from ledger.workflows.importing import import_file

pytest_plugins = ["workflows_office"]
MAY, JUNE = to_day("2026-05-31"), to_day("2026-06-30")


@pytest.fixture
def scored(office, tmp_path):
    """A record of one enterprise from May, and of another from June."""
    path = records_file(
        tmp_path / "rows.csv",
        record_line("R1", type="CU06", decided_on="2026-05-01"),
        record_line("R2", type="MR03", decided_on="2026-06-15", party=BETA),
    )
    import_file(office, path, "records", office.authorities["GACC"])
    import_file(office, records_file(path, record_line("S1", type="MR03", decided_on="2026-06-15", party=BETA)),
                "records", office.authorities["SAMR"])  # fmt: skip
    return office


def leaves(office, epoch):
    with office.db.read_vault() as vault:
        chosen = select(scores.c.enterprise, scores.c.milli, scores.c.grade).where(scores.c.epoch == epoch)
        grade_of = {number: grade for grade, number in GRADES.items()}
        rows = vault.execute(chosen.order_by(scores.c.enterprise))
        return [Scored(enterprise, milli, grade_of[grade]) for enterprise, milli, grade in rows]


def anchored(office):
    with office.db.read_vault() as vault:
        return dict(vault.execute(select(assessments.c.epoch, assessments.c.anchored)).all())


def test_only_what_changed_is_published_and_the_contract_verifies_a_score(scored):
    first = assess(scored, MAY)
    assert (first["epoch"], first["scored"], first["changed"]) == (1, 2, 2)
    again = assess(scored, MAY)
    assert (again["epoch"], again["changed"]) == (None, 0)
    second = assess(scored, JUNE)
    assert (second["epoch"], second["changed"]) == (2, 1)
    assert scored.contracts.epoch_count() == 2

    published = leaves(scored, 1)
    assert score_root(published).hex() == first["root"]
    index, proof = score_proof(published, published[0].enterprise)
    enterprise, milli, grade = published[0]
    call = scored.contracts.call(
        "ScoreBook", "verifyScore", 1, enterprise, milli, GRADES[grade], index, proof
    )
    answer = scored.node.request("eth_call", {"to": call.to, "data": "0x" + call.data.hex()}, "latest")
    assert int(answer, 16) == 1
    call = scored.contracts.call(
        "ScoreBook", "verifyScore", 1, enterprise, milli + 1, GRADES[grade], index, proof
    )
    answer = scored.node.request("eth_call", {"to": call.to, "data": "0x" + call.data.hex()}, "latest")
    assert int(answer, 16) == 0
    assert not audit(scored).deviations


def test_days_that_cannot_be_assessed_are_refused(scored):
    assess(scored, JUNE)
    with pytest.raises(BadValue, match="before the last assessment, as of 2026-06-30"):
        assess(scored, MAY)
    with pytest.raises(BadValue, match="in the future"):
        assess(scored, scored.today() + 1)
    with pytest.raises(BadValue, match="before the first card"):
        assess(scored, to_day("2026-03-31"))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("where", ["before publishing", "after publishing", "published and not heard of"])
def test_a_run_killed_at_any_line_is_finished_by_the_next(scored, monkeypatch, where):
    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        if where == "before publishing":
            patch.setattr(Submitter, "submit", killed)
        elif where == "after publishing":
            patch.setattr(assessing, "_settle", killed)
        else:
            patch.setattr(Submitter, "wait", killed)
        with pytest.raises(Killed):
            assess(scored, MAY)
    assert anchored(scored) == {1: False}
    found = assess(scored, JUNE)
    assert (found["epoch"], found["changed"]) == (2, 1)
    assert anchored(scored) == {1: True, 2: True}
    assert scored.contracts.epoch_count() == 2
    assert scored.contracts.assessment(1)[1:3] == (MAY, score_root(leaves(scored, 1)))
    assert not audit(scored).deviations


def test_an_epoch_that_another_office_published_is_not_claimed(scored):
    assess(scored, MAY)
    with scored.db.write_vault() as vault:
        vault.execute(assessments.update().values(anchored=False, root=bytes(32)))
    with pytest.raises(Conflict, match="another office"):
        assess(scored, MAY)
    assert anchored(scored) == {}
    # The scores of this office are then unknown to the chain: they are published under an epoch of their own.
    assert assess(scored, MAY)["epoch"] == 2


def test_nothing_to_score_publishes_nothing(office):
    assert assess(office)["epoch"] is None
    assert office.contracts.epoch_count() == 0


def test_scores_lost_from_the_vault_are_named_by_the_audit(scored):
    assess(scored, JUNE)
    with scored.db.write_vault() as vault:
        vault.execute(delete(scores).where(scores.c.enterprise == 1))
    (found,) = audit(scored).deviations
    assert (found.what, found.where) == ("published scores differ", "scores of assessment 1")
