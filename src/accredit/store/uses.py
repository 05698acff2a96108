"""The use of credentials: one row each, written now and then, and what can be told from it."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.changes import NoteUse
from accredit.identity.credential import CredentialState
from accredit.identity.outlook import Holding
from accredit.identity.use import Use
from accredit.store import credentials, inserts
from accredit.store.tables import credential_uses
from accredit.store.tables import credentials as credential_rows

_HELD: Final = sa.select(
    credential_rows.c.client,
    *(column.label(f"credential_{column.name}") for column in credential_rows.c),
    *(column.label(f"use_{column.name}") for column in credential_uses.c),
).outerjoin_from(credential_rows, credential_uses)


def note(conn: sa.Connection, writes: Sequence[NoteUse]) -> None:
    """Keep uses. Whoever was first and whoever was last stays, in whatever order nodes come with what they saw."""
    new = inserts.fresh(conn, credential_uses)
    came, kept = new.excluded, credential_uses.c
    later = came.last_at > kept.last_at
    keep = new.on_conflict_do_update(
        index_elements=[kept.credential],
        set_={
            "first_at": sa.case((came.first_at < kept.first_at, came.first_at), else_=kept.first_at),
            "last_at": sa.case((later, came.last_at), else_=kept.last_at),
            "address": sa.case((later, came.address), else_=kept.address),
            "node": sa.case((later, came.node), else_=kept.node),
        },
    )
    # In one order on all nodes, so that two of them never wait for each other.
    conn.execute(keep, [_row(use) for use in sorted((write.use for write in writes), key=lambda use: use.credential)])


def of_client(conn: sa.Connection, client: str) -> tuple[Holding, ...]:
    """Return every credential that the client with the id `client` ever had, oldest first, with its use."""
    return _holdings(conn, _HELD.where(credential_rows.c.client == client).order_by(credential_rows.c.id))


def over(conn: sa.Connection, now: int, limit: int) -> tuple[Holding, ...]:
    """Return at most `limit` credentials whose time is over at `now` (microseconds UTC), and that are not ended yet."""
    wanted = sa.or_(credential_rows.c.expires_at <= now, credential_rows.c.retires_at <= now)
    alive = credential_rows.c.state != CredentialState.REVOKED.value
    return _holdings(conn, _HELD.where(alive, wanted).order_by(credential_rows.c.id).limit(limit))


def _holdings(conn: sa.Connection, query: sa.Select[Any]) -> tuple[Holding, ...]:
    return tuple(Holding(credentials.value(row.client, row), _use(row)) for row in conn.execute(query))


def _use(row: Any) -> Use | None:
    if row.use_credential is None:
        return None
    return Use(row.use_credential, row.use_first_at, row.use_last_at, row.use_address, row.use_node)


def _row(use: Use) -> dict[str, Any]:
    return {
        "credential": use.credential,
        "first_at": use.first_at,
        "last_at": use.last_at,
        "address": use.address,
        "node": use.node,
    }
