"""Leases of guards: the last word of each process, many in one statement."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from accredit.identity.changes import ForgetLeases, KeepLeases
from accredit.identity.lease import TOLERANCE, Lease
from accredit.store import inserts
from accredit.store.tables import guard_leases

_HARMLESS_AT = guard_leases.c.seen_at + (guard_leases.c.bound + TOLERANCE) * 1_000_000
"""From when on the process refuses by itself (`Lease.harmless_at`, of one that has not ended)."""

_MOVES = ("seq", "acked_at", "seen_at", "bound", "beat", "ended")


def keep(conn: sa.Connection, writes: Sequence[KeepLeases]) -> None:
    """Keep the last word of each process; one that is older than what is kept is passed over."""
    rows = [asdict(lease) for write in writes for lease in write.leases]
    if rows:
        conn.execute(_upsert(conn), rows)


def forget(conn: sa.Connection, writes: Sequence[ForgetLeases]) -> None:
    """Drop the leases of processes that have gone."""
    for write in writes:
        conn.execute(sa.delete(guard_leases).where(sa.or_(write.before > _HARMLESS_AT, guard_leases.c.ended)))


def load(conn: sa.Connection) -> tuple[Lease, ...]:
    """Return all leases."""
    query = sa.select(guard_leases).order_by(guard_leases.c.guard, guard_leases.c.instance)
    return tuple(
        Lease(row.guard, row.instance, row.seq, row.acked_at, row.seen_at, row.bound, row.beat, row.ended)
        for row in conn.execute(query)
    )


def _upsert(conn: sa.Connection) -> sa.Insert:
    insert = inserts.fresh(conn, guard_leases)
    moved = {name: insert.excluded[name] for name in _MOVES}
    return insert.on_conflict_do_update(
        index_elements=["guard", "instance"], set_=moved, where=guard_leases.c.seen_at <= insert.excluded.seen_at
    )
