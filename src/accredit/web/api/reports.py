"""Reports over the management API: what ends soon, and what nobody uses or answers for: clients, and scopes."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints
from starlette.responses import StreamingResponse

from accredit.identity import times
from accredit.identity.needed import IDLE
from accredit.identity.report import Ending, EndingKind, Noticed
from accredit.web.api import suggestions
from accredit.web.api.fields import CURSOR, Body, Limit, View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit.web.api.suggestions import AnyLine, ClientLine, EndLine, Past, ProgressLine

_PLACE: Final = re.compile(r"^([0-9]{1,18}):(client|credential|role):([ -~]{1,200})$")
_DAY: Final = 86_400
_LONGEST: Final = 10 * 366 * _DAY

Days = Annotated[int, Field(gt=0, le=_LONGEST)]
"""A span of time in seconds, at most ten years."""


class EndingView(View):
    """Something that ends: a credential or a role of a client, or the client itself. `name` tells which."""

    kind: EndingKind
    name: str
    client_kind: str
    client: str
    ends_at: str | None


class EndingPage(View):
    """What ends, the first to end first; `next` is the cursor of the page that follows, or null."""

    items: list[EndingView]
    next: str | None


class NoticedView(View):
    """A client that a report names, and when it last got a token; null: it never did."""

    id: str
    kind: str
    slug: str
    owner: str
    created_at: str | None
    last_at: str | None


class NoticedPage(View):
    """Clients by id; `next` is the cursor of the page that follows, or null."""

    items: list[NoticedView]
    next: str | None


class Soon(Body):
    """Which page is wanted of what ends within `within` seconds."""

    within: Days = Field(default=14 * _DAY, description="Seconds from now.")
    cursor: Annotated[str, StringConstraints(pattern=_PLACE.pattern)] | None = Field(None, description=CURSOR)
    limit: Limit = 50


class ById(Body):
    """Which page of clients is wanted."""

    cursor: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}_[0-9a-v]{26}$")] | None = Field(
        None, description=CURSOR
    )
    limit: Limit = 50


class Idle(ById):
    """Which page is wanted of the clients that got no token for `idle` seconds."""

    idle: Days = Field(default=30 * _DAY, description="Seconds up to now.")


class ReportApi:
    """The handlers of `/reports`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reports = services.reports

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/reports")
        found.add_api_route("/expiring", cls.expiring, methods=["GET"])
        found.add_api_route("/unused-clients", cls.unused_clients, methods=["GET"])
        found.add_api_route("/orphans", cls.orphans, methods=["GET"])
        found.add_api_route("/unused-scopes", cls.unused_scopes, methods=["GET"], response_class=StreamingResponse)
        return found

    async def expiring(self, wanted: Annotated[Soon, Query()]) -> EndingPage:
        """List credentials, clients and assignments of roles that end soon."""
        place = _PLACE.fullmatch(wanted.cursor) if wanted.cursor is not None else None
        after = (0, "", "") if place is None else (int(place[1]), place[2], place[3])
        found = await self._reports.ending(wanted.within * 1_000_000, after, wanted.limit + 1)
        shown = found[: wanted.limit]
        return EndingPage(items=[_ending(item) for item in shown], next=_place(shown[-1]) if shown != found else None)

    async def unused_clients(self, wanted: Annotated[Idle, Query()]) -> NoticedPage:
        """List the agents and applications that got no token for a while and were there before."""
        found = await self._reports.unused(wanted.idle * 1_000_000, wanted.cursor or "", wanted.limit + 1)
        return _page(found, wanted.limit)

    async def orphans(self, wanted: Annotated[ById, Query()]) -> NoticedPage:
        """List the agents that nobody answers for: they have no sponsor."""
        return _page(await self._reports.orphans(wanted.cursor or "", wanted.limit + 1), wanted.limit)

    async def unused_scopes(self, who: Who, wanted: Annotated[Past, Query()]) -> StreamingResponse:
        """Tell which scopes clients hold that none of their calls needed since then.

        The answer is lines of JSON: `progress` and `client` lines, and one `end` line. A server administrator sees
        what is about their servers.
        """
        found = await suggestions.lines(self._services, wanted, who)
        return StreamingResponse(suggestions.rendered(_idle(found)), media_type=suggestions.LINES)


async def _idle(found: AsyncIterator[AnyLine]) -> AsyncIterator[AnyLine]:
    """Yield the same without the scopes that are needed, and without roles and a file."""
    async for line in found:
        if isinstance(line, ClientLine):
            idle = [item for item in line.scopes if item.verdict in IDLE]
            if idle:
                yield line.model_copy(update={"scopes": idle})
        elif isinstance(line, EndLine):
            yield line.model_copy(update={"document": None})
        elif isinstance(line, ProgressLine):
            yield line


def _place(item: Ending) -> str:
    return f"{item.ends_at}:{item.kind.value}:{item.name}"


def _ending(item: Ending) -> EndingView:
    return EndingView(
        kind=item.kind,
        name=item.name.partition(" ")[0],
        client_kind=item.client_kind.value,
        client=item.slug,
        ends_at=times.render(item.ends_at),
    )


def _page(found: tuple[Noticed, ...], limit: int) -> NoticedPage:
    shown = found[:limit]
    items = [
        NoticedView(
            id=item.id,
            kind=item.kind.value,
            slug=item.slug,
            owner=item.owner,
            created_at=times.render(item.created_at),
            last_at=times.render(item.last_at),
        )
        for item in shown
    ]
    return NoticedPage(items=items, next=shown[-1].id if shown != found else None)
