"""Signing keys at rest. The partial unique indexes let one key per use be upcoming and one be active."""

from collections.abc import Sequence

import sqlalchemy as sa

from accredit.identity.changes import AddKey, AdvanceKey
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey
from accredit.store import inserts
from accredit.store.tables import signing_keys
from accredit_sdk.jws import Algorithm


def add(conn: sa.Connection, claims: Sequence[AddKey]) -> list[bool]:
    """Keep every key whose place is free, and tell which."""
    rows = [
        {
            "kid": key.kid,
            "use": key.use.value,
            "algorithm": key.algorithm.value,
            "state": key.state.value,
            "public": key.public,
            "sealed": key.sealed,
            "created_at": key.created_at,
            "gone_at": key.gone_at,
            "active_at": key.active_at,
        }
        for key in (claim.key for claim in claims)
    ]
    return inserts.claim(conn, signing_keys, rows)


def advance(conn: sa.Connection, claims: Sequence[AdvanceKey]) -> list[bool]:
    """Move every key that is in the state it should leave, and whose new place is free; tell which."""
    return [_advance(conn, claim) for claim in claims]


def load(conn: sa.Connection) -> tuple[StoredKey, ...]:
    """Return every key that is still published, oldest first."""
    found = conn.execute(
        sa.select(signing_keys)
        .where(signing_keys.c.state != KeyState.GONE.value)
        .order_by(signing_keys.c.created_at, signing_keys.c.kid)
    )
    return tuple(
        StoredKey(
            kid=row.kid,
            use=KeyUse(row.use),
            algorithm=Algorithm(row.algorithm),
            state=KeyState(row.state),
            public=row.public,
            sealed=row.sealed,
            created_at=row.created_at,
            gone_at=row.gone_at,
            active_at=row.active_at,
        )
        for row in found
    )


def _advance(conn: sa.Connection, claim: AdvanceKey) -> bool:
    update = (
        sa.update(signing_keys)
        .where(signing_keys.c.kid == claim.kid, signing_keys.c.state == claim.before.value)
        .values(
            state=claim.after.value,
            gone_at=claim.gone_at or signing_keys.c.gone_at,
            active_at=claim.active_at or signing_keys.c.active_at,
        )
    )
    if claim.after in (KeyState.UPCOMING, KeyState.ACTIVE):
        other = signing_keys.alias()
        rival = sa.exists().where(
            other.c.kid != claim.kid, other.c.use == signing_keys.c.use, other.c.state == claim.after.value
        )
        update = update.where(sa.not_(rival))
    return conn.execute(update).rowcount == 1
