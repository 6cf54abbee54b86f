"""Fixtures of the store suite: the same tests on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from postgres import Postgres, server_folder

from ledger.store.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One server for the whole run; without its programs the tests are skipped, or fail under CI=true."""
    programs = server_folder()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL server is installed, and under CI=true that is a failure")
        pytest.skip("no PostgreSQL server is installed")
    with Postgres(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where a fresh, empty database is: None (SQLite in the data folder) or a PostgreSQL address."""
    if request.param == "sqlite":
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def database(database_url: str | None, tmp_path: Path) -> Iterator[Database]:
    """A fresh database with its tables."""
    with open_database(database_url, tmp_path) as opened:
        yield opened
