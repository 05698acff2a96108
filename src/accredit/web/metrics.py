"""`/metrics`, in the text format of Prometheus."""

from collections.abc import Sequence
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from accredit.service.readiness import Readiness
from accredit.web.site import on_http, on_surprise


class Shown(Protocol):
    """Metrics that can be shown, and are told how the node is before."""

    def checked(self, name: str, *, well: bool) -> None:
        """Note whether something that the node needs is well."""
        ...

    def render(self) -> bytes:
        """Return everything."""
        ...


def routes(metrics: Shown, readiness: Readiness, media_type: str) -> Sequence[BaseRoute]:
    """Return the route."""

    async def show(_: Request) -> Response:
        for check in await readiness.look():
            metrics.checked(check.name, well=check.trouble is None)
        return Response(metrics.render(), media_type=media_type, headers={"Cache-Control": "no-store"})

    return [Route("/metrics", show, methods=["GET"])]


def alone(found: Sequence[BaseRoute]) -> ASGIApp:
    """Return an application for a listener that has nothing else."""
    return Starlette(routes=list(found), exception_handlers={404: on_http, 405: on_http, Exception: on_surprise})
