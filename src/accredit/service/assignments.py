"""The roles that an agent or an application is registered with, or is to hold from now on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from accredit.identity.changes import Assign, Signal, Unassign, Write
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment
from accredit.service.directory import Directory
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.service.reductions import reductions

Ends = Mapping[str, int | None]
"""Roles by slug, each with the end of its assignment (microseconds UTC) or None."""


@dataclass(frozen=True, slots=True)
class Reassigned:
    """What it takes that somebody holds other roles: what is written, and what guards must take from tokens."""

    writes: tuple[Write, ...] = ()
    signals: tuple[Signal, ...] = ()


def own_roles(directory: Directory, holder: Principal) -> dict[str, int | None]:
    """Return the roles that were assigned to `holder` itself, but for built-in ones."""
    ends = {item.role: item.ends_at for item in holder.assignments}
    return {role.slug: ends[role.id] for role in directory.roles() if role.id in ends}


def reassigned(directory: Directory, holder: Principal, wanted: Ends, now: int) -> Reassigned:
    """Return what gives `holder` the roles that are `wanted` and no others; built-in ones stay. Raises Problem."""
    known = {item.role: item.ends_at for item in holder.assignments}
    ids = {_role(directory, name): end for name, end in wanted.items()}
    for role, end in ids.items():
        if end is not None and end <= now and end != known.get(role):
            raise Problem(ProblemCode.INVALID, "the end of an assignment must lie in the future")
    offices = {role.id for role in directory.builtin_roles()}
    gone = [role for role in known if role not in ids and role not in offices]
    given = [Assignment(role, holder.client.id, end) for role, end in ids.items() if (role, end) not in known.items()]
    kept = [item for item in holder.assignments if item.role in offices or (item.role, item.ends_at) in ids.items()]
    after = replace(holder, assignments=(*kept, *given))
    less = reductions(holder.client.id, directory.held(holder), directory.held(after), now)
    writes: list[Write] = [Unassign(role, holder.client.id) for role in gone]
    writes += [Assign(one) for one in given]
    return Reassigned(tuple(writes), tuple(less))


def _role(directory: Directory, name: str) -> str:
    role = directory.role(name)
    if role is None:
        raise not_found("role", name)
    return role.id
