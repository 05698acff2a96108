"""Who may do what: one line for each operation of the management API, and the one place where it is asked.

An operation that has no line here cannot be served.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request

from accredit.identity.client import ClientKind
from accredit.identity.group import Group
from accredit.identity.management import Authority, Need, step_up
from accredit.service.directory import Directory
from accredit.web.api.routes import services_of
from accredit.web.api.services import Services

Concerned = Callable[[Services, Mapping[str, str]], Awaitable[frozenset[str]]]
"""Finds the ids of the servers that a request concerns, from the names in its path."""

UNKNOWN: Final = frozenset({"srv_unknown"})
"""Stands for a server, a role or a guard that does not exist: nobody but an administrator gets to hear that."""


class NotPermitted(Exception):
    """The caller may not do this; `need` says what it takes, `scope` what to ask for (RFC 6750, 3.1), or None."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.value)
        self.need = need
        self.scope = step_up(need)


@dataclass(frozen=True, slots=True)
class Rule:
    """What an operation needs, and which servers it concerns. `checked` marks those that look at the body, too."""

    need: Need
    concerned: Concerned | None = None
    checked: bool = False


async def the_server(services: Services, names: Mapping[str, str]) -> frozenset[str]:
    """Return the server in the path."""
    found = services.directory.server(names.get("server") or names["slug"])
    return frozenset({found.id}) if found is not None else UNKNOWN


async def the_role(services: Services, names: Mapping[str, str]) -> frozenset[str]:
    """Return every server in the role, and the one in the path, if any."""
    role = services.directory.role(names["slug"])
    servers = frozenset(role.scopes) if role is not None else UNKNOWN
    return servers | (await the_server(services, names) if "server" in names else frozenset())


def reach(directory: Directory, group: Group) -> frozenset[str]:
    """Return every server in the roles of a group, whether they count now or not."""
    return frozenset(server for item in directory.held_by(group) for server in item.role.scopes)


async def the_group(services: Services, names: Mapping[str, str]) -> frozenset[str]:
    """Return every server in the roles of the group: whoever lets somebody in gives these roles."""
    found = services.directory.group(names["slug"])
    return reach(services.directory, found) if found is not None else UNKNOWN


async def the_guard(services: Services, names: Mapping[str, str]) -> frozenset[str]:
    """Return the servers that the guard speaks for."""
    found = await services.clients.by_slug(ClientKind.GUARD, names["slug"])
    return found.client.servers if found is not None else UNKNOWN


_EVERYTHING: Final = Rule(Need.EVERYTHING)
_LOOK: Final = Rule(Need.LOOK)
_OWN: Final = Rule(Need.OWN)
_LOCAL: Final = Rule(Need.LOCAL)
_SERVER: Final = Rule(Need.SERVERS, the_server)
_ROLE: Final = Rule(Need.SERVERS, the_role)
_GROUP: Final = Rule(Need.SERVERS, the_group, checked=True)
_GUARD: Final = Rule(Need.SERVERS, the_guard)

OPERATIONS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "administrators.list_administrators": _LOOK,
        "administrators.show": _LOOK,
        "administrators.name": _LOCAL,
        "administrators.dismiss": _LOCAL,
        "agents.list_agents": _LOOK,
        "agents.add": _EVERYTHING,
        "agents.show": _LOOK,
        "agents.edit": Rule(Need.EVERYTHING, checked=True),
        "agents.remove": _EVERYTHING,
        "agents.revoke": _EVERYTHING,
        "agents.suspend": _EVERYTHING,
        "agents.resume": Rule(Need.EVERYTHING, checked=True),
        "agents.list_credentials": _LOOK,
        "agents.add_credential": Rule(Need.EVERYTHING, checked=True),
        "agents.rotate_credential": Rule(Need.EVERYTHING, checked=True),
        "agents.retire_credential": Rule(Need.EVERYTHING, checked=True),
        "agents.revoke_credential": _EVERYTHING,
        "applications.list_applications": _LOOK,
        "applications.add": _EVERYTHING,
        "applications.show": _LOOK,
        "applications.edit": _EVERYTHING,
        "applications.remove": _EVERYTHING,
        "applications.revoke": _EVERYTHING,
        "applications.suspend": _EVERYTHING,
        "applications.resume": _EVERYTHING,
        "applications.list_credentials": _LOOK,
        "applications.rotate_credential": Rule(Need.EVERYTHING, checked=True),
        "applications.add_credential": Rule(Need.EVERYTHING, checked=True),
        "applications.retire_credential": Rule(Need.EVERYTHING, checked=True),
        "applications.revoke_credential": _EVERYTHING,
        "audit.search": Rule(Need.OWN, checked=True),
        "proofs.verify": _LOOK,
        "proofs.export": _LOOK,
        "audit.explain": Rule(Need.OWN, checked=True),
        "archives.archive": _EVERYTHING,
        "redactions.redact": _EVERYTHING,
        "reindexings.reindex": _EVERYTHING,
        "checkpoints.list_checkpoints": _LOOK,
        "checkpoints.keys": _LOOK,
        "decisions.find": Rule(Need.OWN, checked=True),
        "denials.deny": _SERVER,
        "denials.lift": _SERVER,
        "files.export": _LOOK,
        "files.plan": _LOOK,
        "files.apply": Rule(Need.EVERYTHING, checked=True),
        "groups.list_groups": _LOOK,
        "groups.add": _EVERYTHING,
        "groups.show": _LOOK,
        "groups.remove": _EVERYTHING,
        "groups.let_in": _GROUP,
        "groups.let_out": _GROUP,
        "guards.list_guards": _OWN,
        "guards.suspend": _GUARD,
        "guards.resume": _GUARD,
        "keys.list_keys": _LOOK,
        "keys.rotate": _EVERYTHING,
        "keys.withdraw": _EVERYTHING,
        "questions.ask": Rule(Need.LOOK_AT_SERVERS, the_server),
        "reports.expiring": _LOOK,
        "reports.unused_clients": _LOOK,
        "reports.orphans": _LOOK,
        "reports.unused_scopes": Rule(Need.OWN, checked=True),
        "replays.replay": _LOOK,
        "roles.list_roles": _OWN,
        "roles.add": Rule(Need.OWN, checked=True),
        "roles.show": Rule(Need.OWN, checked=True),
        "roles.put_scopes": _ROLE,
        "roles.assign": _ROLE,
        "roles.unassign": _ROLE,
        "servers.list_servers": _OWN,
        "servers.add": _EVERYTHING,
        "servers.show": Rule(Need.LOOK_AT_SERVERS, the_server),
        "servers.put_scope": _SERVER,
        "servers.put_tool": _SERVER,
        "servers.remove_tool": _SERVER,
        "servers.put_defaults": _SERVER,
        "servers.put_first_use": _SERVER,
        "servers.put_may_ask": _SERVER,
        "modes.put": _SERVER,
        "servers.sync": _SERVER,
        "servers.suspend": _SERVER,
        "servers.resume": _SERVER,
        "servers.invite": _SERVER,
        "signals.list_signals": _LOOK,
        "signals.reach": _LOOK,
        "software.concerned": _LOOK,
        "software.list_denials": _LOOK,
        "software.deny": _EVERYTHING,
        "software.lift": _EVERYTHING,
        "status.show": _LOOK,
        "suggestions.suggest": Rule(Need.OWN, checked=True),
        "webhooks.list_webhooks": _EVERYTHING,
        "webhooks.add": _EVERYTHING,
        "webhooks.show": _EVERYTHING,
        "webhooks.remove": _EVERYTHING,
        "webhooks.test": _EVERYTHING,
    }
)
"""Operation → what it needs. Where `checked` stands, the handler asks again about what the body or the answer names."""


def operation(route: APIRoute) -> str:
    """Return the name of an operation: its noun and its function."""
    return f"{route.tags[0]}.{route.name}"


def caller(request: Request) -> Authority:
    """Return who asks: whom the door of this application let in."""
    found = request.scope["state"]["authority"]
    if not isinstance(found, Authority):
        raise TypeError("nobody was asked who they are")
    return found


Who = Annotated[Authority, Depends(caller)]
"""Who asks, as handlers take it."""


def require(who: Authority, need: Need, servers: frozenset[str] = frozenset()) -> None:
    """Raise NotPermitted unless `who` may do what has that need and concerns `servers` (ids)."""
    if not who.permits(need, servers):
        raise NotPermitted(need)


async def permit(request: Request) -> None:
    """Raise NotPermitted unless the table lets the caller do this; nothing about the noun is said before."""
    rule = OPERATIONS[operation(request.scope["route"])]
    names, services = request.scope["path_params"], services_of(request)
    servers = await rule.concerned(services, names) if rule.concerned is not None else frozenset[str]()
    require(caller(request), rule.need, servers)
