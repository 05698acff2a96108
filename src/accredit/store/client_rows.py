"""The row of a client: what every kind of client has."""

from typing import Any, Final

from accredit.identity.client import Client, ClientKind
from accredit.identity.software import Software
from accredit.identity.state import State
from accredit.store.tables import clients

LIVING: Final = clients.c.state != State.DELETED.value
"""The clients that are no tombstones."""


def row(client: Client) -> dict[str, Any]:
    """Return the row of `client`."""
    return {
        "id": client.id,
        "client_id": client.client_id,
        "kind": client.kind.value,
        "slug": client.slug,
        "name": client.name,
        "created_at": client.created_at,
        "state": client.state.value,
        "expires_at": client.expires_at,
        "version": client.version,
        "software_id": client.software.id if client.software is not None else "",
        "software_version": client.software.version if client.software is not None else "",
    }


def value(row: Any, servers: frozenset[str] = frozenset()) -> Client:
    """Return the client in `row`."""
    return Client(
        id=row.id,
        client_id=row.client_id,
        kind=ClientKind(row.kind),
        slug=row.slug,
        name=row.name,
        created_at=row.created_at,
        state=State(row.state),
        expires_at=row.expires_at,
        servers=servers,
        version=row.version,
        software=Software(row.software_id, row.software_version) if row.software_id else None,
    )
