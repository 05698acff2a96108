"""Clients and what belongs to them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.agent import Agent
from accredit.identity.application import Application
from accredit.identity.changes import AddClient, RemoveClient, ReplaceClient, Rest
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import CredentialState
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment
from accredit.identity.software import Software
from accredit.identity.state import State
from accredit.store import agents, applications, client_rows, credentials, inserts, versions
from accredit.store.client_rows import LIVING
from accredit.store.tables import agents as agent_rows
from accredit.store.tables import applications as application_rows
from accredit.store.tables import assignments, client_servers, clients, group_members
from accredit.store.tables import credentials as credential_rows

_GROUPS: Final = (
    sa.select(sa.func.aggregate_strings(group_members.c.group, " "))
    .where(group_members.c.member == clients.c.id)
    .correlate(clients)
    .scalar_subquery()
)
"""The groups that a client is in, as one text: a join would multiply the rows once more."""

_PRINCIPALS: Final = (
    sa.select(
        clients,
        *(column.label(f"credential_{column.name}") for column in credential_rows.c),
        assignments.c.role,
        assignments.c.ends_at,
        client_servers.c.server,
        _GROUPS.label("groups"),
    )
    .outerjoin_from(
        clients,
        credential_rows,
        sa.and_(credential_rows.c.client == clients.c.id, credential_rows.c.state != CredentialState.REVOKED.value),
    )
    .outerjoin(assignments, assignments.c.holder == clients.c.id)
    .outerjoin(client_servers, client_servers.c.client == clients.c.id)
    .where(LIVING)
)
"""A client's rows: each of its few credentials with each of its roles and servers. One round trip for everything."""

_BY_CLIENT_ID: Final = _PRINCIPALS.where(clients.c.client_id == sa.bindparam("of"))


@dataclass(frozen=True, slots=True)
class _Rest:
    """Where what a kind of client has beside its client is kept, and how."""

    table: sa.Table
    row: Callable[[Any], dict[str, Any]]


_RESTS: Final[dict[type, _Rest]] = {
    Agent: _Rest(agent_rows, agents.row),
    Application: _Rest(application_rows, applications.row),
}


def add(conn: sa.Connection, claims: Sequence[AddClient]) -> list[bool]:
    """Register every client whose slug and client_id are free, and tell which. A client_id is never free again."""
    for claim in claims:
        _check(claim.client, claim.rest)
    won = inserts.claim(conn, clients, [client_rows.row(claim.client) for claim in claims])
    registered = [claim for claim, ok in zip(claims, won, strict=True) if ok]
    _write_servers(conn, [claim.client for claim in registered])
    _write_rests(conn, [claim.rest for claim in registered])
    return won


def replace(conn: sa.Connection, claims: Sequence[ReplaceClient]) -> list[bool]:
    """Put every client in the place of its predecessor if that is the stored one, and tell which."""
    if len(claims) == 1 or len({claim.client.id for claim in claims}) < len(claims):
        return [_replace(conn, claim.client, claim.rest) for claim in claims]
    stored = versions.held(conn, clients, [claim.client.id for claim in claims])
    plain = {claim.client.id for claim in claims if _keeps_its_names(stored.get(claim.client.id), claim.client)}
    _replace_all(conn, [claim for claim in claims if claim.client.id in plain])
    return [claim.client.id in plain or _replace(conn, claim.client, claim.rest) for claim in claims]


def remove(conn: sa.Connection, claims: Sequence[RemoveClient]) -> list[bool]:
    """Turn every client whose stored version is the claimed one into a tombstone, and tell which.

    It holds no roles and is in no groups any more.
    """
    stored = {row.id: row.version for row in versions.held(conn, clients, [one.client for one in claims]).values()}
    won = [stored.pop(claim.client, None) == claim.version for claim in claims]
    gone = [{"of": claim.client, "next": claim.version + 1} for claim, ok in zip(claims, won, strict=True) if ok]
    if gone:
        next_version = {"state": State.DELETED.value, "version": sa.bindparam("next")}
        conn.execute(sa.update(clients).where(clients.c.id == sa.bindparam("of")).values(next_version), gone)
        of = [{"of": row["of"]} for row in gone]
        for column in (assignments.c.holder, group_members.c.member):
            conn.execute(sa.delete(column.table).where(column == sa.bindparam("of")), of)
    return won


def principal(conn: sa.Connection, client_id: str) -> Principal | None:
    """Return the client that calls itself `client_id`, with what belongs to it; deleted ones are not found."""
    return next(_principals(conn.execute(_BY_CLIENT_ID, {"of": client_id})), None)


def by_slug(conn: sa.Connection, kind: ClientKind, slug: str) -> Principal | None:
    """Return the client of that kind and slug, with what belongs to it."""
    wanted = _PRINCIPALS.where(clients.c.kind == kind.value, clients.c.slug == slug)
    return next(_principals(conn.execute(wanted)), None)


def holders(conn: sa.Connection, role: str) -> tuple[Principal, ...]:
    """Return every living client that holds the role (an id), also through a group, with what belongs to it."""
    held = sa.select(assignments.c.holder).where(assignments.c.role == role)
    through = sa.select(group_members.c.member).where(group_members.c.group.in_(held))
    wanted = _PRINCIPALS.where(sa.or_(clients.c.id.in_(held), clients.c.id.in_(through)))
    return tuple(_principals(conn.execute(wanted.order_by(clients.c.id))))


def of_software(conn: sa.Connection, software: Software) -> tuple[Principal, ...]:
    """Return every living client of the software, with what belongs to it, by kind and slug."""
    wanted = _PRINCIPALS.where(clients.c.software_id == software.id)
    if software.version:
        wanted = wanted.where(clients.c.software_version == software.version)
    return tuple(_principals(conn.execute(wanted.order_by(clients.c.kind, clients.c.slug))))


def members(conn: sa.Connection, group: str) -> tuple[Principal, ...]:
    """Return every living client that is in the group (an id), with what belongs to it, by kind and slug."""
    inside = sa.select(group_members.c.member).where(group_members.c.group == group)
    wanted = _PRINCIPALS.where(clients.c.id.in_(inside)).order_by(clients.c.kind, clients.c.slug)
    return tuple(_principals(conn.execute(wanted)))


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
        .where(clients.c.kind == kind.value, clients.c.slug > after, LIVING, *where)
        .order_by(clients.c.slug)
        .limit(limit)
    )
    wanted = _PRINCIPALS.where(clients.c.id.in_(page)).order_by(clients.c.slug)
    return tuple(_principals(conn.execute(wanted)))


def _check(client: Client, rest: Rest | None) -> None:
    if rest is not None and rest.client != client:
        raise ValueError("what belongs to a client is of another one")


def _write_rests(conn: sa.Connection, rests: Iterable[Rest | None]) -> None:
    found = [rest for rest in rests if rest is not None]
    for kind, noun in _RESTS.items():
        inserts.all_rows(conn, noun.table, [noun.row(rest) for rest in found if type(rest) is kind])


def _write_servers(conn: sa.Connection, written: Sequence[Client]) -> None:
    rows = [{"client": client.id, "server": server} for client in written for server in sorted(client.servers)]
    inserts.all_rows(conn, client_servers, rows)


def _replace(conn: sa.Connection, client: Client, rest: Rest | None) -> bool:
    _check(client, rest)
    other = clients.alias()
    rival = sa.exists().where(
        other.c.id != client.id,
        other.c.kind == client.kind.value,
        other.c.slug == client.slug,
        other.c.state != State.DELETED.value,
    )
    update = (
        sa.update(clients)
        .where(clients.c.id == client.id, clients.c.version == client.version - 1, LIVING, sa.not_(rival))
        .where(clients.c.client_id == client.client_id, clients.c.kind == client.kind.value)
        .values(client_rows.row(client))
    )
    if conn.execute(update).rowcount != 1:
        return False
    if client.kind is ClientKind.GUARD:
        conn.execute(sa.delete(client_servers).where(client_servers.c.client == client.id))
        _write_servers(conn, [client])
    if rest is not None:
        noun = _RESTS[type(rest)]
        conn.execute(sa.update(noun.table).where(noun.table.c.client == client.id).values(noun.row(rest)))
    return True


def _keeps_its_names(row: Any, client: Client) -> bool:
    """Tell whether `client` follows on the stored row and can have no rival, because every name is as it was."""
    if row is None or client.kind is ClientKind.GUARD:
        return False
    names = (row.slug, row.client_id, row.kind, row.version)
    return names == (client.slug, client.client_id, client.kind.value, client.version - 1)


def _replace_all(conn: sa.Connection, claims: Sequence[ReplaceClient]) -> None:
    """Write clients of which each is held and known to win."""
    for claim in claims:
        _check(claim.client, claim.rest)
    _update_all(conn, clients, clients.c.id, [client_rows.row(claim.client) for claim in claims])
    rests = [claim.rest for claim in claims if claim.rest is not None]
    for kind, noun in _RESTS.items():
        _update_all(conn, noun.table, noun.table.c.client, [noun.row(rest) for rest in rests if type(rest) is kind])


def _update_all(conn: sa.Connection, table: sa.Table, key: sa.Column[Any], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in rows[0]}
        written = [{"of": row[key.name], **{f"new_{name}": value for name, value in row.items()}} for row in rows]
        conn.execute(sa.update(table).where(key == sa.bindparam("of")).values(values), written)


def _principals(rows: Iterable[Any]) -> Iterator[Principal]:
    """Put the rows of each client together again."""
    for _, group in groupby(rows, key=lambda row: row.id):
        yield _principal(list(group))


def _principal(rows: Sequence[Any]) -> Principal:
    first = rows[0]
    held = {row.role: Assignment(row.role, first.id, row.ends_at) for row in rows if row.role is not None}
    owned = {row.credential_id: row for row in rows if row.credential_id is not None}
    return Principal(
        client=client_rows.value(first, frozenset(row.server for row in rows if row.server is not None)),
        credentials=tuple(credentials.value(first.id, owned[key]) for key in sorted(owned)),
        assignments=tuple(held[key] for key in sorted(held)),
        groups=frozenset((first.groups or "").split()),
    )
