"""Groups, what they hold, and who is in them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from accredit.identity.changes import AddGroup, AddMember, RemoveGroup, RemoveMember, ReplaceGroup
from accredit.identity.group import Group
from accredit.identity.role import Assignment
from accredit.store import inserts
from accredit.store.tables import assignments, group_members, groups


def add(conn: sa.Connection, claims: Sequence[AddGroup]) -> list[bool]:
    """Create every group whose slug is free, and tell which."""
    return inserts.claim(conn, groups, [_row(claim.group) for claim in claims])


def replace(conn: sa.Connection, claims: Sequence[ReplaceGroup]) -> list[bool]:
    """Put every group in the place of its predecessor if that is the stored one, and tell which."""
    return [_replace(conn, claim.group) for claim in claims]


def remove(conn: sa.Connection, claims: Sequence[RemoveGroup]) -> list[bool]:
    """Drop every group whose stored version is the claimed one, with what it holds, and tell which."""
    return [_remove(conn, claim) for claim in claims]


def join(conn: sa.Connection, writes: Sequence[AddMember]) -> None:
    """Put members into groups."""
    rows = [{"member": write.member, "group": write.group} for write in writes]
    conn.execute(inserts.fresh(conn, group_members).on_conflict_do_nothing(), rows)


def leave(conn: sa.Connection, writes: Sequence[RemoveMember]) -> None:
    """Take members out of groups."""
    delete = sa.delete(group_members).where(
        group_members.c.member == sa.bindparam("who"), group_members.c.group == sa.bindparam("what")
    )
    conn.execute(delete, [{"who": write.member, "what": write.group} for write in writes])


def load(conn: sa.Connection) -> tuple[Group, ...]:
    """Return all groups by slug, with what they hold."""
    held: dict[str, list[Assignment]] = defaultdict(list)
    rows = sa.select(assignments).join(groups, groups.c.id == assignments.c.holder).order_by(assignments.c.role)
    for row in conn.execute(rows):
        held[row.holder].append(Assignment(row.role, row.holder, row.ends_at))
    return tuple(
        Group(row.id, row.slug, row.name, row.created_at, row.version, tuple(held[row.id]))
        for row in conn.execute(sa.select(groups).order_by(groups.c.slug))
    )


def memberships(conn: sa.Connection) -> dict[str, frozenset[str]]:
    """Return the members (ids) of every group, by its id."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in conn.execute(sa.select(group_members)):
        found[row.group].add(row.member)
    return {group: frozenset(members) for group, members in found.items()}


def _row(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "slug": group.slug,
        "name": group.name,
        "created_at": group.created_at,
        "version": group.version,
    }


def _replace(conn: sa.Connection, group: Group) -> bool:
    other = groups.alias()
    rival = sa.exists().where(other.c.id != group.id, other.c.slug == group.slug)
    update = (
        sa.update(groups)
        .where(groups.c.id == group.id, groups.c.version == group.version - 1, sa.not_(rival))
        .values(_row(group))
    )
    return conn.execute(update).rowcount == 1


def _remove(conn: sa.Connection, claim: RemoveGroup) -> bool:
    there = sa.select(groups.c.id).where(groups.c.id == claim.group, groups.c.version == claim.version)
    if conn.execute(there.with_for_update()).one_or_none() is None:
        return False
    for column in (assignments.c.holder, group_members.c.group, groups.c.id):
        conn.execute(sa.delete(column.table).where(column == claim.group))
    return True
