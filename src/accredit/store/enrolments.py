"""Open invitations for guards. A taken one stays, so that a second try is visible."""

from collections.abc import Sequence

import sqlalchemy as sa

from accredit.identity.changes import AddEnrolment, TakeEnrolment
from accredit.identity.guard import Enrolment
from accredit.store import inserts
from accredit.store.tables import enrolments


def add(conn: sa.Connection, writes: Sequence[AddEnrolment]) -> None:
    """Open invitations."""
    rows = [
        {
            "id": enrolment.id,
            "server": enrolment.server,
            "slug": enrolment.slug,
            "code_digest": enrolment.code_digest,
            "created_at": enrolment.created_at,
            "expires_at": enrolment.expires_at,
            "taken_at": enrolment.taken_at,
        }
        for enrolment in (write.enrolment for write in writes)
    ]
    inserts.all_rows(conn, enrolments, rows)


def take(conn: sa.Connection, claims: Sequence[TakeEnrolment]) -> list[bool]:
    """Use up every code that is open, and tell which."""
    return [_take(conn, claim) for claim in claims]


def by_code(conn: sa.Connection, code_digest: bytes) -> Enrolment | None:
    """Return the enrolment with that code, taken or not, or None."""
    row = conn.execute(sa.select(enrolments).where(enrolments.c.code_digest == code_digest)).one_or_none()
    if row is None:
        return None
    return Enrolment(
        id=row.id,
        server=row.server,
        slug=row.slug,
        code_digest=row.code_digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        taken_at=row.taken_at,
    )


def _take(conn: sa.Connection, claim: TakeEnrolment) -> bool:
    update = (
        sa.update(enrolments)
        .where(enrolments.c.id == claim.enrolment, enrolments.c.taken_at.is_(None))
        .where(enrolments.c.expires_at > claim.now)
        .values(taken_at=claim.now)
    )
    return conn.execute(update).rowcount == 1
