"""An office of its own for each test: embedded chain, vault and index, copied from one that was deployed once."""

from __future__ import annotations

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
    folder = tmp_path / "data"
    shutil.copytree(deployed, folder)
    with Ledger.open(Settings(data_dir=folder, passphrase="test")) as ledger:
        ledger.follower.catch_up()
        yield ledger
