"""An office of its own for each test: embedded chain, vault and index, copied from one that was deployed once."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import pytest

from ledger.bootstrap import Ledger
from ledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deployed") / "data"
    with Ledger.open(Settings(data_dir=folder, passphrase="test")):
        pass
    return folder


@pytest.fixture
def office(deployed: Path, tmp_path: Path) -> Iterator[Ledger]:
    """An office for one test, index followed."""
    with opened_copy(deployed, tmp_path / "data") as ledger:
        yield ledger


@pytest.fixture(scope="module")
def lasting_office(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """An office for the tests of one file, which leave it as they found it."""
    with opened_copy(deployed, tmp_path_factory.mktemp("office") / "data") as ledger:
        yield ledger


@contextlib.contextmanager
def opened_copy(deployed: Path, folder: Path) -> Iterator[Ledger]:
    shutil.copytree(deployed, folder)
    with Ledger.open(Settings(data_dir=folder, passphrase="test")) as ledger:
        ledger.follower.catch_up()
        yield ledger
