"""Guards over the management API. They enrol themselves, with a code that `/servers/{slug}/enrolments` gives."""

from typing import Annotated

from fastapi import APIRouter, Query

from accredit.identity.client import Client
from accredit.identity.management import Authority, Need
from accredit.service.directory import Directory
from accredit.web.api import times
from accredit.web.api.fields import Page, Slug, View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class GuardView(View):
    """A guard, and the slugs of the servers that it speaks for."""

    id: str
    slug: str
    state: str
    servers: list[str]
    created_at: str | None


class GuardPage(View):
    """Guards by slug; `next` is the cursor of the page that follows, or null."""

    items: list[GuardView]
    next: str | None


class GuardApi:
    """The handlers of `/guards`."""

    def __init__(self, services: Services) -> None:
        self._guards = services.guards
        self._directory = services.directory

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/guards")
        found.add_api_route("", cls.list_guards, methods=["GET"])
        found.add_api_route("/{slug}/suspend", cls.suspend, methods=["POST"])
        found.add_api_route("/{slug}/resume", cls.resume, methods=["POST"])
        return found

    async def list_guards(self, who: Who, page: Annotated[Page, Query()]) -> GuardPage:
        """List guards. A server administrator sees those of their servers, so a page may hold fewer than its limit."""
        found = await self._guards.page(page.cursor, page.limit + 1)
        shown = found[: page.limit]
        following = shown[-1].client.slug if len(found) > len(shown) else None
        return GuardPage(
            items=[_view(item.client, self._directory) for item in shown if _visible(item.client, who)], next=following
        )

    async def suspend(self, who: Who, slug: Slug) -> GuardView:
        """Give the guard no more state; it refuses by itself once its state is too old."""
        return _view(await self._guards.suspend(slug, who.name), self._directory)

    async def resume(self, who: Who, slug: Slug) -> GuardView:
        """Let the guard work again."""
        return _view(await self._guards.resume(slug, who.name), self._directory)


def _visible(client: Client, who: Authority) -> bool:
    return who.permits(Need.LOOK_AT_SERVERS, client.servers)


def _view(client: Client, directory: Directory) -> GuardView:
    named = [(identity, directory.server_by_id(identity)) for identity in client.servers]
    return GuardView(
        id=client.id,
        slug=client.slug,
        state=client.state.value,
        servers=sorted(server.slug if server is not None else identity for identity, server in named),
        created_at=times.render(client.created_at),
    )
