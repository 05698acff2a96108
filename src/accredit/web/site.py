"""The public face: hot endpoints directly, everything else through Starlette; nothing it does not know gets through."""

import logging
from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.service.problem import Problem
from accredit.web import errors
from accredit.web.trail import trail

_log = logging.getLogger("accredit.web")


def site(
    routes: Sequence[BaseRoute], hot: Mapping[str, ASGIApp], prefix: str = "", api: ASGIApp | None = None
) -> ASGIApp:
    """Return the application: `hot` maps exact paths to plain ASGI endpoints, `routes` are Starlette's.

    What begins with `/api/` behind the path `prefix` of the issuer is for `api`.
    """
    below = f"{prefix}/api/"
    cold = Starlette(
        routes=list(routes),
        exception_handlers={
            Problem: errors.on_problem,
            HTTPException: on_http,
            StoreError: on_unavailable,
            Overloaded: on_unavailable,
            WriterStopped: on_unavailable,
            Exception: on_surprise,
        },
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await cold(scope, receive, send)
        elif (endpoint := hot.get(scope["path"])) is not None:
            await endpoint(scope, receive, send)
        elif api is not None and scope["path"].startswith(below):
            await api({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
        else:
            await cold(scope, receive, send)

    return application


async def on_http(_: Request, error: Exception) -> Response:
    """Answer what the router refuses: unknown paths, wrong methods."""
    status, headers = 500, None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
    known = {404: ("not_found", "there is nothing at this address"), 405: ("method_not_allowed", "use another method")}
    code, text = known.get(status, ("invalid", "the request cannot be answered"))
    found = errors.response(code, status, text)
    found.headers.update(headers or {})
    return found


async def on_unavailable(request: Request, error: Exception) -> Response:
    """Answer when the database cannot be asked or written at the moment."""
    _log.error("the database is not available: %s", error, extra=trail(request.scope["headers"]))
    found = errors.response("unavailable", 503, "the database is not available at the moment; try again shortly")
    found.headers["Retry-After"] = "1"
    return found


async def on_surprise(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw, without giving anything away; the log has the rest."""
    kind, where = type(error).__name__, request.url.path
    _log.error("unforeseen %s at %s %r", kind, request.method, where, extra=trail(request.scope["headers"]))
    return errors.response("internal", 500, "something went wrong here; the server's log names it")
