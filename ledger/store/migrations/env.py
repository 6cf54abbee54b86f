"""What Alembic runs: the revisions of one line, on the connection and in the schema it is given.

There is no `alembic.ini` on purpose: `ledger.store.migrate` runs this when the tables are opened, and gives
it the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.store.migrate import Line


def _run(connection: Connection, line: Line) -> None:
    on_server = connection.dialect.name == "postgresql"
    context.configure(
        connection=connection,
        version_table_schema=line.name if on_server else None,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"], context.config.attributes["line"])
