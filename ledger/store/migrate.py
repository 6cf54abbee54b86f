"""Bringing the tables of the vault and of the index to this version, each along its own line of revisions.

Alembic does the work, and is imported only when there is some: opening tables that are up to date reads one
row.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import inspect, text

from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, MetaData

VERSION_TABLE = "alembic_version"


class Line(NamedTuple):
    """A line of revisions: its folder under `migrations`, and the revision this software wants."""

    name: str
    head: str


VAULT = Line("vault", "vault_0004")
INDEX = Line("index", "index_0004")


def revision(engine: Engine, line: Line) -> str | None:
    """Return the revision the tables are at; None when there are none yet."""
    if engine.dialect.name == "postgresql":
        present = text("SELECT to_regclass(:table)")
        table = f'"{line.name}".{VERSION_TABLE}'
    else:
        present = text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = :table")
        table = VERSION_TABLE
    with engine.connect() as connection:
        if connection.scalar(present, {"table": table}) is None:
            return None
        found = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608
        return None if found is None else str(found)


def has_tables(engine: Engine, line: Line) -> bool:
    """Return whether there are tables already: without a revision, somebody else's, or half of ours."""
    schema = line.name if engine.dialect.name == "postgresql" else None
    return bool(set(inspect(engine).get_table_names(schema=schema)) - {VERSION_TABLE})


def differs(connection: Connection, line: Line, tables: MetaData) -> str | None:
    """Say which table lacks which columns, or has others; None: all are as this version makes them."""
    if connection.dialect.name == "postgresql":
        listed = text(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :schema"
        )
        rows = connection.execute(listed, {"schema": line.name})
    else:
        listed = text("SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c")
        rows = connection.execute(listed)
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    for name, table in tables.tables.items():
        if name not in found:
            return f"the table {name} is missing"
        if found[name] != set(table.columns.keys()):
            return f"the table {name} has other columns"
    return None


def drop(engine: Engine, line: Line, tables: MetaData) -> None:
    """Drop the tables of a line, and what says their revision; the schema stays."""
    on_server = engine.dialect.name == "postgresql"
    schema, how = (f'"{line.name}".', " CASCADE") if on_server else ("", "")
    with engine.connect().execution_options(ledger_write=True) as connection, connection.begin():
        for name in (*tables.tables, VERSION_TABLE):
            connection.execute(text(f'DROP TABLE IF EXISTS {schema}"{name}"{how}'))


def upgrade(engine: Engine, line: Line) -> None:
    """Create or migrate the tables of one line, in one transaction. The caller holds the lock `migrate`.

    Raises `Misconfigured` when the tables are at a revision this version does not know.
    """
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    _prepare(engine, line)
    with as_file(files("ledger.store") / "migrations") as folder, engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execution_options(ledger_write=True)
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("version_locations", str(folder / line.name).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.attributes["connection"] = connection
        config.attributes["line"] = line
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Misconfigured(
                f"the {line.name} was made by another version of this software: {error}"
            ) from None


def _prepare(engine: Engine, line: Line) -> None:
    """Make what must be there before the first table: the schema, or a write-ahead log (a file keeps it)."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            # Asked first: CREATE SCHEMA needs its right even where there is nothing to create.
            known = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
            if not connection.scalar(known, {"name": line.name}):
                connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{line.name}"'))
        return
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        raw.close()
