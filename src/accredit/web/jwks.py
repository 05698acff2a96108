"""RFC 7517, 5: the key set of the access token keys over HTTP."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from accredit.service.keyring import Keyring
from accredit.web.metadata import OPEN


def routes(path: str, keyring: Keyring) -> Sequence[BaseRoute]:
    """Return the route of the key set."""

    async def show(_: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=60"}
        return Response(keyring.jwks(), media_type="application/jwk-set+json", headers=headers)

    return [Route(path, show, methods=["GET"], middleware=OPEN)]
