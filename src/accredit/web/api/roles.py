"""Roles over the management API: what they carry on which server, and who holds them."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from accredit.identity.role import Assignment, Role
from accredit.service.directory import Directory
from accredit.web.api import times
from accredit.web.api.fields import LONGEST_LIST, Body, Instant, Name, Page, Slug, Span, View, Words, end
from accredit.web.api.services import LOCAL, Services


class RoleBody(Body):
    """A new role; `scopes` maps the slugs of servers to the words that the role carries there."""

    slug: Slug
    name: Name = ""
    scopes: Annotated[dict[Slug, Words], Field(max_length=LONGEST_LIST, default_factory=dict)]


class ScopesBody(Body):
    """What a role carries on one server; nothing takes the server out of the role."""

    scopes: Words


class AssignmentBody(Body):
    """Until when a role is held: `ends_at`, or `ends_in` seconds from now; neither: for good."""

    ends_at: Instant | None = None
    ends_in: Span | None = None


class RoleView(View):
    """A role; `scopes` is keyed by the slugs of servers."""

    id: str
    slug: str
    name: str
    scopes: dict[str, list[str]]
    created_at: str | None
    version: int


class RolePage(View):
    """Roles by slug; `next` is the cursor of the page that follows, or null."""

    items: list[RoleView]
    next: str | None


class AssignmentView(View):
    """A role that an agent holds."""

    role: str
    agent: str
    ends_at: str | None


class RoleApi:
    """The handlers of `/roles`."""

    def __init__(self, services: Services) -> None:
        self._roles = services.roles
        self._agents = services.agents
        self._directory = services.directory
        self._clock = services.clock

    def router(self) -> APIRouter:
        """Return the routes."""
        found = APIRouter(prefix="/roles", tags=["roles"])
        found.add_api_route("", self.list_roles, methods=["GET"])
        found.add_api_route("", self.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", self.show, methods=["GET"])
        found.add_api_route("/{slug}/scopes/{server}", self.put_scopes, methods=["PUT"])
        found.add_api_route("/{slug}/assignments/{agent}", self.assign, methods=["PUT"])
        found.add_api_route("/{slug}/assignments/{agent}", self.unassign, methods=["DELETE"], status_code=204)
        return found

    async def list_roles(self, page: Annotated[Page, Query()]) -> RolePage:
        """List roles."""
        found = [role for role in self._roles.all() if role.slug > page.cursor]
        shown = found[: page.limit]
        following = shown[-1].slug if len(found) > len(shown) else None
        return RolePage(items=[view(item, self._directory) for item in shown], next=following)

    async def add(self, body: RoleBody) -> RoleView:
        """Create a role."""
        scopes = {server: frozenset(words) for server, words in body.scopes.items()}
        return view(await self._roles.add(body.slug, body.name, scopes, LOCAL), self._directory)

    async def show(self, slug: Slug) -> RoleView:
        """Show a role."""
        return view(self._roles.get(slug), self._directory)

    async def put_scopes(self, slug: Slug, server: Slug, body: ScopesBody) -> RoleView:
        """Set what the role carries on one server."""
        return view(await self._roles.put_scopes(slug, server, frozenset(body.scopes), LOCAL), self._directory)

    async def assign(self, slug: Slug, agent: Slug, body: AssignmentBody | None = None) -> AssignmentView:
        """Give the role to an agent."""
        wanted = body or AssignmentBody()
        ends_at = end(self._clock.now(), wanted.ends_at, wanted.ends_in)
        found = await self._roles.assign(slug, await self._agents.principal(agent), ends_at, LOCAL)
        return _assignment(slug, agent, found)

    async def unassign(self, slug: Slug, agent: Slug) -> None:
        """Take the role from an agent; its next token is without it."""
        await self._roles.unassign(slug, await self._agents.principal(agent), LOCAL)


def view(role: Role, directory: Directory) -> RoleView:
    """Return `role` as the API shows it."""
    return RoleView(
        id=role.id,
        slug=role.slug,
        name=role.name,
        scopes=scopes(role, directory),
        created_at=times.render(role.created_at),
        version=role.version,
    )


def scopes(role: Role, directory: Directory) -> dict[str, list[str]]:
    """Return what `role` carries by the slugs of servers; one that is not registered any more keeps its id."""
    found = {}
    for identity, words in role.scopes.items():
        server = directory.server_by_id(identity)
        found[server.slug if server is not None else identity] = sorted(words)
    return dict(sorted(found.items()))


def _assignment(role: str, agent: str, found: Assignment) -> AssignmentView:
    return AssignmentView(role=role, agent=agent, ends_at=times.render(found.ends_at))
