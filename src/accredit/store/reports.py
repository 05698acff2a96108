"""What ends soon, and what nobody uses or answers for: queries over all clients."""

from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.client import ClientKind
from accredit.identity.credential import CredentialState
from accredit.identity.report import Ending, EndingKind, Noticed
from accredit.identity.state import State
from accredit.store.tables import agents, applications, assignments, clients, credential_uses, credentials, roles

_LIVING: Final = clients.c.state != State.DELETED.value
_NEVER: Final = sa.literal(2**62, sa.BigInteger)


def ending(
    conn: sa.Connection, now: int, before: int, most: int, after: tuple[int, str, str], limit: int
) -> tuple[Ending, ...]:
    """Return at most `limit` things that end after `now` and not after `before`, behind `after`, first to end first.

    `most` is how long a credential works at the most, in microseconds; 0 sets no limit.
    """
    found = sa.union_all(_credentials(most), _clients(), _roles()).subquery()
    at, kind, name = after
    behind = sa.or_(
        found.c.ends_at > at,
        sa.and_(found.c.ends_at == at, found.c.what > kind),
        sa.and_(found.c.ends_at == at, found.c.what == kind, found.c.name > name),
    )
    query = (
        sa.select(found)
        .where(found.c.ends_at > now, found.c.ends_at <= before, behind)
        .order_by(found.c.ends_at, found.c.what, found.c.name)
        .limit(limit)
    )
    return tuple(
        Ending(EndingKind(row.what), row.name, ClientKind(row.kind), row.slug, row.ends_at, row.owner)
        for row in conn.execute(query)
    )


def credentials_ending(conn: sa.Connection, now: int, before: int, most: int) -> int:
    """Return how many credentials `ending` would tell of, all pages together."""
    found = _credentials(most).subquery()
    query = sa.select(sa.func.count()).select_from(found).where(found.c.ends_at > now, found.c.ends_at <= before)
    count: int = conn.execute(query).scalar_one()
    return count


def unused(conn: sa.Connection, since: int, after: str, limit: int) -> tuple[Noticed, ...]:
    """Return at most `limit` clients, guards left out, that were there at `since` and got no token from then on."""
    last = sa.func.max(credential_uses.c.last_at)
    query = (
        _noticed(last)
        .where(clients.c.kind != ClientKind.GUARD.value, clients.c.created_at < since)
        .having(sa.func.coalesce(last, 0) < since)
    )
    return _page(conn, query, after, limit)


def orphans(conn: sa.Connection, after: str, limit: int) -> tuple[Noticed, ...]:
    """Return at most `limit` agents that have no sponsor."""
    return _page(conn, _noticed(sa.func.max(credential_uses.c.last_at)).where(agents.c.sponsor == ""), after, limit)


def _credentials(most: int) -> sa.Select[Any]:
    ends: sa.ColumnElement[int] = _earlier(
        sa.func.coalesce(credentials.c.expires_at, _NEVER), sa.func.coalesce(credentials.c.retires_at, _NEVER)
    )
    if most:
        oldest = credentials.c.created_at + sa.literal(most, sa.BigInteger)
        limited = sa.case((clients.c.kind == ClientKind.GUARD.value, _NEVER), else_=oldest)
        ends = _earlier(ends, limited)
    return (
        _columns(EndingKind.CREDENTIAL, credentials.c.id, ends)
        .select_from(_owned(credentials.join(clients, clients.c.id == credentials.c.client)))
        .where(_LIVING, credentials.c.state != CredentialState.REVOKED.value)
    )


def _clients() -> sa.Select[Any]:
    ends = sa.func.coalesce(clients.c.expires_at, _NEVER)
    return _columns(EndingKind.CLIENT, clients.c.id, ends).select_from(_owned(clients)).where(_LIVING)


def _roles() -> sa.Select[Any]:
    held = assignments.join(roles, roles.c.id == assignments.c.role).join(clients, clients.c.id == assignments.c.holder)
    name = roles.c.slug + sa.literal(" ") + clients.c.id
    ends = sa.func.coalesce(assignments.c.ends_at, _NEVER)
    return _columns(EndingKind.ROLE, name, ends).select_from(_owned(held)).where(_LIVING)


def _columns(kind: EndingKind, name: sa.ColumnElement[str], ends: sa.ColumnElement[int]) -> sa.Select[Any]:
    what = sa.literal(kind.value, sa.Text)
    owner = sa.func.coalesce(agents.c.owner, applications.c.owner, "").label("owner")
    return sa.select(
        what.label("what"), name.label("name"), clients.c.kind, clients.c.slug, ends.label("ends_at"), owner
    )


def _owned(found: sa.FromClause) -> sa.FromClause:
    return found.outerjoin(agents, agents.c.client == clients.c.id).outerjoin(
        applications, applications.c.client == clients.c.id
    )


def _earlier(one: sa.ColumnElement[int], other: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.case((one < other, one), else_=other)


def _noticed(last: sa.ColumnElement[int]) -> sa.Select[Any]:
    owner = sa.func.coalesce(agents.c.owner, applications.c.owner)
    columns = (clients.c.id, clients.c.kind, clients.c.slug, clients.c.created_at, owner.label("owner"))
    return (
        sa.select(*columns, last.label("last_at"))
        .select_from(clients)
        .outerjoin(agents, agents.c.client == clients.c.id)
        .outerjoin(applications, applications.c.client == clients.c.id)
        .outerjoin(credentials, credentials.c.client == clients.c.id)
        .outerjoin(credential_uses, credential_uses.c.credential == credentials.c.id)
        .where(_LIVING)
        .group_by(*columns)
    )


def _page(conn: sa.Connection, query: sa.Select[Any], after: str, limit: int) -> tuple[Noticed, ...]:
    page = query.where(clients.c.id > after).order_by(clients.c.id).limit(limit)
    return tuple(
        Noticed(row.id, ClientKind(row.kind), row.slug, row.owner or "", row.created_at, row.last_at)
        for row in conn.execute(page)
    )
