"""Guards over the management API. They enrol themselves, with a code that `/servers/{slug}/enrolments` gives."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from accredit.identity import times
from accredit.identity.client import Client
from accredit.identity.lease import Lease
from accredit.identity.management import Authority, Need
from accredit.service.directory import Directory
from accredit.web.api.fields import Page, Slug, View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class ProcessView(View):
    """A process of a guard: the last signal that it has applied, and how many it is behind.

    `state` is live, silent (it may act on what it knew until `refuses_at`), or gone.
    """

    instance: str
    state: str
    applied: int
    behind: int
    seen_at: str | None
    refuses_at: str | None


class GuardView(View):
    """A guard, the slugs of the servers that it speaks for, and its processes."""

    id: str
    slug: str
    state: str
    servers: list[str]
    created_at: str | None
    processes: list[ProcessView]


class GuardPage(View):
    """Guards by slug; `next` is the cursor of the page that follows, or null."""

    items: list[GuardView]
    next: str | None


class GuardApi:
    """The handlers of `/guards`."""

    def __init__(self, services: Services) -> None:
        self._guards = services.guards
        self._directory = services.directory
        self._leases = services.leases
        self._clock = services.clock

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
        seen = [item.client for item in shown if _visible(item.client, who)]
        return GuardPage(items=await self._views(seen), next=following)

    async def suspend(self, who: Who, slug: Slug) -> GuardView:
        """Give the guard no more state; it refuses by itself once its state is too old."""
        return (await self._views([await self._guards.suspend(slug, who.name)]))[0]

    async def resume(self, who: Who, slug: Slug) -> GuardView:
        """Let the guard work again."""
        return (await self._views([await self._guards.resume(slug, who.name)]))[0]

    async def _views(self, guards: Sequence[Client]) -> list[GuardView]:
        now, head = self._clock.now(), self._directory.cursor
        processes: dict[str, list[ProcessView]] = {guard.id: [] for guard in guards}
        for lease in await self._leases.all():
            if lease.guard in processes:
                processes[lease.guard].append(_process(lease, now, head))
        return [_view(guard, self._directory, processes[guard.id]) for guard in guards]


def _visible(client: Client, who: Authority) -> bool:
    return who.permits(Need.LOOK_AT_SERVERS, client.servers)


def _process(lease: Lease, now: int, head: int) -> ProcessView:
    state = "live" if lease.lives(now) else "silent" if now < lease.harmless_at() else "gone"
    return ProcessView(
        instance=lease.instance,
        state=state,
        applied=lease.seq,
        behind=max(0, head - lease.seq),
        seen_at=times.render(lease.seen_at),
        refuses_at=times.render(lease.harmless_at()),
    )


def _view(client: Client, directory: Directory, processes: list[ProcessView]) -> GuardView:
    named = [(identity, directory.server_by_id(identity)) for identity in client.servers]
    return GuardView(
        id=client.id,
        slug=client.slug,
        state=client.state.value,
        servers=sorted(server.slug if server is not None else identity for identity, server in named),
        created_at=times.render(client.created_at),
        processes=processes,
    )
