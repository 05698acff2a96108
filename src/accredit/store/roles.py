"""Roles with their scopes, and who holds them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from accredit.identity.changes import AddRole, Assign, RemoveRole, ReplaceRole, Unassign
from accredit.identity.role import Assignment, Role
from accredit.store import inserts
from accredit.store.tables import assignments, role_scopes, roles


def add(conn: sa.Connection, claims: Sequence[AddRole]) -> list[bool]:
    """Create every role whose slug is free, and tell which."""
    won = inserts.claim(conn, roles, [_row(claim.role) for claim in claims])
    _write_scopes(conn, [claim.role for claim, ok in zip(claims, won, strict=True) if ok])
    return won


def replace(conn: sa.Connection, claims: Sequence[ReplaceRole]) -> list[bool]:
    """Put every role in the place of its predecessor if that is the stored one, and tell which."""
    return [_replace(conn, claim.role) for claim in claims]


def remove(conn: sa.Connection, claims: Sequence[RemoveRole]) -> list[bool]:
    """Drop every role whose stored version is the claimed one, with its assignments, and tell which."""
    return [_remove(conn, claim) for claim in claims]


def assign(conn: sa.Connection, writes: Sequence[Assign]) -> None:
    """Give every role to its holder; who has it already gets the new end."""
    insert = inserts.fresh(conn, assignments)
    upsert = insert.on_conflict_do_update(
        index_elements=[assignments.c.holder, assignments.c.role], set_={"ends_at": insert.excluded.ends_at}
    )
    rows = [write.assignment for write in writes]
    conn.execute(upsert, [{"holder": row.holder, "role": row.role, "ends_at": row.ends_at} for row in rows])


def unassign(conn: sa.Connection, writes: Sequence[Unassign]) -> None:
    """Take every role from its holder."""
    delete = sa.delete(assignments).where(
        assignments.c.holder == sa.bindparam("of"), assignments.c.role == sa.bindparam("what")
    )
    conn.execute(delete, [{"of": write.holder, "what": write.role} for write in writes])


def load(conn: sa.Connection) -> tuple[Role, ...]:
    """Return all roles by slug."""
    scopes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in conn.execute(sa.select(role_scopes)):
        scopes[row.role][row.server].add(row.word)
    return tuple(
        Role(
            id=row.id,
            slug=row.slug,
            name=row.name,
            scopes={server: frozenset(words) for server, words in scopes[row.id].items()},
            created_at=row.created_at,
            version=row.version,
        )
        for row in conn.execute(sa.select(roles).order_by(roles.c.slug))
    )


def held(conn: sa.Connection) -> dict[str, tuple[Assignment, ...]]:
    """Return every assignment, by the id of its holder."""
    found: dict[str, list[Assignment]] = defaultdict(list)
    for row in conn.execute(sa.select(assignments)):
        found[row.holder].append(Assignment(row.role, row.holder, row.ends_at))
    return {holder: tuple(items) for holder, items in found.items()}


def _row(role: Role) -> dict[str, Any]:
    return {
        "id": role.id,
        "slug": role.slug,
        "name": role.name,
        "created_at": role.created_at,
        "version": role.version,
    }


def _replace(conn: sa.Connection, role: Role) -> bool:
    other = roles.alias()
    rival = sa.exists().where(other.c.id != role.id, other.c.slug == role.slug)
    update = (
        sa.update(roles)
        .where(roles.c.id == role.id, roles.c.version == role.version - 1, sa.not_(rival))
        .values(_row(role))
    )
    if conn.execute(update).rowcount != 1:
        return False
    conn.execute(sa.delete(role_scopes).where(role_scopes.c.role == role.id))
    _write_scopes(conn, [role])
    return True


def _remove(conn: sa.Connection, claim: RemoveRole) -> bool:
    there = sa.select(roles.c.id).where(roles.c.id == claim.role, roles.c.version == claim.version).with_for_update()
    if conn.execute(there).one_or_none() is None:
        return False
    for column in (assignments.c.role, role_scopes.c.role, roles.c.id):
        conn.execute(sa.delete(column.table).where(column == claim.role))
    return True


def _write_scopes(conn: sa.Connection, written: Sequence[Role]) -> None:
    rows = [
        {"role": role.id, "server": server, "word": word}
        for role in written
        for server, words in role.scopes.items()
        for word in sorted(words)
    ]
    inserts.all_rows(conn, role_scopes, rows)
