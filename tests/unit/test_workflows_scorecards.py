"""The operator's own scorecards: registered by the governor, then scored by, audited, and never backdated."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from workflows_rows import ALPHA, record_line, records_file

from ledger.bootstrap import Ledger
from ledger.domain.calendar import iso
from ledger.errors import BadValue, Conflict, Misconfigured
from ledger.workflows.assessing import assess
from ledger.workflows.auditing import audit
from ledger.workflows.importing import import_file
from ledger.workflows.reading import score_of
from ledger.workflows.scorecards import FOLDER, cards_in_use, list_cards, register_card

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["workflows_office"]

DEFAULT = files("ledger.scoring").joinpath("card-2026-04-01.toml").read_text(encoding="utf-8")


def card(effective_on: str, **values: int) -> str:
    """The default card with another name and date, and other values at its top."""
    text = DEFAULT.replace("Default scorecard 2026", f"Card of {effective_on}").replace(
        "2026-04-01", effective_on
    )
    for key, value in values.items():
        line = next(each for each in text.splitlines() if each.startswith(f"{key} = "))
        text = text.replace(line, f"{key} = {value}", 1)
    return text


def register(office: Ledger, text: str) -> str:
    done = register_card(office, text, "own.toml")
    assert done["done"]
    return done["what"]


def reopened(office: Ledger) -> Ledger:
    """The same installation as its next process sees it: only the cards are read again."""
    return replace(office, cards=cards_in_use(office.contracts, office.settings.data_dir))


def recorded(office: Ledger, tmp_path: Path) -> None:
    path = records_file(tmp_path / "a.csv", record_line("A1", party=ALPHA))
    import_file(office, path, "records", office.authorities["GACC"])
    office.follower.catch_up()


def test_a_day_is_scored_by_the_card_in_force_on_it(office: Ledger, tmp_path: Path) -> None:
    recorded(office, tmp_path)
    today = iso(office.today())
    before = score_of(office.db, office.catalogue, office.cards, ALPHA, office.today())
    assert today in register(office, card(today, start_milli=95_000))
    after = reopened(office)
    now = score_of(after.db, after.catalogue, after.cards, ALPHA, office.today())
    assert (before["card"], now["card"]) == ("Default scorecard 2026", f"Card of {today}")
    assert float(now["score"]) == float(before["score"]) - 5
    yesterday = score_of(after.db, after.catalogue, after.cards, ALPHA, office.today() - 1)
    assert yesterday["card"] == "Default scorecard 2026"
    shown = list_cards(after)
    assert [(each["registered"], each["in_force"]) for each in shown] == [(True, False), (True, True)]
    assert assess(after)["card"] == f"Card of {today}"
    assert not audit(after).deviations


def test_an_assessed_day_keeps_its_card(office: Ledger, tmp_path: Path) -> None:
    recorded(office, tmp_path)
    assess(office)
    today = iso(office.today())
    with pytest.raises(BadValue, match="the last day assessed, whose scores stand"):
        register(office, card(today))
    assert not (office.settings.data_dir / FOLDER).exists()
    register(office, card(iso(office.today() + 1)))


def test_a_kept_card_that_the_chain_has_not_scores_nobody(office: Ledger) -> None:
    folder = office.settings.data_dir / FOLDER
    folder.mkdir()
    (folder / "waiting.toml").write_text(card("2026-05-01"), encoding="utf-8")
    again = reopened(office)
    assert again.cards == office.cards
    assert [each["registered"] for each in list_cards(again)] == [True, False]


@pytest.mark.parametrize(
    ("text", "refusal", "says"),
    [
        (DEFAULT, Conflict, "is registered already"),
        (card("2026-04-01", start_milli=95_000), BadValue, "both take effect on 2026-04-01"),
        ("name = 1", Misconfigured, "own.toml"),
        ("", Misconfigured, "own.toml"),
        (card("2026-06-01", start_milli=100_001), Misconfigured, "start_milli"),
    ],
)
def test_what_is_no_new_card_is_refused(
    office: Ledger, text: str, refusal: type[Exception], says: str
) -> None:
    with pytest.raises(refusal, match=says):
        register(office, text)
    assert not (office.settings.data_dir / FOLDER).exists()
