"""Inserting what may be there already: the one statement that the two engines spell in modules of their own."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def fresh(conn: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into `table`, in the dialect of `conn`, to add an ON CONFLICT clause to."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


def unless_taken(conn: sa.Connection, table: sa.Table) -> sa.Insert:
    """Return an INSERT that leaves out rows with a taken key, and returns the others' first primary key column."""
    return _unless_taken(conn.dialect.name, table)


def claim(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Insert every row whose unique columns are free, and tell for each whether it was.

    Of rows with the same primary key only the first is tried: RETURNING could not tell them apart, and all would win.
    """
    name = table.primary_key.columns[0].name
    first: dict[object, int] = {}
    for index, row in enumerate(rows):
        first.setdefault(row[name], index)
    tried = [dict(rows[index]) for index in first.values()]
    taken = set(conn.execute(unless_taken(conn, table), tried).scalars())
    return [row[name] in taken and first[row[name]] == index for index, row in enumerate(rows)]


def all_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, however many; one that is there already is an error."""
    if rows:
        conn.execute(sa.insert(table), [dict(row) for row in rows])


def in_order(conn: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows that name their values in the order of the columns: the quickest way for very many."""
    conn.exec_driver_sql(_text(conn.dialect, table), list(rows))


@lru_cache(maxsize=64)
def _text(dialect: sa.Dialect, table: sa.Table) -> str:
    """Return the INSERT as `dialect` spells it, with the parameters in the order of the columns."""
    compiled = sa.insert(table).compile(dialect=dialect)
    order = [column.name for column in table.c]
    assert getattr(compiled, "positiontup", None) == order  # noqa: S101  (else values would land in other columns)
    return str(compiled)


@lru_cache(maxsize=64)
def _unless_taken(dialect: str, table: sa.Table) -> sa.Insert:
    """Build the statement once: at every call that would cost more than running it."""
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_nothing().returning(table.primary_key.columns[0])
