"""What the Unix socket of the data folder offers: the management API, and what only the operator may know."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from accredit.web.site import on_http, on_surprise


def local(api: ASGIApp, routes: Sequence[BaseRoute]) -> ASGIApp:
    """Return the application: what begins with `/api/` is for `api`."""
    others = Starlette(routes=list(routes), exception_handlers={404: on_http, 405: on_http, Exception: on_surprise})

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = api if scope["type"] == "http" and scope["path"].startswith("/api/") else others
        await chosen(scope, receive, send)

    return application
