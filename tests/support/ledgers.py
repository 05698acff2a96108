"""The same MCP server twice, with the official SDK and with FastMCP. It trusts everybody and knows no Accredit."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import fastmcp
from fastmcp.server.dependencies import get_access_token as fastmcp_token
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context, MCPServer

from accredit_sdk.snapshot import TargetEntry

READ: Final = "ledger:read"
WRITE: Final = "ledger:write"
PURGE: Final = "ledger:purge"
TARGETS: Final = (
    TargetEntry("tool", "read", [READ], read_only=True),
    TargetEntry("tool", "whoami", [READ]),
    TargetEntry("tool", "reckon", [READ]),
    TargetEntry("tool", "post", [READ, WRITE]),
    TargetEntry("tool", "audit", [WRITE], visibility="hide"),
    TargetEntry("tool", "vault", [PURGE], visibility="conceal"),
    TargetEntry("tool", "purge", [PURGE], destructive=True),
    TargetEntry("prompt", "summary", [READ]),
    TargetEntry("prompt", "plan", [WRITE]),
    TargetEntry("prompt", "audit", [WRITE], visibility="hide"),
    TargetEntry("prompt", "vault", [PURGE], visibility="conceal"),
    TargetEntry("resource", "ledger://book", [READ]),
    TargetEntry("resource", "ledger://plan", [WRITE]),
    TargetEntry("resource", "ledger://audit", [WRITE], visibility="hide"),
    TargetEntry("resource", "ledger://vault", [PURGE], visibility="conceal"),
    TargetEntry("resource", "ledger://accounts/{number}", [READ]),
    TargetEntry("resource", "ledger://plans/{number}", [WRITE]),
    TargetEntry("resource", "ledger://audits/{number}", [WRITE], visibility="hide"),
    TargetEntry("resource", "ledger://vaults/{number}", [PURGE], visibility="conceal"),
)
"""What a policy says about it. Each kind of thing has one more that is named `stray` and not mapped."""

_TOOLS: Final = ("read", "post", "audit", "vault", "stray", "purge")
_PROMPTS: Final = ("summary", "plan", "audit", "vault", "stray")
_RESOURCES: Final = ("book", "plan", "audit", "vault", "stray")
_TEMPLATES: Final = ("accounts", "plans", "audits", "vaults", "strays")

Sdk = Literal["official", "fastmcp"]


@dataclass
class Ledger:
    """The server, and the handlers that have started."""

    sdk: Sdk
    started: list[str] = field(default_factory=list)
    server: Any = None

    def __post_init__(self) -> None:
        self.server = MCPServer("Ledger") if self.sdk == "official" else fastmcp.FastMCP("Ledger")
        for name in _TOOLS:
            self.server.tool(name)(self._plain(f"tool {name}"))
        self.server.tool("whoami")(self._whoami())
        self.server.tool("reckon")(self._reckon())
        for name in _PROMPTS:
            self.server.prompt(name)(self._plain(f"prompt {name}"))
        for name in _RESOURCES:
            self.server.resource(f"ledger://{name}", name=name)(self._plain(f"resource {name}"))
        for name in _TEMPLATES:
            self.server.resource(f"ledger://{name}/{{number}}", name=name)(self._numbered(f"resource {name}"))

    def app(self, *, json: bool, stateless: bool) -> Any:
        """Return the ASGI app, which answers with JSON or with event streams, with sessions or without."""
        if self.sdk == "official":
            return self.server.streamable_http_app(json_response=json, stateless_http=stateless)
        return self.server.http_app(path="/mcp", json_response=json, stateless_http=stateless)

    def _plain(self, name: str) -> Callable[[], str]:
        def handler() -> str:
            self.started.append(name)
            return f"{name} ran"

        return handler

    def _numbered(self, name: str) -> Callable[[str], str]:
        def handler(number: str) -> str:
            self.started.append(f"{name} {number}")
            return f"{name} {number} ran"

        return handler

    def _whoami(self) -> Callable[[], str]:
        def whoami() -> str:
            self.started.append("tool whoami")
            found = get_access_token()
            own = fastmcp_token() if self.sdk == "fastmcp" else found
            return json.dumps([one and [one.subject, one.client_id, sorted(one.scopes)] for one in (found, own)])

        return whoami

    def _reckon(self) -> Callable[..., Any]:
        """Return a tool that says how far it is: in the 2026-07-28 era, only that makes a server stream its answer."""

        async def official(ctx: Context) -> str:
            return await counted(ctx)

        async def other(ctx: fastmcp.Context) -> str:
            return await counted(ctx)

        async def counted(ctx: Any) -> str:
            self.started.append("tool reckon")
            for done in (1, 2):
                await ctx.report_progress(done, 2)
            return "tool reckon ran"

        return official if self.sdk == "official" else other
