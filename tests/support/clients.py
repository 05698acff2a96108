"""The official MCP client over HTTP, and what went over the wire."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

from tests.support.http import http_client

Era = Literal["2026-07-28", "2025-11-25"]

MODE: Final = {"2026-07-28": "2026-07-28", "2025-11-25": "legacy", "auto": "auto"}
"""The revision's name in the client: "legacy" is the one that begins with `initialize`, "auto" asks the server."""


@dataclass(frozen=True)
class Heard:
    """One response; `body` only if it was JSON."""

    verb: str
    status: int
    headers: httpx2.Headers
    body: bytes


@dataclass
class Wire:
    """Every response, in order."""

    heard: list[Heard] = field(default_factory=list)

    async def hear(self, response: httpx2.Response) -> None:
        """Note a response (an event hook of httpx2)."""
        body = b""
        if response.headers.get("content-type", "").startswith("application/json"):
            body = await response.aread()
        self.heard.append(Heard(response.request.method, response.status_code, response.headers, body))

    @property
    def last(self) -> Heard:
        """The last response to a POST."""
        return [one for one in self.heard if one.verb == "POST"][-1]


@asynccontextmanager
async def connected(
    url: str,
    token: str | None,
    era: Era | Literal["auto"] = "2026-07-28",
    *,
    auth: httpx2.Auth | None = None,
    **more: Any,
) -> AsyncIterator[tuple[Client, Wire]]:
    """Connect to an MCP server, with a token or with `auth`, which gets one."""
    wire = Wire()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        http_client(headers=headers, auth=auth, event_hooks={"response": [wire.hear]}) as http,
        Client(streamable_http_client(url, http_client=http), mode=MODE[era], **more) as client,
    ):
        yield client, wire


async def text(call: Awaitable[Any]) -> str:
    """Return the text of a tool's result that is no error."""
    result = await call
    assert not result.is_error, result
    (part,) = result.content
    assert isinstance(part, TextContent)
    return part.text


async def refusal(call: Awaitable[Any]) -> tuple[int, dict[str, Any]]:
    """Return code and data of the JSON-RPC error that a request must end with."""
    try:
        result = await call
    except MCPError as error:
        return error.error.code, error.error.data or {}
    raise AssertionError(f"nobody refused: {result}")
