"""A `tools/call` of an honest client, as an ASGI server hands it over, and the lifespan around it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]

HOST: Final = "tools.example"
TOOL: Final = "read"
SCOPE: Final = "ledger:read"
SIZE: Final = 1024
"""Bytes of a call."""

_VERSION: Final = "2026-07-28"
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": _VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def call_body(number: int, arguments: dict[str, Any] | None = None) -> bytes:
    """Return a `tools/call` with the id `number`; without `arguments`, they fill it up to SIZE."""
    given: dict[str, Any] = arguments if arguments is not None else {"account": "4711", "limit": 25, "text": ""}
    params = {"name": TOOL, "arguments": given, "_meta": _META}
    call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    if arguments is None:
        given["text"] = ("invoices of the third quarter, oldest first; " * 32)[: SIZE - len(_json(call))]
    return _json(call)


def call_headers(host: str, token: str | None, length: int) -> Pairs:
    """Return the header fields of a call as the client of the MCP SDK sends them and uvicorn passes them on.

    Every object is new, as it is when it comes from a socket: no hash is known yet.
    """
    fields = {
        "host": host,
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
        "user-agent": "python-httpx2/2.16.2",
        **({} if token is None else {"authorization": f"Bearer {token}"}),
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": _VERSION,
        "mcp-method": "tools/call",
        "mcp-name": TOOL,
        "content-length": str(length),
    }
    return [(name.encode(), value.encode()) for name, value in fields.items()]


def call_scope(path: str, headers: Pairs) -> Message:
    """Return the ASGI scope of a call, with all that uvicorn puts into one."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8701),
        "client": ("127.0.0.1", 54321),
        "scheme": "http",
        "method": "POST",
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "state": {},
    }


class Call:
    """One request with `token`, fresh from the socket, and the status of its answer (0 until there is one)."""

    def __init__(self, number: int, token: str | None, path: str = "/mcp", host: str = HOST) -> None:
        body = call_body(number)
        self.scope = call_scope(path, call_headers(host, token, len(body)))
        self.status = 0
        self._message: Message = {"type": "http.request", "body": body, "more_body": False}

    async def receive(self) -> Message:
        """Return the body, as the ASGI server does."""
        return self._message

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """Run the ASGI lifespan of `app` around the block."""
    heard: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, heard.get, said.put))
    await _phase("startup", heard, said)
    yield
    await _phase("shutdown", heard, said)
    await task


async def _phase(name: str, heard: asyncio.Queue[Message], said: asyncio.Queue[Message]) -> None:
    await heard.put({"type": f"lifespan.{name}"})
    answer = await said.get()
    if answer["type"] != f"lifespan.{name}.complete":
        raise RuntimeError(f"the app says {answer}")


def _json(message: Any) -> bytes:
    """Return compact JSON, as the SDKs of MCP in Python and TypeScript send it."""
    return json.dumps(message, separators=(",", ":")).encode()
