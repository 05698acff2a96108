"""Signing keys at rest. The partial unique indexes let one key per use be upcoming and one be active."""

from collections.abc import Sequence

import sqlalchemy as sa

from accredit.identity.changes import AddKey, AdvanceKey, Reseal
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey
from accredit.store import inserts
from accredit.store.tables import deployment, signing_keys
from accredit.store.webhook_tables import webhooks
from accredit_sdk.jws import Algorithm


def add(conn: sa.Connection, claims: Sequence[AddKey]) -> list[bool]:
    """Keep every key whose place is free, and that the master key of this database opens; tell which."""
    kept = owner(conn) if any(claim.check for claim in claims) else b""
    fitting = [claim for claim in claims if claim.check in (b"", kept)]
    won = dict(zip((claim.key.kid for claim in fitting), _add(conn, fitting), strict=True))
    return [claim in fitting and won.pop(claim.key.kid, False) for claim in claims]


def reseal(conn: sa.Connection, claims: Sequence[Reseal]) -> list[bool]:
    """Let the database belong to another master key if everything is as the claim says, and tell which did."""
    return [_reseal(conn, claim) for claim in claims]


def owner(conn: sa.Connection) -> bytes:
    """Return the check value of the master key that the database belongs to, and keep it so until the commit."""
    found: bytes | None = conn.execute(sa.select(deployment.c.key_check).with_for_update(read=True)).scalar()
    return found or b""


def _reseal(conn: sa.Connection, claim: Reseal) -> bool:
    present = conn.execute(sa.select(deployment.c.key_check).with_for_update()).scalar() or b""
    living = sa.select(signing_keys.c.sealed).where(signing_keys.c.state != KeyState.GONE.value)
    secrets = sa.select(webhooks.c.sealed).order_by(webhooks.c.id).with_for_update()
    places = (
        (signing_keys, claim.sealed, conn.execute(living.order_by(signing_keys.c.kid).with_for_update()).scalars()),
        (webhooks, claim.webhooks, conn.execute(secrets).scalars()),
    )
    if present != claim.before or any(sorted(found) != sorted(dict(pairs)) for _, pairs, found in places):
        return False
    for table, pairs, _ in places:
        change = sa.update(table).where(table.c.sealed == sa.bindparam("before")).values(sealed=sa.bindparam("after"))
        if pairs:
            conn.execute(change, [{"before": before, "after": after} for before, after in pairs])
    conn.execute(sa.update(signing_keys).where(signing_keys.c.state == KeyState.GONE.value).values(sealed=b""))
    conn.execute(sa.update(deployment).values(key_check=claim.after))
    return True


def _add(conn: sa.Connection, claims: Sequence[AddKey]) -> list[bool]:
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
