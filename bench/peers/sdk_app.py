"""An app of the MCP SDK: bare, or with the SDK's own bearer check."""

from typing import TYPE_CHECKING

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from bench.tool_call import HOST, App

if TYPE_CHECKING:
    from tests.support.authority import FakeAccredit


def read(account: str, limit: int, text: str) -> str:
    """Read the ledger."""
    return f"{account} {limit} {len(text)}"


def make(checking: "FakeAccredit | None") -> App:
    """Return an app with the tool `read`; with `checking`, it takes that one's tokens and no others."""
    security = TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=[HOST])
    server = _server(checking)
    server.tool()(read)
    app: App = server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
    return app


def _server(checking: "FakeAccredit | None") -> MCPServer:
    if checking is None:
        return MCPServer("bench", log_level="ERROR")
    from bench.peers import sdk_check  # noqa: PLC0415  (a bare server does not pay for its libraries)

    auth, verifier = sdk_check.make(checking)
    return MCPServer("bench", log_level="ERROR", auth=auth, token_verifier=verifier)
