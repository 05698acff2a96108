"""What agents may do no longer once one state has become another: what guards must take from tokens that are out."""

from collections.abc import Iterator
from dataclasses import dataclass

from accredit.identity.manifest import AgentShape, Shape
from accredit.identity.role import HeldRole, Role, ceiling
from accredit_sdk import scopes as words


@dataclass(frozen=True, slots=True)
class Loss:
    """An agent may do less on a server (slugs) than before: `left` is all that its roles carry there now."""

    agent: str
    server: str
    left: frozenset[str]


def losses(before: Shape, after: Shape, now: int) -> Iterator[Loss]:
    """Yield what the agents that stay lose at `now` (microseconds UTC) on the servers that stay."""
    for slug, agent in before.agents.items():
        if slug in after.agents:
            yield from _of_one(agent, after.agents[slug], before, after, now)


def _of_one(old: AgentShape, new: AgentShape, before: Shape, after: Shape, now: int) -> Iterator[Loss]:
    if old.roles == new.roles and all(before.roles[name] == after.roles[name] for name in old.roles):
        return
    had, has = _held(old, before), _held(new, after)
    reached = {server for item in had for server in item.role.scopes}
    for server in sorted(reached & after.servers.keys()):
        left = ceiling(has, server, now)
        if words.missing(left, ceiling(had, server, now)):
            yield Loss(old.slug, server, left)


def _held(agent: AgentShape, shape: Shape) -> list[HeldRole]:
    """Return the roles of an agent with slugs for ids."""
    roles = ((shape.roles[name], end) for name, end in agent.roles.items())
    return [HeldRole(Role(role.slug, role.slug, role.name, role.scopes, 0), end) for role, end in roles]
