"""Rows that must still be of the version that somebody saw, looked at many at a time and held until the commit."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from accredit.store.portions import portions

_AT_ONCE: Final = 1000
"""How many ids one statement names."""


def held(conn: sa.Connection, table: sa.Table, ids: Sequence[str]) -> dict[str, Any]:
    """Return the rows of `table` with these ids that are not deleted; nobody else can change them until we commit."""
    found: dict[str, Any] = {}
    for part in portions(sorted(set(ids)), _AT_ONCE):
        query = sa.select(table).where(table.c.id.in_(part), table.c.state != "deleted").order_by(table.c.id)
        found.update({row.id: row for row in conn.execute(query.with_for_update())})
    return found
