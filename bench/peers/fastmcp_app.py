"""An app of FastMCP: bare, or with its `JWTVerifier` and a scope that the tool requires."""

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastmcp import FastMCP
from fastmcp.server.auth import require_scopes
from fastmcp.server.auth.providers.jwt import JWTVerifier

from bench.peers.sdk_app import read
from bench.peers.sdk_check import public_key
from bench.tool_call import HOST, SCOPE, App
from tests.support.authority import FakeAccredit


def make(checking: FakeAccredit | None) -> App:
    """Return an app with the tool `read`; with `checking`, it takes that one's tokens and no others."""
    if checking is None:
        server = FastMCP("bench")
        server.tool(read)
    else:
        pem = public_key(checking).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        verifier = JWTVerifier(public_key=pem, issuer=checking.issuer, audience=checking.resource, algorithm="ES256")
        server = FastMCP("bench", auth=verifier)
        server.tool(read, auth=require_scopes(SCOPE))
    app: App = server.http_app(path="/mcp", json_response=True, stateless_http=True, allowed_hosts=[HOST])
    return app
