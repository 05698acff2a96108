"""Credentials of clients."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from accredit.identity.changes import AddCredential, EndCredential, RetireCredential, RevokeCredential
from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit.store import inserts
from accredit.store.tables import credentials


def add(conn: sa.Connection, writes: Sequence[AddCredential]) -> None:
    """Give clients their credentials."""
    inserts.all_rows(conn, credentials, [_row(write.credential) for write in writes])


def retire(conn: sa.Connection, writes: Sequence[RetireCredential]) -> None:
    """Put deadlines on credentials; one that was revoked meanwhile stays so."""
    update = (
        sa.update(credentials)
        .where(credentials.c.id == sa.bindparam("which"), credentials.c.state != CredentialState.REVOKED.value)
        .values(state=CredentialState.RETIRING.value, retires_at=sa.bindparam("deadline"))
    )
    conn.execute(update, [{"which": write.credential, "deadline": write.at} for write in writes])


def revoke(conn: sa.Connection, writes: Sequence[RevokeCredential]) -> None:
    """End credentials for ever; the rows stay."""
    update = (
        sa.update(credentials)
        .where(credentials.c.id == sa.bindparam("which"))
        .values(state=CredentialState.REVOKED.value)
    )
    conn.execute(update, [{"which": write.credential} for write in writes])


def end(conn: sa.Connection, claims: Sequence[EndCredential]) -> list[bool]:
    """End every credential whose time is over, and tell which of them nobody had ended before."""
    return [_end(conn, claim) for claim in claims]


def _end(conn: sa.Connection, claim: EndCredential) -> bool:
    over = sa.or_(credentials.c.expires_at <= claim.now, credentials.c.retires_at <= claim.now)
    update = (
        sa.update(credentials)
        .where(credentials.c.id == claim.credential, credentials.c.state != CredentialState.REVOKED.value, over)
        .values(state=CredentialState.REVOKED.value)
    )
    return conn.execute(update).rowcount == 1


def _row(credential: Credential) -> dict[str, Any]:
    return {
        "id": credential.id,
        "client": credential.client,
        "kind": credential.kind.value,
        "material": credential.material,
        "created_at": credential.created_at,
        "state": credential.state.value,
        "expires_at": credential.expires_at,
        "retires_at": credential.retires_at,
        "created_by": credential.created_by,
    }


def value(client: str, row: Any) -> Credential:
    """Return the credential in a row whose columns are labelled `credential_` and the column's name."""
    return Credential(
        id=row.credential_id,
        client=client,
        kind=CredentialKind(row.credential_kind),
        material=row.credential_material,
        created_at=row.credential_created_at,
        state=CredentialState(row.credential_state),
        expires_at=row.credential_expires_at,
        retires_at=row.credential_retires_at,
        created_by=row.credential_created_by,
    )
