"""RFC 8414: the metadata document over HTTP, at every place where clients look."""

from collections.abc import Sequence

import msgspec
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from accredit.oauth import metadata
from accredit.oauth.metadata import Endpoints

OPEN = [
    Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_headers=["MCP-Protocol-Version"], max_age=600
    )
]
"""CORS for documents that are the same for everybody: any origin, no credentials."""


def routes(issuer: str, endpoints: Endpoints) -> Sequence[BaseRoute]:
    """Return the routes of the metadata document, made once."""
    body = msgspec.json.encode(metadata.document(issuer, endpoints))

    async def show(_: Request) -> Response:
        return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    return [Route(path, show, methods=["GET"], middleware=OPEN) for path in metadata.paths(issuer)]
