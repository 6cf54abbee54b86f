"""Rows and files of rows for the tests of the workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.domain.submissions import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

#: Codes whose checks hold, from the vectors of identifiers.
ALPHA, BETA = "91440606722473344C", "91440300192317458F"


def record_line(reference: str, **fields: str) -> str:
    """One line of a records file; values must need no quotes."""
    values = {"party": ALPHA, "type": "CU01", "decided_on": "2026-05-01", "reference": reference} | fields
    return ",".join(values.get(name, "") for name in FIELDS)


def records_file(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([",".join(FIELDS), *lines, ""]), encoding="utf-8")
    return path
