"""RFC 9728, 3: the metadata of the management API as a protected resource, where clients look after a 401."""

from collections.abc import Sequence, Set

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from accredit.web.metadata import OPEN
from accredit_sdk import resource as uris


def routes(issuer: str, resource: str, scopes: Set[str]) -> Sequence[BaseRoute]:
    """Return the route of the document about `resource`, made once."""
    document = {
        "resource": resource,
        "authorization_servers": [issuer],
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
    }
    body = msgspec.json.encode(document)

    async def show(_: Request) -> Response:
        return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    return [Route(uris.metadata_path(resource), show, methods=["GET"], middleware=OPEN)]
