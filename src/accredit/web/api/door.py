"""RFC 6750: who comes in to the management API: at the public listener with a token, at the socket by being there."""

from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from accredit.identity.management import LOCAL_ADMINISTRATOR, Authority
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.service.management import NoAuthority
from accredit.web import errors, site
from accredit.web.api.entrance import entry
from accredit.web.api.permissions import NotPermitted
from accredit_sdk.challenge import Challenge

_LONGEST_TOKEN: Final = 16_384


class Recognises(Protocol):
    """Tells whose access token it is."""

    async def authenticate(self, token: str) -> Authority:
        """Return what its holder may do. Raises NoAuthority, or StoreError."""
        ...


class LocalDoor:
    """Whoever comes in here is the local administrator: it stands behind the socket, and nowhere else."""

    metadata = None

    async def judge(self, _: Scope) -> Authority | Response:
        """Let the request in."""
        return LOCAL_ADMINISTRATOR


class TokenDoor:
    """Lets nobody in without the access token of an administrator or auditor."""

    def __init__(self, recognises: Recognises, metadata: str) -> None:
        self._recognises = recognises
        self.metadata = metadata

    async def judge(self, scope: Scope) -> Authority | Response:
        """Return whose token it is, or the answer 401."""
        given = Headers(scope=scope).getlist("authorization")
        if not given:
            return self._unauthorized(None)
        scheme, _, token = given[0].partition(" ")
        if len(given) != 1 or scheme.lower() != "bearer" or len(token) > _LONGEST_TOKEN:
            return self._unauthorized("invalid_token")
        try:
            return await self._recognises.authenticate(token)
        except NoAuthority:
            return self._unauthorized("invalid_token")
        except (StoreError, Overloaded, WriterStopped) as error:
            return await site.on_unavailable(Request(scope), error)

    def _unauthorized(self, error: str | None) -> Response:
        found = errors.response("unauthorized", 401, "this needs the access token of an administrator or an auditor")
        found.headers["WWW-Authenticate"] = Challenge(self.metadata, error=error).header()
        found.headers["Cache-Control"] = "no-store"
        return found


class Doorkeeper:
    """Has every request judged at the door that it came through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or turn it away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = await entry(scope).door.judge(scope)
        if isinstance(found, Authority):
            await self._app({**scope, "state": {**scope["state"], "authority": found}}, receive, send)
        else:
            await found(scope, receive, send)


async def on_forbidden(request: Request, error: Exception) -> Response:
    """Answer with 403 and, where callers are challenged, the scope that would do, if there is one (RFC 6750, 3.1)."""
    if not isinstance(error, NotPermitted):
        raise error
    found = errors.response("forbidden", 403, f"this needs {error.need.value}")
    metadata = entry(request.scope).door.metadata
    if metadata is not None:
        scope = frozenset({error.scope}) if error.scope is not None else frozenset[str]()
        found.headers["WWW-Authenticate"] = Challenge(metadata, scope, "insufficient_scope").header()
    return found
