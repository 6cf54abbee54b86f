"""One ledger on its embedded chain, some records on it, and its API on a real socket: shared by these tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from served_ledger import Running, Served, seed

from api import logs
from api.server import make_server
from ledger.bootstrap import Ledger
from ledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _lines_between_tests_are_dropped() -> Iterator[None]:
    """A server thread may log while no test captures; those lines would run through pytest's own output."""
    write = logs._Stderr.write

    def captured_only(stream: logs._Stderr, text: str) -> int:
        return len(text) if sys.stderr is sys.__stderr__ else write(stream, text)

    logs._Stderr.write = captured_only  # type: ignore[method-assign]
    yield
    logs._Stderr.write = write  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("ledger"),
        passphrase="only for these tests",
        rpc_url=None,
        database_url=None,
    )
    with Ledger.open(settings) as opened:
        opened.follower.catch_up()
        yield opened


@pytest.fixture(scope="session")
def served(ledger: Ledger) -> Iterator[Served]:
    with Running(make_server(ledger, "127.0.0.1", 0)) as url:
        found = Served(ledger, url)
        seed(found)
        yield found
