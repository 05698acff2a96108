"""Administrators over the management API. Only the local administrator names and dismisses them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from accredit.identity import times
from accredit.identity.schema import LONGEST_LIST
from accredit.service.administrators import Office
from accredit.web.api.fields import Body, Flag, Instant, Page, Slug, Span, View, end, example
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import IfMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class OfficeBody(Body):
    """All that an agent may do at this API, until `ends_at` or for `ends_in` seconds; neither: for good."""

    model_config = example(servers=["ledger"], ends_at="2030-12-31T23:59:59Z")

    administrator: Flag = False
    auditor: Flag = False
    servers: Annotated[tuple[Slug, ...], Field(max_length=LONGEST_LIST)] = ()
    ends_at: Instant | None = None
    ends_in: Span | None = None


class AdministratorView(View):
    """An agent and what it may do here; `servers` are the slugs of those that it administers."""

    agent: str
    administrator: bool
    auditor: bool
    servers: list[str]
    ends_at: str | None


class AdministratorPage(View):
    """Administrators and auditors by the slugs of their agents; `next` is the cursor of the next page, or null."""

    items: list[AdministratorView]
    next: str | None


class AdministratorApi:
    """The handlers of `/administrators`."""

    def __init__(self, services: Services) -> None:
        self._administrators = services.administrators
        self._agents = services.agents
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/administrators")
        found.add_api_route("", cls.list_administrators, methods=["GET"])
        found.add_api_route("/{agent}", cls.show, methods=["GET"])
        found.add_api_route("/{agent}", cls.name, methods=["PUT"])
        found.add_api_route("/{agent}", cls.dismiss, methods=["DELETE"], status_code=204)
        return found

    async def list_administrators(self, page: Annotated[Page, Query()]) -> AdministratorPage:
        """List administrators, server administrators and auditors."""
        found = await self._administrators.page(page.cursor, page.limit + 1)
        shown = found[: page.limit]
        following = shown[-1][0].client.slug if len(found) > len(shown) else None
        items = [_view(holder.client.slug, office) for holder, office in shown]
        return AdministratorPage(items=items, next=following)

    async def show(self, agent: Slug, response: Response) -> AdministratorView:
        """Show all that an agent may do at this API; one that was not named may do nothing."""
        found = _view(agent, self._administrators.office(await self._agents.principal(agent)))
        tagged(response, found)
        return found

    async def name(
        self, who: Who, agent: Slug, body: OfficeBody, response: Response, match: IfMatch = None
    ) -> AdministratorView:
        """Set all that an agent may do at this API."""
        holder = await self._agents.principal(agent)
        check(match, _view(agent, self._administrators.office(holder)))
        office = Office(
            administrator=body.administrator,
            auditor=body.auditor,
            servers=frozenset(body.servers),
            ends_at=end(self._clock.now(), body.ends_at, body.ends_in),
        )
        await self._administrators.name(holder, office, who.name)
        found = _view(agent, office)
        tagged(response, found)
        return found

    async def dismiss(self, who: Who, agent: Slug) -> None:
        """Take everything from an agent that it may do here; its tokens stop working here at once."""
        await self._administrators.name(await self._agents.principal(agent), Office(), who.name)


def _view(agent: str, office: Office) -> AdministratorView:
    return AdministratorView(
        agent=agent,
        administrator=office.administrator,
        auditor=office.auditor,
        servers=sorted(office.servers),
        ends_at=times.render(office.ends_at),
    )
