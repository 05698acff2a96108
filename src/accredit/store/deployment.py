"""The deployment's own row, and the beginning of an epoch."""

from collections.abc import Sequence

import sqlalchemy as sa

from accredit.identity.changes import BeginEpoch
from accredit.identity.signing_key import KeyState, KeyUse
from accredit.ports.deployment import Deployment
from accredit.store import inserts
from accredit.store.tables import deployment, enrolments, signal_head, signing_keys


def read(conn: sa.Connection) -> Deployment | None:
    """Return the row, or None in a database that was never started."""
    row = conn.execute(sa.select(deployment)).one_or_none()
    if row is None:
        return None
    return Deployment(row.issuer, row.key_check, row.created_at, row.epoch, row.epoch_at)


def establish(conn: sa.Connection, wanted: Deployment) -> Deployment:
    """Write the row unless there is one; return the one that is stored now."""
    row = {
        "id": 1,
        "issuer": wanted.issuer,
        "key_check": wanted.key_check,
        "created_at": wanted.created_at,
        "epoch": wanted.epoch,
        "epoch_at": wanted.epoch_at,
    }
    conn.execute(inserts.fresh(conn, deployment).on_conflict_do_nothing(), row)
    found = read(conn)
    assert found is not None  # noqa: S101  (it was there, or we wrote it)
    return found


def begin_epoch(conn: sa.Connection, writes: Sequence[BeginEpoch]) -> None:
    """Void everything decided before: see the value."""
    for write in writes:
        conn.execute(sa.update(deployment).values(epoch=deployment.c.epoch + 1, epoch_at=write.at))
        conn.execute(sa.update(signal_head).where(signal_head.c.n < write.at).values(n=write.at))
        conn.execute(sa.update(enrolments).where(enrolments.c.taken_at.is_(None)).values(taken_at=write.at))
        ended = signing_keys.c.use == KeyUse.ACCESS.value, signing_keys.c.state != KeyState.GONE.value
        conn.execute(sa.update(signing_keys).where(*ended).values(state=KeyState.GONE.value, gone_at=write.at))
