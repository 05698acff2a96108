"""The agent of the story: gets its token as RFC 6749, 4.4 says, and calls tools with the official MCP client."""

import base64
import json
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent


class Refused(Exception):
    """The guard refused a call; what the official client made of it."""

    def __init__(self, error: MCPError) -> None:
        super().__init__(error.error.message)
        self.code = error.error.code
        self.message = error.error.message
        self.data: dict[str, Any] = error.error.data or {}


async def called(auth: httpx2.Auth, server: str, tool: str, **arguments: Any) -> str:
    """Call a tool with the official client, whose tokens are the business of `auth`. Raises what the client raises."""
    async with (
        httpx2.AsyncClient(auth=auth) as http,
        Client(streamable_http_client(server, http_client=http), mode="2026-07-28") as client,
    ):
        return _text((await client.call_tool(tool, arguments)).content)


class Agent:
    """Calls tools of one server with one token."""

    def __init__(self, server: str, token: str | None) -> None:
        self.server = server
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.claims: dict[str, Any] = {} if token is None else _claims(token)

    @staticmethod
    def token(issuer: str, client_id: str, secret: str, resource: str, scope: str = "") -> str:
        """Return a fresh access token for `resource`."""
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        answer = httpx2.post(issuer + "/token", data=form, auth=(client_id, secret))
        if answer.status_code != 200:
            raise RuntimeError(f"no token: {answer.text}")
        return str(answer.json()["access_token"])

    async def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return its text. Raises Refused."""
        refused: MCPError | None = None
        async with httpx2.AsyncClient(headers=self.headers) as http:
            transport = streamable_http_client(self.server, http_client=http)
            async with Client(transport, mode="2026-07-28") as client:
                try:
                    result = await client.call_tool(tool, arguments)
                except MCPError as error:
                    refused = error
        if refused is not None:  # raised out here, where the client's task groups do not wrap it
            raise Refused(refused)
        return _text(result.content)

    async def knock(self) -> tuple[int, str]:
        """Send the smallest request of the protocol; return the status and the challenge."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
        headers = {
            **self.headers,
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/list",
        }
        async with httpx2.AsyncClient() as http:
            answer = await http.post(self.server, json=body, headers=headers)
        return answer.status_code, answer.headers.get("www-authenticate", "")


def _text(content: list[Any]) -> str:
    return " ".join(" ".join(part.text.split()) for part in content if isinstance(part, TextContent))


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found
