"""What an attacker wrote into a ledger is quoted by reports: none of it moves a cursor, or begins a line of its own."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from audit_reader import audited, change

from ledger.audit.deviation import Deviation, NotChecked, Review
from ledger.audit.html import report_html
from ledger.audit.report import Report
from ledger.store import vault as kept

if TYPE_CHECKING:
    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office", "audited_ledger"]

#: Clears the screen, hides what follows, turns text around, and begins lines in every way there is.
EVIL = "x\x1b[2J\x1b[H\rThe ledger holds: nothing deviates.\n\x85\u2028\u2029\x0b\x0c\x9b2J\u202e\x1b[8m\0\x07\ud800"
#: Which field of a report holds lines of which kind.
LINES = {"deviations": Deviation, "review": Review, "not_checked": NotChecked}


def one(kind: Any, field: str, value: str) -> Any:
    return kind(*(value if name == field else "calm" for name in kind._fields))


def report_with(field: str, part: str, value: str) -> Report:
    if field in LINES:
        return Report({"records": 1}, **{"deviations": ()} | {field: [one(LINES[field], part, value)]})
    content: Any = {"checked": {value: 1}, "scope": value, "members": [value]}[field]
    return Report(**{"checked": {}, "deviations": ()} | {field: content})


PLACES = [
    (each.name, part)
    for each in fields(Report)
    for part in (LINES[each.name]._fields if each.name in LINES else [""])
]


@pytest.mark.parametrize(("field", "part"), PLACES)
def test_no_field_of_a_report_writes_the_report(field: str, part: str) -> None:
    evil, calm = report_with(field, part, EVIL), report_with(field, part, "calm")
    for shown, as_it_is in (
        (evil.to_text(), calm.to_text()),
        (report_html(evil, {}), report_html(calm, {})),
        (report_html(calm, {EVIL: EVIL}), report_html(calm, {"calm": "calm"})),
    ):
        assert all(line.isprintable() for line in shown.split("\n"))
        assert shown.count("\n") == as_it_is.count("\n")
        assert "\\x1b[2J" in shown
        shown.encode()


def test_what_stands_in_the_vault_does_not_write_the_report(ledger: Ledger) -> None:
    change(
        ledger, update(kept.identities).where(kept.identities.c.enterprise == 1).values(party_key=EVIL[:-1])
    )
    report = audited(ledger)
    assert any(EVIL[:9] in value for each in report.deviations for value in each), "quoted as it is"
    for shown in (report.to_text(), report_html(report, {})):
        assert all(line.isprintable() for line in shown.split("\n"))
        assert "\\x1b[2J" in shown
