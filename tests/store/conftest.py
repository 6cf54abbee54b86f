"""Fixtures of the store suite: the same tests on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest
from house import House
from postgres import Postgres, server_folder

from ledger.bootstrap import _bind, _remember
from ledger.chain.deployment import deploy
from ledger.chain.embedded import open_embedded
from ledger.chain.keystore import Keystore
from ledger.domain.catalogue import default_authorities
from ledger.store.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.chain.contracts import Deployment


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


@pytest.fixture(scope="session")
def migrated(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with all tables and no rows, to be copied."""
    url = postgres_server.new_database()
    open_database(url, tmp_path_factory.mktemp("migrated")).close()
    return postgres_server.name(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where a fresh database is: None (SQLite in the data folder) or a PostgreSQL address.

    It is empty for a test that opens it itself, and has its tables for one that asks for `database` too.
    """
    if request.param == "sqlite":
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with_tables = "database" in request.fixturenames
    url = server.new_database(request.getfixturevalue("migrated") if with_tables else "template1")
    yield url
    server.drop_database(url)


@pytest.fixture
def database(database_url: str | None, tmp_path: Path) -> Iterator[Database]:
    """A fresh database with its tables."""
    with open_database(database_url, tmp_path) as opened:
        yield opened


class Deployed(NamedTuple):
    """A data folder with a chain on which the contracts are deployed; closed, to be copied."""

    folder: Path
    keystore: Keystore
    deployment: Deployment


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Deploy once; every test starts from a copy."""
    folder = tmp_path_factory.mktemp("deployed")
    keystore = Keystore.open_or_create(folder / "keystore.json", "test")
    node = open_embedded(folder, [keystore.address(name) for name in keystore.names])
    deployment = deploy(node, keystore, default_authorities(), ())
    node.close()
    return Deployed(folder, keystore, deployment)


@pytest.fixture
def chain_folder(deployed: Deployed, tmp_path: Path) -> Path:
    """A copy of the deployed chain's folder, not open."""
    folder = tmp_path / "chain"
    shutil.copytree(deployed.folder, folder)
    return folder


@pytest.fixture
def house(deployed: Deployed, database: Database, chain_folder: Path) -> Iterator[House]:
    """A ledger on the embedded chain, with nothing recorded yet."""
    node = open_embedded(chain_folder, [])
    _bind(database, deployed.keystore, chain_folder)
    _remember(database, deployed.deployment)
    yield House(database, node, deployed.keystore, deployed.deployment)
    node.close()
