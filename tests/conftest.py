"""What every test may ask for. Under CI=true a missing tool fails the test that needs it; elsewhere it skips."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fake_clock"))
sys.path.insert(0, str(Path(__file__).parent))

import fake_clock  # noqa: F401  before the ledger, which keeps the clock as it finds it
from nodes import ANVIL, Anvil
from tools import missing


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--soak"):
        return
    skip = pytest.mark.skip(reason="long: run with --soak")
    for item in items:
        if "soak" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """A fresh anvil node on a private port, ended with the test."""
    if not ANVIL.exists():
        missing("anvil (npm ci in contracts/)")
    with Anvil() as node:
        yield node
