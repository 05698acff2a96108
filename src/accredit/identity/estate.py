"""Everything that files can describe as it is stored, with its ids and versions, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.identity.agent import Agent
from accredit.identity.application import Application
from accredit.identity.denial import SoftwareDenial
from accredit.identity.group import Group
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.manifest import AgentShape, ApplicationShape, GroupShape, RoleShape, Shape
from accredit.identity.role import Assignment, Role
from accredit.identity.server import Server
from accredit.identity.wanted import shape_of


@dataclass(frozen=True, slots=True)
class Estate:
    """What is there after the signal with the number `seq`; deleted nouns are not.

    `held` goes by holder, `members` by group; all of them are ids. `barred` is the software that is denied.
    """

    seq: int = 0
    servers: tuple[Server, ...] = ()
    roles: tuple[Role, ...] = ()
    agents: tuple[Agent, ...] = ()
    held: Mapping[str, tuple[Assignment, ...]] = field(default_factory=dict)
    applications: tuple[Application, ...] = ()
    groups: tuple[Group, ...] = ()
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    barred: tuple[SoftwareDenial, ...] = ()

    def offices(self) -> frozenset[str]:
        """Return the built-in roles (ids): those that reach a built-in server. No file speaks of them."""
        builtin = {server.id for server in self.servers if server.builtin}
        return frozenset(role.id for role in self.roles if builtin & role.scopes.keys())

    def officers(self) -> frozenset[str]:
        """Return the agents (slugs) that hold an office at the management API."""
        offices = self.offices()
        held = {holder for holder, items in self.held.items() if any(item.role in offices for item in items)}
        return frozenset(agent.client.slug for agent in self.agents if agent.client.id in held)

    def shape(self) -> Shape:
        """Return it as files describe it: by slugs alone. What leads to something deleted is left out."""
        servers = {server.id: server.slug for server in self.servers if not server.builtin}
        offices = self.offices()
        roles = {role.id: role.slug for role in self.roles if role.id not in offices}
        named = self._named()
        return Shape(
            servers={server.slug: shape_of(server) for server in self.servers if not server.builtin},
            roles={role.slug: _role(role, servers) for role in self.roles if role.id in roles},
            agents={
                agent.client.slug: _agent(agent, self.held.get(agent.client.id, ()), roles) for agent in self.agents
            },
            builtin={server.slug: server.resource for server in self.servers if server.builtin},
            applications={
                one.client.slug: _application(one, self.held.get(one.client.id, ()), roles) for one in self.applications
            },
            groups={group.slug: self._group(group, roles, named) for group in self.groups},
        )

    def _named(self) -> dict[str, str]:
        """Return who can be in a group, as people write it, by id."""
        agents = {one.client.id: Holder(HolderKind.AGENT, one.client.slug).render() for one in self.agents}
        kind = HolderKind.APPLICATION
        return agents | {one.client.id: Holder(kind, one.client.slug).render() for one in self.applications}

    def _group(self, group: Group, roles: Mapping[str, str], named: Mapping[str, str]) -> GroupShape:
        inside = self.members.get(group.id, frozenset())
        members = frozenset(named[member] for member in inside if member in named)
        return GroupShape(group.slug, group.name, _ends(self.held.get(group.id, ()), roles), members)


def _role(role: Role, servers: Mapping[str, str]) -> RoleShape:
    carried = {servers[server]: words for server, words in role.scopes.items() if server in servers and words}
    return RoleShape(role.slug, role.name, carried)


def _agent(agent: Agent, held: tuple[Assignment, ...], roles: Mapping[str, str]) -> AgentShape:
    client = agent.client
    return AgentShape(
        slug=client.slug,
        owner=agent.owner,
        name=client.name,
        sponsor=agent.sponsor,
        purpose=agent.purpose,
        expires=client.expires_at,
        state=client.state,
        roles=_ends(held, roles),
    )


def _application(one: Application, held: tuple[Assignment, ...], roles: Mapping[str, str]) -> ApplicationShape:
    client = one.client
    return ApplicationShape(
        slug=client.slug,
        owner=one.owner,
        name=client.name,
        purpose=one.purpose,
        type=one.type,
        redirect_uris=one.redirect_uris,
        software_id=client.software.id if client.software is not None else "",
        software_version=client.software.version if client.software is not None else "",
        expires=client.expires_at,
        state=client.state,
        roles=_ends(held, roles),
    )


def _ends(held: tuple[Assignment, ...], roles: Mapping[str, str]) -> dict[str, int | None]:
    return {roles[item.role]: item.ends_at for item in held if item.role in roles}
