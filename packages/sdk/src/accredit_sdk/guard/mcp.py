"""Who calls, told to the server in the words of the official MCP SDK, so that its tools can ask.

`get_access_token()` of `mcp` (and of FastMCP, which builds on it) names the client, the subject and the scopes. It
never gives the token itself: a server has no use for it but to pass it on.
"""

import sys
from collections.abc import MutableMapping
from contextvars import ContextVar, Token
from functools import cache
from typing import Any

import msgspec

from accredit_sdk.guard.tokens import Seen


def identify(scope: MutableMapping[str, Any], seen: Seen) -> None:
    """Put the caller into an ASGI scope, if the program around it has loaded the official SDK."""
    if "mcp.server" not in sys.modules:
        return
    if seen.user is None:
        seen.user = _user(seen)
    scope["user"], scope["auth"] = seen.user


class Calling:
    """Lets the caller of an ASGI scope be the one that `get_access_token()` names inside of a `with` block."""

    __slots__ = ("_token", "_user")

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self._user = scope.get("user")
        self._token: Token[Any] | None = None

    def __enter__(self) -> None:
        if self._user is not None and "mcp.server" in sys.modules:
            self._token = _caller().set(self._user)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _caller().reset(self._token)


@cache
def _caller() -> ContextVar[Any]:
    from mcp.server.auth.middleware.auth_context import auth_context_var  # noqa: PLC0415  (only where it is there)

    return auth_context_var


def _user(seen: Seen) -> tuple[object, object]:
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser  # noqa: PLC0415
    from mcp.server.auth.provider import AccessToken  # noqa: PLC0415

    claims = seen.claims
    scopes = sorted(seen.held)
    known = AccessToken(
        token=claims.jti,
        client_id=claims.client_id,
        scopes=scopes,
        expires_at=claims.exp,
        resource=claims.aud,
        subject=claims.sub,
        claims=msgspec.to_builtins(claims),
    )
    return AuthenticatedUser(known), _Credentials(scopes)


class _Credentials:
    """What Starlette's `requires` looks at."""

    def __init__(self, scopes: list[str]) -> None:
        self.scopes = scopes
