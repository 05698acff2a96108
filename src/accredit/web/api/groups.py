"""Groups over the management API: what they hold, and who is in them."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from accredit.identity import times
from accredit.identity.group import Group
from accredit.identity.holder import parse
from accredit.identity.management import Authority, Need
from accredit.web.api import holders
from accredit.web.api.clients import HeldRoleView, role_views
from accredit.web.api.fields import Body, Name, Page, Slug, View, example
from accredit.web.api.holders import HolderName
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import Who, reach, require
from accredit.web.api.preconditions import IfMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class GroupBody(Body):
    """A new group. It holds nothing until a role is assigned to it."""

    model_config = example(slug="back-office", name="Back office")

    slug: Slug
    name: Name = ""


class GroupSummary(View):
    """A group in a list, with the roles that it holds."""

    id: str
    slug: str
    name: str
    roles: list[HeldRoleView]
    created_at: str | None
    version: int


class GroupView(GroupSummary):
    """A group with its members: slugs of agents, and of applications behind `app:`."""

    members: list[str]


class GroupPage(View):
    """Groups by slug; `next` is the cursor of the page that follows, or null."""

    items: list[GroupSummary]
    next: str | None


class MemberView(View):
    """A client that is in a group."""

    group: str
    member: str


class GroupApi:
    """The handlers of `/groups`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._groups = services.groups
        self._directory = services.directory

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/groups")
        found.add_api_route("", cls.list_groups, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}", cls.remove, methods=["DELETE"], status_code=204)
        found.add_api_route("/{slug}/members/{member}", cls.let_in, methods=["PUT"])
        found.add_api_route("/{slug}/members/{member}", cls.let_out, methods=["DELETE"], status_code=204)
        return found

    async def list_groups(self, page: Annotated[Page, Query()]) -> GroupPage:
        """List groups."""
        found = [group for group in self._groups.all() if group.slug > page.cursor]
        shown = found[: page.limit]
        following = shown[-1].slug if len(found) > len(shown) else None
        return GroupPage(items=[self._summary(group) for group in shown], next=following)

    async def add(self, who: Who, body: GroupBody, response: Response, asked: Repeatable = None) -> GroupView:
        """Create a group that holds nothing."""

        def shown(made: Group) -> GroupView:
            return GroupView(**dict(self._summary(made)), members=[])

        found = shown(await self._groups.add(body.slug, body.name, who.name, once(asked, shown, tag=True)))
        tagged(response, found)
        return found

    async def show(self, slug: Slug, response: Response) -> GroupView:
        """Show a group with its roles and members."""
        return await self._tagged(response, await self._groups.get(slug))

    async def remove(self, who: Who, slug: Slug, match: IfMatch = None) -> None:
        """Drop a group: whoever was in it does not have its roles any more."""
        group = await self._groups.get(slug)
        check(match, await self._view(group))
        await self._groups.remove(group, who.name)

    async def let_in(self, who: Who, slug: Slug, member: HolderName) -> MemberView:
        """Make an agent or an application a member of the group, which gives it the roles of the group."""
        client = await holders.client(self._services, parse(member))
        await self._groups.let_in(await self._still(who, slug), client, who.name)
        return MemberView(group=slug, member=member)

    async def let_out(self, who: Who, slug: Slug, member: HolderName) -> None:
        """Take an agent or an application out of the group, and from it what it had through the group alone."""
        client = await holders.client(self._services, parse(member))
        await self._groups.let_out(await self._still(who, slug), client, who.name)

    async def _still(self, who: Authority, slug: str) -> Group:
        """Ask again at the last moment: the group may hold more than it did when the door was passed.

        What it holds when the change is written is what it held here, or nothing is changed.
        """
        group = await self._groups.get(slug)
        require(who, Need.SERVERS, reach(self._directory, group))
        return group

    async def _tagged(self, response: Response, group: Group) -> GroupView:
        found = await self._view(group)
        tagged(response, found)
        return found

    async def _view(self, group: Group) -> GroupView:
        members = [holders.name(member) for member in await self._groups.members(group)]
        return GroupView(**dict(self._summary(group)), members=members)

    def _summary(self, group: Group) -> GroupSummary:
        own = tuple(replace(item, through=None) for item in self._directory.held_by(group))
        return GroupSummary(
            id=group.id,
            slug=group.slug,
            name=group.name,
            roles=role_views(own, self._directory),
            created_at=times.render(group.created_at),
            version=group.version,
        )
