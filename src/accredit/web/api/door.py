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
from accredit.web.api.permissions import NotPermitted, caller, operation
from accredit.web.api.routes import services_of
from accredit_sdk.challenge import Challenge
from accredit_sdk.resource import metadata_url

_LONGEST_TOKEN: Final = 16_384


class Recognises(Protocol):
    """Tells whose access token it is; `resource` is the audience of those that it knows."""

    resource: str

    async def authenticate(self, token: str) -> Authority:
        """Return what its holder may do. Raises NoAuthority, or StoreError."""
        ...


class LocalDoor:
    """Whoever reaches this application is the local administrator: it stands behind the socket, and nowhere else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in."""
        await self._app(_with(scope, LOCAL_ADMINISTRATOR, None), receive, send)


class TokenDoor:
    """Lets nobody in without the access token of an administrator or auditor; the body is not read before."""

    def __init__(self, app: ASGIApp, recognises: Recognises) -> None:
        self._app = app
        self._recognises = recognises
        self._metadata = metadata_url(recognises.resource)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer 401."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = await self._judge(scope)
        if isinstance(found, Authority):
            await self._app(_with(scope, found, self._metadata), receive, send)
        else:
            await found(scope, receive, send)

    async def _judge(self, scope: Scope) -> Authority | Response:
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
        except Exception as error:  # noqa: BLE001  (no trouble opens a door, and every trouble has an answer)
            return await site.on_surprise(Request(scope), error)

    def _unauthorized(self, error: str | None) -> Response:
        found = errors.response("unauthorized", 401, "this needs the access token of an administrator or an auditor")
        found.headers["WWW-Authenticate"] = Challenge(self._metadata, error=error).header()
        found.headers["Cache-Control"] = "no-store"
        return found


async def on_not_permitted(request: Request, error: Exception) -> Response:
    """Answer with 403 what the caller may not do, once that is recorded.

    At the public door it names the scope that would do (RFC 6750, 3.1).
    """
    if not isinstance(error, NotPermitted):
        raise error
    asked, needed = operation(request.scope["route"]), error.need.value
    try:
        decision = await services_of(request).refusals.not_permitted(caller(request).name, asked, needed)
    except (StoreError, Overloaded, WriterStopped) as trouble:
        return await site.on_unavailable(request, trouble)
    found = errors.response("forbidden", 403, f"this needs {needed}", decision_id=decision)
    metadata = request.scope["state"]["metadata"]
    if metadata is not None:
        scope = frozenset({error.scope}) if error.scope is not None else frozenset[str]()
        found.headers["WWW-Authenticate"] = Challenge(metadata, scope, "insufficient_scope").header()
    return found


def _with(scope: Scope, authority: Authority, metadata: str | None) -> Scope:
    """Say who comes, and the address that a challenge names: None where nobody could show a token."""
    return {**scope, "state": {**scope.get("state", {}), "authority": authority, "metadata": metadata}}
