"""RFC 7662: the introspection endpoint over HTTP."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from accredit.oauth import parameters
from accredit.oauth.errors import Refusal
from accredit.service.guards import Guards, NotAGuard
from accredit.service.introspection import Introspection
from accredit.web import client_form, errors, form
from accredit.web.body import BodyRefused, read
from accredit_sdk.claims import AccessClaims

_SCOPE: Final = "introspect"
_KNOWN: Final = frozenset({"token", "token_type_hint"})
_MEMBERS: Final = ("scope", "client_id", "sub", "aud", "iss", "exp", "iat", "jti", "act", "cnf")
_HEADERS: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class IntrospectionEndpoint:
    """What is behind `/introspect`. A guard comes with its access token (RFC 7662, 2.1; RFC 6750)."""

    def __init__(self, service: Introspection, guards: Guards) -> None:
        self._service = service
        self._guards = guards

    def route(self, path: str) -> BaseRoute:
        """Return its route."""
        return Route(path, self.introspect, methods=["POST"])

    async def introspect(self, request: Request) -> Response:
        """Say what a token is worth."""
        try:
            authorization, content_type, _ = client_form.headers(request.scope)
            body = await read(request.receive, form.MAX_BYTES)
            if request.scope["query_string"]:
                raise BodyRefused(400, "parameters belong into the body, never into the URL")
            found = parameters.read(form.parse(body, content_type), _KNOWN)
        except BodyRefused as refused:
            return errors.response("invalid", refused.status, refused.text)
        scheme, _, token = (authorization or "").partition(" ")
        try:
            caller = await self._guards.authenticate(token.strip() if scheme.lower() == "bearer" else "", _SCOPE)
        except NotAGuard:
            return errors.unauthorized("invalid_token" if authorization else None)
        if isinstance(found, Refusal) or "token" not in found[0]:
            return errors.response("invalid", 400, "send one token, as a form with the field token")
        claims = await self._service.describe(caller, found[0]["token"])
        return Response(msgspec.json.encode(_document(claims)), media_type="application/json", headers=_HEADERS)


def _document(claims: AccessClaims | None) -> dict[str, Any]:
    """Return the answer (RFC 7662, 2.2); of a token that is not active nothing is said but that."""
    if claims is None:
        return {"active": False}
    said = {name: value for name in _MEMBERS if (value := getattr(claims, name)) is not None}
    return {"active": True, "token_type": "Bearer", **said}
