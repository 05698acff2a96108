"""What applications have beside their client: owner, purpose, type and redirect URIs."""

from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.application import Application, ClientType
from accredit.identity.client import ClientKind
from accredit.store import client_rows
from accredit.store.client_rows import LIVING
from accredit.store.tables import applications, clients

_APPLICATIONS: Final = (
    sa.select(clients, *(column for column in applications.c if column.name != "client"))
    .join(applications)
    .where(LIVING)
)


def row(application: Application) -> dict[str, Any]:
    """Return the row of `application` beside that of its client. A redirect URI holds no space."""
    return {
        "client": application.client.id,
        "owner": application.owner,
        "purpose": application.purpose,
        "type": application.type.value,
        "redirect_uris": " ".join(sorted(application.redirect_uris)),
    }


def one(conn: sa.Connection, client: str) -> Application | None:
    """Return the application whose client has the id `client`."""
    found = conn.execute(_APPLICATIONS.where(clients.c.id == client)).one_or_none()
    return None if found is None else _value(found)


def page(conn: sa.Connection, after: str, limit: int) -> tuple[Application, ...]:
    """Return at most `limit` applications whose slug sorts after `after`, by slug."""
    wanted = _APPLICATIONS.where(clients.c.kind == ClientKind.APPLICATION.value, clients.c.slug > after)
    return tuple(_value(found) for found in conn.execute(wanted.order_by(clients.c.slug).limit(limit)))


def everyone(conn: sa.Connection) -> tuple[Application, ...]:
    """Return every application, by slug."""
    return tuple(_value(found) for found in conn.execute(_APPLICATIONS.order_by(clients.c.slug)))


def _value(found: Any) -> Application:
    return Application(
        client=client_rows.value(found),
        owner=found.owner,
        purpose=found.purpose,
        type=ClientType(found.type),
        redirect_uris=frozenset(found.redirect_uris.split()),
    )
