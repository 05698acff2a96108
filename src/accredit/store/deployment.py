"""The deployment's own row."""

import sqlalchemy as sa

from accredit.ports.deployment import Deployment
from accredit.store import inserts
from accredit.store.tables import deployment


def read(conn: sa.Connection) -> Deployment | None:
    """Return the row, or None in a database that was never started."""
    row = conn.execute(sa.select(deployment)).one_or_none()
    return None if row is None else Deployment(row.issuer, row.key_check, row.created_at)


def establish(conn: sa.Connection, wanted: Deployment) -> Deployment:
    """Write the row unless there is one; return the one that is stored now."""
    row = {
        "id": 1,
        "issuer": wanted.issuer,
        "key_check": wanted.key_check,
        "created_at": wanted.created_at,
        "epoch": 1,
    }
    conn.execute(inserts.fresh(conn, deployment).on_conflict_do_nothing(), row)
    found = read(conn)
    assert found is not None  # noqa: S101  (it was there, or we wrote it)
    return found
