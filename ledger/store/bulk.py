"""Many rows at once: `executemany` on SQLite, `COPY` on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import Dumper
    from sqlalchemy import Column, Connection, Table
    from sqlalchemy.sql.compiler import IdentifierPreparer

#: Below this many rows an insert is quicker than setting up a COPY.
_COPY_FROM = 20
#: Values in one IN list: SQLite bounds a statement's parameters, PostgreSQL at 65,535.
IN_LIST = 500


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert tuples of values, in the order of the table's columns, in the connection's transaction.

    The values go to the driver as they are: give bytes, str, int, bool or None, and for `Unsigned` columns
    their bytes. Raises SQLAlchemy's `IntegrityError` when a key is taken.
    """
    if not rows:
        return
    preparer = connection.dialect.identifier_preparer
    target = _qualified(connection, table, preparer)
    columns = ", ".join(preparer.quote(column.name) for column in table.columns)
    on_server = connection.dialect.name == "postgresql"
    if not on_server or len(rows) < _COPY_FROM:
        marks = ", ".join(["%s" if on_server else "?"] * len(table.columns))
        statement = f"INSERT INTO {target} ({columns}) VALUES ({marks})"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))
    else:
        _copy(connection, f"COPY {target} ({columns}) FROM STDIN (FORMAT BINARY)", table, rows)


def _qualified(connection: Connection, table: Table, preparer: IdentifierPreparer) -> str:
    schema = connection.get_execution_options().get("schema_translate_map", {}).get(None)
    name = preparer.quote(table.name)
    return f"{preparer.quote(schema)}.{name}" if schema else name


def _copy(connection: Connection, statement: str, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    driver = connection.connection.driver_connection
    if driver is None:  # a connection in use always has its driver's
        raise RuntimeError("no driver connection")
    types = [column.type.compile(connection.dialect).lower() for column in table.columns]
    errors = connection.dialect.loaded_dbapi
    try:
        with driver.cursor() as cursor:
            # By default `bytea` goes through the DB-API wrapper's dumper, which is not the compiled one.
            cursor.adapters.register_dumper(bytes, _bytes_dumper())
            with cursor.copy(statement) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
    except errors.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error
    except errors.Error as error:
        # As the engine does with what it sends itself: a lost or read-only session is not used again.
        connection.invalidate()
        raise DBAPIError(statement, None, error) from error


def _bytes_dumper() -> type[Dumper]:
    from psycopg.types.string import BytesBinaryDumper  # noqa: PLC0415  not needed on SQLite

    return BytesBinaryDumper


def set_values(
    connection: Connection, column: Column[Any], key: Column[Any], pairs: Sequence[tuple[Any, Any]]
) -> None:
    """Set `column` in the rows of these `(value, key)` pairs, all of one table."""
    if not pairs:
        return
    preparer = connection.dialect.identifier_preparer
    target = _qualified(connection, column.table, preparer)
    value, wanted = preparer.quote(column.name), preparer.quote(key.name)
    if connection.dialect.name == "postgresql":
        types = [each.type.compile(connection.dialect) for each in (column, key)]
        given = f"unnest(%s::{types[0]}[], %s::{types[1]}[]) AS given (value, key)"
        statement = f"UPDATE {target} SET {value} = given.value FROM {given} WHERE {wanted} = given.key"  # noqa: S608
        values, keys = zip(*pairs, strict=True)
        connection.exec_driver_sql(statement, (list(values), list(keys)))
    else:
        statement = f"UPDATE {target} SET {value} = ? WHERE {wanted} = ?"  # noqa: S608
        connection.exec_driver_sql(statement, list(pairs))
