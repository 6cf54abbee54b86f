"""The firms of a recall notice: every recall of the shipped sample, and texts made to mislead."""

from __future__ import annotations

import csv
import json
import time
from importlib.resources import files
from pathlib import Path

import pytest

from ledger.workflows.cpsc import COLUMNS, Notice, Skipped, notices
from ledger.workflows.firm_text import firms_in_china, mentions_china, tidy
from ledger.workflows.rows import RejectedRow, Row

VECTORS = Path(__file__).parents[1] / "vectors"
SAMPLE = files("ledger.workflows").joinpath("samples/cpsc-recalls-2023-12_2025-06.csv")
TEXTS = json.loads((VECTORS / "cpsc_texts.json").read_text(encoding="utf-8"))
GOLDEN = json.loads((VECTORS / "cpsc_firms.json").read_text(encoding="utf-8"))["recalls"]


def sample_rows() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@pytest.mark.parametrize("vector", TEXTS, ids=lambda vector: vector["case"])
def test_firms_of_a_text(vector):
    found = [
        {"name": firm.name, "trade_names": list(firm.trade_names)} for firm in firms_in_china(vector["text"])
    ]
    assert found == vector["firms"]


def test_every_recall_of_the_sample_names_the_firms_read_from_it_by_eye():
    """Both ways: no firm of the golden file is missed, and none is found in the 410 recalls not in it."""
    found = {}
    for number, fields in enumerate(sample_rows(), 2):
        for item in notices(Row(number, fields)):
            assert not isinstance(item, RejectedRow), item.errors
            if isinstance(item, Notice):
                firm = json.loads(str(item.fields["document"]))["firm"]
                found.setdefault(fields["Recall Number"], []).append(_golden_form(firm))
    for firms in found.values():
        firms.sort(key=lambda firm: firm["name"])
    expected = {
        recall: sorted((_with_defaults(firm) for firm in firms), key=lambda firm: firm["name"])
        for recall, firms in GOLDEN.items()
    }
    assert found == expected


def test_counts_of_the_sample():
    items = [item for number, row in enumerate(sample_rows(), 2) for item in notices(Row(number, row))]
    taken = [item for item in items if isinstance(item, Notice)]
    assert len(sample_rows()) == 550
    assert sum(isinstance(item, Skipped) for item in items) == 410
    assert len({item.number for item in taken}) == 140
    assert len(taken) == 164
    references = [item.fields["reference"] for item in taken]
    assert len(set(references)) == len(references)


def test_no_field_that_mentions_china_is_passed_over():
    for row in sample_rows():
        for field in ("Importers", "Manufacturers", "Distributors", "Custom Field"):
            assert bool(firms_in_china(row[field])) == mentions_china(row[field]), row[field]


def test_the_shipped_sample_has_the_columns_that_are_read():
    assert tuple(sample_rows()[0]) == COLUMNS


def test_tidy_leaves_plain_text_alone():
    assert (
        tidy("Wet & Forget (USA) Inc., of Elgin, Illinois") == "Wet & Forget (USA) Inc., of Elgin, Illinois"
    )


@pytest.mark.parametrize(
    "text",
    [
        "of " * 5000,
        "A" * 16000 + ", of China",
        ("Alpha Co., " * 1400) + "of China",
        ("(" * 8000) + (")" * 8000),
        ("Alpha Ltd. and " * 1000) + ", of China",
        "of A " * 3200,
        ", of A, " * 2000,
    ],
    ids=["of", "letters", "commas", "brackets", "ands", "of A", "of A,"],
)
def test_a_field_made_to_stall_the_reader_does_not(text):
    """Fields are bounded at 16,384 characters; within that bound reading stays quick."""
    began = time.perf_counter()
    firms_in_china(text)
    mentions_china(text)
    assert time.perf_counter() - began < 2


def _golden_form(firm):
    return {
        name: firm[name] for name in ("name", "roles", "trade_names", "former_names", "brands", "located_in")
    }


def _with_defaults(firm):
    return {"trade_names": [], "former_names": [], "brands": [], "located_in": "China"} | firm
