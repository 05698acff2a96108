"""MCP as bytes over a real socket: for what the official client would never send, or never show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from tests.support.http import http_client

OLD: Final = "2025-11-25"
NEW: Final = "2026-07-28"
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": NEW,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def request_of(method: str, request_id: int | str = 1, version: str = NEW, **params: Any) -> dict[str, Any]:
    """Return a request of a revision."""
    if version == NEW:
        params["_meta"] = _META | params.get("_meta", {})
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def headers_for(token: str | None, version: str = NEW, message: Any = None, **more: str) -> dict[str, str]:
    """Return the headers of an honest request; `more` are further ones, with underscores for hyphens."""
    found = {"accept": "application/json, text/event-stream", "mcp-protocol-version": version}
    if token is not None:
        found["authorization"] = f"Bearer {token}"
    if version == NEW and message is not None:
        found["mcp-method"] = message["method"]
        name = message["params"].get("name", message["params"].get("uri"))
        if name is not None:
            found["mcp-name"] = name
    return found | {name.replace("_", "-"): value for name, value in more.items()}


@dataclass
class Stream:
    """An event stream that is open, or the JSON answer in its place."""

    response: httpx2.Response
    events: list[dict[str, str]] = field(default_factory=list)

    async def next(self) -> dict[str, str] | None:
        """Return the next event by its fields, None at the end of the stream."""
        if not hasattr(self, "_lines"):
            self._lines = self.response.aiter_lines()
        found: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(":")
            if line and name:
                found[name] = value.removeprefix(" ")
            elif not line and found:
                self.events.append(found)
                return found
        assert not found, "the stream ended in the middle of an event"
        return None

    async def rest(self) -> list[dict[str, str]]:
        """Read to the end and return the events that came."""
        seen = []
        while (event := await self.next()) is not None:
            seen.append(event)
        return seen


@asynccontextmanager
async def streaming(url: str, token: str, message: Any = None, **headers: str) -> AsyncIterator[Stream]:
    """Send a message (or a GET, without one), and read the answer as it comes. `version` is one of the headers."""
    version = headers.pop("version", NEW)
    verb = "GET" if message is None else "POST"
    fields = headers_for(token, version, message, **headers)
    async with (
        http_client() as http,
        http.stream(verb, url, headers=fields, json=message) as response,
    ):
        yield Stream(response)


async def session(url: str, token: str, **capabilities: Any) -> str:
    """Begin a 2025-11-25 session and return its id, as the guard gives it out."""
    params = {"protocolVersion": OLD, "capabilities": capabilities, "clientInfo": {"name": "test", "version": "1"}}
    message = request_of("initialize", version=OLD, **params)
    async with http_client() as http:
        answer = await http.post(url, json=message, headers=headers_for(token, OLD))
        assert answer.status_code == 200, answer.text
        found: str = answer.headers["mcp-session-id"]
        done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        accepted = await http.post(url, json=done, headers=headers_for(token, OLD, mcp_session_id=found))
        assert accepted.status_code == 202
    return found
