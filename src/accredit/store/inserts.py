"""Inserting what may be there already: the one statement that the two engines spell in modules of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def fresh(conn: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into `table`, in the dialect of `conn`, to add an ON CONFLICT clause to."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


def claim(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Insert every row whose unique columns are free, and tell for each whether it was.

    Of rows with the same primary key only the first is tried: RETURNING could not tell them apart, and all would win.
    """
    key = table.primary_key.columns[0]
    first: dict[object, int] = {}
    for index, row in enumerate(rows):
        first.setdefault(row[key.name], index)
    insert = fresh(conn, table).on_conflict_do_nothing().returning(key)
    taken = set(conn.execute(insert, [dict(rows[index]) for index in first.values()]).scalars())
    return [row[key.name] in taken and first[row[key.name]] == index for index, row in enumerate(rows)]


def all_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, however many; one that is there already is an error."""
    if rows:
        conn.execute(sa.insert(table), [dict(row) for row in rows])
