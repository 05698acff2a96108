"""Answers that are given again when their request comes again. Rows stay until their time is over."""

from collections.abc import Sequence

import sqlalchemy as sa

from accredit.identity.answer import KeptAnswer
from accredit.identity.changes import ForgetAnswers, KeepAnswer
from accredit.store import inserts
from accredit.store.tables import kept_answers


def keep(conn: sa.Connection, claims: Sequence[KeepAnswer]) -> list[bool]:
    """Keep every answer whose key was not used before, and tell which."""
    rows = [
        {
            "key": answer.key,
            "request": answer.request,
            "status": answer.status,
            "tag": answer.tag,
            "answer": answer.answer,
            "expires_at": answer.expires_at,
        }
        for answer in (claim.answer for claim in claims)
    ]
    return inserts.claim(conn, kept_answers, rows)


def forget(conn: sa.Connection, writes: Sequence[ForgetAnswers]) -> None:
    """Drop every answer whose time is over."""
    for write in writes:
        conn.execute(sa.delete(kept_answers).where(kept_answers.c.expires_at < write.before))


def find(conn: sa.Connection, key: bytes) -> KeptAnswer | None:
    """Return what is kept under `key`, or None."""
    row = conn.execute(sa.select(kept_answers).where(kept_answers.c.key == key)).one_or_none()
    if row is None:
        return None
    return KeptAnswer(row.key, row.request, row.status, row.tag, row.answer, row.expires_at)
