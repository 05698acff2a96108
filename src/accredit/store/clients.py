"""Clients, what belongs to them, and the rest of an agent."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.agent import Agent
from accredit.identity.changes import AddClient, RemoveClient, ReplaceClient
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import CredentialState
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment
from accredit.identity.state import State
from accredit.store import credentials, inserts, versions
from accredit.store.tables import agents, assignments, client_servers, clients
from accredit.store.tables import credentials as credential_rows

_LIVING: Final = clients.c.state != State.DELETED.value

_PRINCIPALS: Final = (
    sa.select(
        clients,
        *(column.label(f"credential_{column.name}") for column in credential_rows.c),
        assignments.c.role,
        assignments.c.ends_at,
        client_servers.c.server,
    )
    .outerjoin_from(
        clients,
        credential_rows,
        sa.and_(credential_rows.c.client == clients.c.id, credential_rows.c.state != CredentialState.REVOKED.value),
    )
    .outerjoin(assignments, assignments.c.holder == clients.c.id)
    .outerjoin(client_servers, client_servers.c.client == clients.c.id)
    .where(_LIVING)
)
"""A client's rows: each of its few credentials with each of its roles and servers. One round trip for everything."""

_BY_CLIENT_ID: Final = _PRINCIPALS.where(clients.c.client_id == sa.bindparam("of"))
_AGENTS: Final = sa.select(clients, agents.c.owner, agents.c.sponsor, agents.c.purpose).join(agents).where(_LIVING)


def add(conn: sa.Connection, claims: Sequence[AddClient]) -> list[bool]:
    """Register every client whose slug and client_id are free, and tell which. A client_id is never free again."""
    won = inserts.claim(conn, clients, [_row(claim.client) for claim in claims])
    registered = [claim for claim, ok in zip(claims, won, strict=True) if ok]
    _write_servers(conn, [claim.client for claim in registered])
    inserts.all_rows(conn, agents, [_agent_row(claim.client, claim.agent) for claim in registered if claim.agent])
    return won


def replace(conn: sa.Connection, claims: Sequence[ReplaceClient]) -> list[bool]:
    """Put every client in the place of its predecessor if that is the stored one, and tell which."""
    if len(claims) == 1 or len({claim.client.id for claim in claims}) < len(claims):
        return [_replace(conn, claim.client, claim.agent) for claim in claims]
    stored = versions.held(conn, clients, [claim.client.id for claim in claims])
    plain = {claim.client.id for claim in claims if _keeps_its_names(stored.get(claim.client.id), claim.client)}
    _replace_all(conn, [claim for claim in claims if claim.client.id in plain])
    return [claim.client.id in plain or _replace(conn, claim.client, claim.agent) for claim in claims]


def remove(conn: sa.Connection, claims: Sequence[RemoveClient]) -> list[bool]:
    """Turn every client whose stored version is the claimed one into a tombstone without roles, and tell which."""
    stored = {row.id: row.version for row in versions.held(conn, clients, [one.client for one in claims]).values()}
    won = [stored.pop(claim.client, None) == claim.version for claim in claims]
    gone = [{"of": claim.client, "next": claim.version + 1} for claim, ok in zip(claims, won, strict=True) if ok]
    if gone:
        next_version = {"state": State.DELETED.value, "version": sa.bindparam("next")}
        conn.execute(sa.update(clients).where(clients.c.id == sa.bindparam("of")).values(next_version), gone)
        conn.execute(sa.delete(assignments).where(assignments.c.holder == sa.bindparam("of")), _only(gone, "of"))
    return won


def principal(conn: sa.Connection, client_id: str) -> Principal | None:
    """Return the client that calls itself `client_id`, with what belongs to it; deleted ones are not found."""
    return next(_principals(conn.execute(_BY_CLIENT_ID, {"of": client_id})), None)


def by_slug(conn: sa.Connection, kind: ClientKind, slug: str) -> Principal | None:
    """Return the client of that kind and slug, with what belongs to it."""
    wanted = _PRINCIPALS.where(clients.c.kind == kind.value, clients.c.slug == slug)
    return next(_principals(conn.execute(wanted)), None)


def holders(conn: sa.Connection, role: str) -> tuple[Principal, ...]:
    """Return every living client that holds the role (an id), with what belongs to it."""
    held = sa.select(assignments.c.holder).where(assignments.c.role == role)
    return tuple(_principals(conn.execute(_PRINCIPALS.where(clients.c.id.in_(held)))))


def agents_with(conn: sa.Connection, roles: Sequence[str], after: str, limit: int) -> tuple[Principal, ...]:
    """Return at most `limit` agents that hold one of `roles` (ids), whose slug sorts after `after`, by slug."""
    holding = sa.select(assignments.c.holder).where(assignments.c.role.in_(roles))
    return _page(conn, ClientKind.AGENT, after, limit, clients.c.id.in_(holding))


def guards(conn: sa.Connection, after: str, limit: int) -> tuple[Principal, ...]:
    """Return at most `limit` guards whose slug sorts after `after`, by slug."""
    return _page(conn, ClientKind.GUARD, after, limit)


def _page(
    conn: sa.Connection, kind: ClientKind, after: str, limit: int, *where: sa.ColumnElement[bool]
) -> tuple[Principal, ...]:
    page = (
        sa.select(clients.c.id)
        .where(clients.c.kind == kind.value, clients.c.slug > after, _LIVING, *where)
        .order_by(clients.c.slug)
        .limit(limit)
    )
    wanted = _PRINCIPALS.where(clients.c.id.in_(page)).order_by(clients.c.slug)
    return tuple(_principals(conn.execute(wanted)))


def agent(conn: sa.Connection, client: str) -> Agent | None:
    """Return the agent whose client has the id `client`."""
    row = conn.execute(_AGENTS.where(clients.c.id == client)).one_or_none()
    return None if row is None else _agent(row)


def agent_page(conn: sa.Connection, after: str, limit: int) -> tuple[Agent, ...]:
    """Return at most `limit` agents whose slug sorts after `after`, by slug."""
    page = (
        _AGENTS.where(clients.c.kind == ClientKind.AGENT.value, clients.c.slug > after)
        .order_by(clients.c.slug)
        .limit(limit)
    )
    return tuple(_agent(row) for row in conn.execute(page))


def all_agents(conn: sa.Connection) -> tuple[Agent, ...]:
    """Return every agent, by slug."""
    return tuple(_agent(row) for row in conn.execute(_AGENTS.order_by(clients.c.slug)))


def _row(client: Client) -> dict[str, Any]:
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
    }


def _agent_row(client: Client, value: Agent) -> dict[str, Any]:
    if value.client != client:
        raise ValueError("the agent is of another client")
    return {"client": client.id, "owner": value.owner, "sponsor": value.sponsor, "purpose": value.purpose}


def _write_servers(conn: sa.Connection, written: Sequence[Client]) -> None:
    rows = [{"client": client.id, "server": server} for client in written for server in sorted(client.servers)]
    inserts.all_rows(conn, client_servers, rows)


def _replace(conn: sa.Connection, client: Client, value: Agent | None) -> bool:
    other = clients.alias()
    rival = sa.exists().where(
        other.c.id != client.id,
        other.c.kind == client.kind.value,
        other.c.slug == client.slug,
        other.c.state != State.DELETED.value,
    )
    update = (
        sa.update(clients)
        .where(clients.c.id == client.id, clients.c.version == client.version - 1, _LIVING, sa.not_(rival))
        .where(clients.c.client_id == client.client_id, clients.c.kind == client.kind.value)
        .values(_row(client))
    )
    if conn.execute(update).rowcount != 1:
        return False
    if client.kind is ClientKind.GUARD:
        conn.execute(sa.delete(client_servers).where(client_servers.c.client == client.id))
        _write_servers(conn, [client])
    if value is not None:
        row = _agent_row(client, value)
        conn.execute(sa.update(agents).where(agents.c.client == client.id).values(row))
    return True


def _keeps_its_names(row: Any, client: Client) -> bool:
    """Tell whether `client` follows on the stored row and can have no rival, because every name is as it was."""
    if row is None or client.kind is ClientKind.GUARD:
        return False
    names = (row.slug, row.client_id, row.kind, row.version)
    return names == (client.slug, client.client_id, client.kind.value, client.version - 1)


def _replace_all(conn: sa.Connection, claims: Sequence[ReplaceClient]) -> None:
    """Write clients of which each is held and known to win."""
    rows = [{"of": claim.client.id, **_new(_row(claim.client))} for claim in claims]
    people = [{"of": claim.client.id, **_new(_agent_row(claim.client, claim.agent))} for claim in claims if claim.agent]
    for table, key, written in ((clients, clients.c.id, rows), (agents, agents.c.client, people)):
        if written:
            names = [name.removeprefix("new_") for name in written[0] if name != "of"]
            values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
            conn.execute(sa.update(table).where(key == sa.bindparam("of")).values(values), written)


def _only(rows: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{name: row[name]} for row in rows]


def _new(row: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in row.items()}


def _principals(rows: Iterable[Any]) -> Iterator[Principal]:
    """Put the rows of each client together again."""
    for _, group in groupby(rows, key=lambda row: row.id):
        yield _principal(list(group))


def _principal(rows: Sequence[Any]) -> Principal:
    first = rows[0]
    held = {row.role: Assignment(row.role, first.id, row.ends_at) for row in rows if row.role is not None}
    owned = {row.credential_id: row for row in rows if row.credential_id is not None}
    return Principal(
        client=_client(first, frozenset(row.server for row in rows if row.server is not None)),
        credentials=tuple(credentials.value(first.id, owned[key]) for key in sorted(owned)),
        assignments=tuple(held[key] for key in sorted(held)),
    )


def _client(row: Any, servers: frozenset[str] = frozenset()) -> Client:
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
    )


def _agent(row: Any) -> Agent:
    return Agent(client=_client(row), owner=row.owner, sponsor=row.sponsor, purpose=row.purpose)
