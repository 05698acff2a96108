"""Roles over the management API: what they carry on which server, and who holds them."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from accredit.identity import times
from accredit.identity.holder import HolderKind, parse
from accredit.identity.management import Authority, Need
from accredit.identity.role import Role
from accredit.identity.schema import LONGEST_LIST
from accredit.service.directory import Directory
from accredit.web.api import holders
from accredit.web.api.fields import Body, Instant, Name, Page, Slug, Span, View, Words, end, example
from accredit.web.api.holders import HolderName
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import NotPermitted, Who, require
from accredit.web.api.preconditions import IfMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class RoleBody(Body):
    """A new role; `scopes` maps the slugs of servers to the words that the role carries there."""

    model_config = example(slug="reader", name="Readers", scopes={"ledger": ["ledger:read"]})

    slug: Slug
    name: Name = ""
    scopes: Annotated[dict[Slug, Words], Field(max_length=LONGEST_LIST, default_factory=dict)]


class ScopesBody(Body):
    """What a role carries on one server; nothing takes the server out of the role."""

    model_config = example(scopes=["ledger:read"])

    scopes: Words


class AssignmentBody(Body):
    """Until when a role is held: `ends_at`, or `ends_in` seconds from now; neither: for good."""

    model_config = example(ends_in=604_800)

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
    """A role that somebody holds: an agent, an application (`app:`) or a group (`group:`)."""

    role: str
    holder: str
    ends_at: str | None


class RoleApi:
    """The handlers of `/roles`."""

    def __init__(self, services: Services) -> None:
        self._roles = services.roles
        self._services = services
        self._groups = services.groups
        self._directory = services.directory
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/roles")
        found.add_api_route("", cls.list_roles, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}/scopes/{server}", cls.put_scopes, methods=["PUT"])
        found.add_api_route("/{slug}/assignments/{holder}", cls.assign, methods=["PUT"])
        found.add_api_route("/{slug}/assignments/{holder}", cls.unassign, methods=["DELETE"], status_code=204)
        return found

    async def list_roles(self, who: Who, page: Annotated[Page, Query()]) -> RolePage:
        """List roles; a server administrator sees those that reach a server of theirs, and what they carry there."""
        found = [role for role in self._roles.all() if role.slug > page.cursor and _visible(role, who)]
        shown = found[: page.limit]
        following = shown[-1].slug if len(found) > len(shown) else None
        return RolePage(items=[view(item, self._directory, who) for item in shown], next=following)

    async def add(self, who: Who, body: RoleBody, response: Response, asked: Repeatable = None) -> RoleView:
        """Create a role."""
        known = (self._directory.server(name) for name in body.scopes)
        require(who, Need.SERVERS, frozenset(server.id if server is not None else "" for server in known))
        scopes = {server: frozenset(words) for server, words in body.scopes.items()}

        def shown(made: Role) -> RoleView:
            return view(made, self._directory, who)

        made = await self._roles.add(body.slug, body.name, scopes, who.name, once(asked, shown, tag=True))
        return self._tagged(response, made, who)

    async def show(self, who: Who, slug: Slug, response: Response) -> RoleView:
        """Show a role; a server administrator sees what it carries on servers of theirs."""
        role = self._directory.role(slug)
        if not who.sees_all() and (role is None or not _visible(role, who)):
            raise NotPermitted(Need.LOOK_AT_SERVERS)
        return self._tagged(response, self._roles.get(slug), who)

    async def put_scopes(
        self, who: Who, slug: Slug, server: Slug, body: ScopesBody, response: Response, match: IfMatch = None
    ) -> RoleView:
        """Set what the role carries on one server."""
        role = self._still(who, slug)
        check(match, view(role, self._directory, who))
        changed = await self._roles.put_scopes(slug, server, frozenset(body.scopes), who.name)
        return self._tagged(response, changed, who)

    async def assign(
        self, who: Who, slug: Slug, holder: HolderName, body: AssignmentBody | None = None
    ) -> AssignmentView:
        """Give the role to an agent, an application or a group, or move the end of that."""
        wanted, named = body or AssignmentBody(), parse(holder)
        ends_at = end(self._clock.now(), wanted.ends_at, wanted.ends_in)
        if named.kind is HolderKind.GROUP:
            group = await self._groups.get(named.slug)
            found = await self._groups.assign(self._still(who, slug), group, ends_at, who.name)
        else:
            client = await holders.client(self._services, named)
            found = await self._roles.assign(self._still(who, slug), client, ends_at, who.name)
        return AssignmentView(role=slug, holder=holder, ends_at=times.render(found.ends_at))

    async def unassign(self, who: Who, slug: Slug, holder: HolderName) -> None:
        """Take the role from an agent, an application or a group; guards take it from the tokens that are out."""
        named = parse(holder)
        if named.kind is HolderKind.GROUP:
            group = await self._groups.get(named.slug)
            await self._groups.unassign(self._still(who, slug), group, who.name)
        else:
            client = await holders.client(self._services, named)
            await self._roles.unassign(self._still(who, slug), client, who.name)

    def _still(self, who: Authority, slug: str) -> Role:
        """Ask again at the last moment: the role may reach more servers than it did when the door was passed."""
        role = self._roles.get(slug)
        require(who, Need.SERVERS, frozenset(role.scopes))
        return role

    def _tagged(self, response: Response, role: Role, who: Authority) -> RoleView:
        found = view(role, self._directory, who)
        tagged(response, found)
        return found


def view(role: Role, directory: Directory, who: Authority) -> RoleView:
    """Return `role` as the API shows it to `who`."""
    seen = {server: words for server, words in role.scopes.items() if who.sees(server)}
    return RoleView(
        id=role.id,
        slug=role.slug,
        name=role.name,
        scopes=scopes(replace(role, scopes=seen), directory),
        created_at=times.render(role.created_at),
        version=role.version,
    )


def _visible(role: Role, who: Authority) -> bool:
    return who.sees_all() or any(who.administers(server) for server in role.scopes)


def scopes(role: Role, directory: Directory) -> dict[str, list[str]]:
    """Return what `role` carries by the slugs of servers; one that is not registered any more keeps its id."""
    found = {}
    for identity, words in role.scopes.items():
        server = directory.server_by_id(identity)
        found[server.slug if server is not None else identity] = sorted(words)
    return dict(sorted(found.items()))
