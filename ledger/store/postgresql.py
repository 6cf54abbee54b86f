"""PostgreSQL: one server, two schemas, and a bound on everything that could be waited for.

Both schemas share one small pool of connections, so that a server of which the ledger has a few still has
some for the command line.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from ledger.errors import Misconfigured
from ledger.store.failures import sqlstate

if TYPE_CHECKING:
    from sqlalchemy import Dialect, Engine
    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import ExceptionContext

#: Seconds that one statement may take: long enough to delete a large index, short enough to end.
STATEMENT_SECONDS: Final = 300
#: Seconds that a writing transaction may stand idle, holding up all other writers, before the server ends it.
IDLE_SECONDS: Final = 60
#: What libpq is told where the address says nothing else; seconds, but for the last, in milliseconds.
_CONNECTING: Final[dict[str, object]] = {
    "client_encoding": "utf8",
    "application_name": "credit-ledger",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
#: How servers say that they have no connection left, in the languages they say it in here.
_FULL: Final = ("too many", "slots are reserved", "太多", "过多", "保留")


def parse(url: str) -> URL:
    """Read an address. Raises `Misconfigured` for any but PostgreSQL's."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Misconfigured("the database address is not one that SQLAlchemy reads") from None
    if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
        raise Misconfigured(f"the database must be PostgreSQL through psycopg, not {parsed.drivername}")
    return parsed.set(drivername="postgresql+psycopg")


def make_engine(url: URL, connections: int, patience: float) -> Engine:
    """Return the engine for both schemas, with `connections` at most, few of them kept while idle."""
    engine = create_engine(
        url,
        isolation_level="REPEATABLE READ",
        pool_size=min(2, connections),
        max_overflow=max(0, connections - 2),
        pool_timeout=patience,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_arguments(url),
    )
    _configure(engine, patience)
    return engine


def make_lock_engine(url: URL, patience: float) -> Engine:
    """Return the engine for the one connection that holds advisory locks: opened when there are any."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=_arguments(url))
    _configure(engine, patience)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def in_schema(engine: Engine, schema: str) -> Engine:
    """Return an engine on the same pool whose tables are in a schema."""
    return engine.execution_options(schema_translate_map={None: schema})


def _arguments(url: URL) -> dict[str, object]:
    return {
        name: value
        for name, value in _CONNECTING.items()
        if name not in url.query or name == "client_encoding"
    }


def _configure(engine: Engine, patience: float) -> None:
    @event.listens_for(engine, "do_connect")
    def wait_for_a_place(dialect: Dialect, _record: object, args: Any, named: Any) -> Any:
        """Connect; where the server has no connection left, others give theirs back any moment."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return dialect.connect(*args, **named)
            except dialect.loaded_dbapi.OperationalError as error:
                full = any(word in str(error).lower() for word in _FULL)
                if not full or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise Misconfigured(
                f"the database's encoding is {encoding}, and names in all scripts need UTF8: create one with"
                " CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = '{patience:g}s'")
        connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
        connection.autocommit = False

    @event.listens_for(engine, "handle_error")
    def read_only(context: ExceptionContext) -> None:
        """Connections made while the server was read-only stay so: none is used again."""
        error = context.sqlalchemy_exception
        if error is not None and sqlstate(error) == "25006":  # type: ignore[arg-type]
            context.is_disconnect = True
