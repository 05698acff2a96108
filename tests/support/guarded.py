"""A guard around a raw ASGI app, and requests to it as bytes: nothing between the test and the middleware."""

import contextlib
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

from accredit_sdk.guard import Guard
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.messages import VERSION, VERSION_KEY
from accredit_sdk.guard.ship import Shipper
from tests.support.authority import FakeAccredit

META: Final = {VERSION_KEY: VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def challenge(self) -> str:
        return self.headers.get("www-authenticate", "")


@dataclass
class Inner:
    """The wrapped app: keeps what reaches it and says so."""

    calls: list[tuple[MutableMapping[str, Any], bytes]] = field(default_factory=list)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        message = await receive()
        assert not message.get("more_body")
        self.calls.append((scope, message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"reached":true}'})

    def messages(self) -> list[Any]:
        return [json.loads(body) for _, body in self.calls]


def call(name: str = "read", method: str = "tools/call", *, request_id: Any = 7, **params: Any) -> dict[str, Any]:
    """Return a request of the 2026-07-28 era."""
    member = "uri" if method == "resources/read" else "name"
    named = {member: name} if method in ("tools/call", "prompts/get", "resources/read") else {}
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": {**named, "_meta": META, **params}}


def headers_of(message: Any, token: str | None) -> dict[str, str]:
    """Return the headers that an honest client sends with `message`."""
    fields = {
        "host": "tools.example",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": VERSION,
    }
    if isinstance(message, dict):
        fields["mcp-method"] = str(message.get("method"))
        params = message.get("params") or {}
        name = params.get("name", params.get("uri")) if isinstance(params, dict) else None
        if isinstance(name, str) and name.isascii():
            fields["mcp-name"] = name
    if token is not None:
        fields["authorization"] = f"Bearer {token}"
    return fields


@dataclass
class Guarded:
    """A guard that has begun, its app, its Accredit and its folder."""

    guard: Guard
    inner: Inner
    accredit: FakeAccredit
    folder: Folder

    async def send(
        self,
        message: Any = None,
        *,
        token: str | None = None,
        body: bytes | None = None,
        headers: dict[str, str | None] | None = None,
        raw: Headers | None = None,
        method: str = "POST",
        path: str = "/mcp",
        query: bytes = b"",
    ) -> Response:
        """Send one request; `headers` replaces honest ones (None leaves one out), `raw` adds more."""
        fields = {**headers_of(message, token), **(headers or {})}
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in fields.items() if value is not None]
        content = body if body is not None else json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        return await request(self.guard, method, path, [*pairs, *(raw or [])], content, query)

    async def catch_up(self) -> None:
        """Let the guard hear what is new, now."""
        runtime = self.guard._runtime
        assert runtime is not None
        assert runtime.feed is not None
        await runtime.feed.catch_up()

    async def ship(self) -> None:
        """Let the guard deliver its records, now."""
        runtime = self.guard._runtime
        assert runtime is not None
        assert runtime._shipper is not None
        await runtime._shipper.round()

    async def records(self, kind: str | None = "decision") -> list[dict[str, Any]]:
        """Return what Accredit has been told."""
        await self.ship()
        return self.accredit.records(kind)


async def request(
    app: Any, method: str, path: str, headers: Headers, body: bytes = b"", query: bytes = b"", chunk: int = 1 << 30
) -> Response:
    """Send one request to an ASGI app, the body in pieces of `chunk` bytes."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.7", 4711),
        "server": ("tools.example", 443),
    }
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert [message["type"] for message in sent[:1]] == ["http.response.start"], "the guard said nothing"
    fields = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Response(sent[0]["status"], fields, b"".join(message.get("body", b"") for message in sent[1:]))


@asynccontextmanager
async def guarded(
    folder: Path, accredit: FakeAccredit, *, background: bool = False, inner: Inner | None = None, **settings: Any
) -> AsyncIterator[Guarded]:
    """Enrol a guard (unless the folder holds one), begin, and end it in good order.

    Without `background`, the guard hears of changes and delivers records only when the test says so.
    """
    place = Folder(folder)
    if place.read("identity.json") is None:
        await accredit.enrol(place)
    inner = inner or Inner()
    options = {
        "issuer": accredit.issuer,
        "resource": accredit.resource,
        "folder": folder,
        "clock": accredit.clock,
        "poll_interval": 15,
    }
    fetch = accredit.fetch()
    guard = Guard(inner, **{**options, "fetch": fetch, **settings})
    with contextlib.nullcontext() if background else mock.patch.object(Shipper, "run", _idle):
        await guard._start()
    try:
        yield Guarded(guard, inner, accredit, place)
    finally:
        await guard._stop()
        await fetch.close()


async def _idle(_: Shipper) -> None:
    """Stand in for a shipper that never comes round by itself."""
