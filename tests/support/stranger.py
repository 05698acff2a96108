"""An MCP server that says whatever a test wants it to: JSON over HTTP, with the handshake of 2025-11-25."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.raw import OLD
from tests.support.served import listening, served

Send = Callable[[Any], Awaitable[None]]
_MOST = 32 * 1024 * 1024
_MEMBERS = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}


def tool(name: str, **more: Any) -> dict[str, Any]:
    """Return a tool on the wire."""
    return {"name": name, "inputSchema": {"type": "object"}, **more}


@dataclass
class Stranger:
    """The server. `lists` are what it lists, by method; `page` answers a list in its place; `body` any request."""

    lists: dict[str, list[Any]] = field(default_factory=dict)
    page: Callable[[str | None], dict[str, Any]] | None = None
    body: Callable[[], AsyncIterator[bytes]] | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)

    def tools(self, *tools: dict[str, Any]) -> None:
        """Offer these tools and no others."""
        self.lists["tools/list"] = list(tools)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        message = await _message(receive)
        if scope["method"] != "POST" or "id" not in message:
            await _answer(send, 202 if scope["method"] == "POST" else 405, {}, b"")
            return
        self.asked.append(message["method"])
        if self.body is not None and message["method"] == "tools/list":
            await self._stream(send, self.body())
            return
        answer = {"jsonrpc": "2.0", "id": message["id"], **self._answer(message)}
        headers = self.headers if self.body is None else {}
        await _answer(send, self.status, headers, json.dumps(answer).encode())

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        method, params = message["method"], message.get("params", {})
        if method == "initialize":
            capabilities: dict[str, Any] = {"tools": {}, "resources": {}, "prompts": {}}
            info = {"name": "stranger", "version": "1", "title": "A\x1b[31m stranger"}
            return {"result": {"protocolVersion": OLD, "capabilities": capabilities, "serverInfo": info}}
        if method == "tools/list" and self.page is not None:
            return {"result": self.page(params.get("cursor"))}
        if method in _MEMBERS and (method == "tools/list" or method in self.lists):
            return {"result": {_MEMBERS[method]: self.lists.get(method, [])}}
        return {"error": {"code": -32601, "message": "Method not found"}}

    async def _stream(self, send: Send, chunks: AsyncIterator[bytes]) -> None:
        headers = {"content-type": "application/json", **self.headers}
        await send(_start(200, headers))
        sent = 0
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            sent += len(chunk)
            if sent > _MOST:  # a client that has gone away is not told to an app that only sends
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _message(receive: Any) -> dict[str, Any]:
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            found: dict[str, Any] = json.loads(body) if body else {}
            return found


def _start(status: int, headers: dict[str, str]) -> dict[str, Any]:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": fields}


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    await send(_start(status, {"content-type": "application/json", **headers}))
    await send({"type": "http.response.body", "body": body})


@contextmanager
def at_home(stranger: Stranger) -> Iterator[str]:
    """Serve it, and yield its address."""
    listener, origin = listening()
    with served(stranger, listener, lifespan="off"):
        yield f"{origin}/mcp"
