"""A guard around a raw ASGI app, and requests to it as bytes: nothing between the test and the middleware."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
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
Script = Callable[[MutableMapping[str, Any], bytes, Any, Any], Awaitable[None]]
"""What the wrapped app does with a request: scope, body, receive, send."""


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


def says(document: Any, status: int = 200, **headers: str | None) -> Script:
    """Return a script that answers with JSON, or with bytes as they are; a header of None is left out."""
    body = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
    fields = {"content-type": "application/json", **{name.replace("_", "-"): one for name, one in headers.items()}}

    async def script(_: Any, __: bytes, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": _pairs(fields)})
        await send({"type": "http.response.body", "body": body})

    return script


def streams(*pieces: bytes, **headers: str) -> Script:
    """Return a script that answers with a stream of these pieces, and ends it."""

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        source: asyncio.Queue[bytes | None] = asyncio.Queue()
        for piece in (*pieces, None):
            source.put_nowait(piece)
        await follows(source, **headers)(scope, body, receive, send)

    return script


def follows(source: "asyncio.Queue[bytes | None]", **headers: str) -> Script:
    """Return a script that answers with a stream of what the test puts into `source`, until that is None."""
    fields = {"content-type": "text/event-stream", **{name.replace("_", "-"): one for name, one in headers.items()}}

    async def script(_: Any, __: bytes, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _pairs(fields)})
        while (piece := await source.get()) is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return script


def event(document: Any, event_id: str | None = None) -> bytes:
    """Return a server-sent event with a JSON-RPC message, as the official servers write it."""
    head = f"id: {event_id}\r\n" if event_id is not None else ""
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return f"event: message\r\n{head}data: {text}\r\n\r\n".encode()


def events(body: bytes) -> list[dict[str, str]]:
    """Return the fields of each event of a stream, as a plain reader takes them."""
    found = []
    for block in body.decode().split("\n\n")[:-1]:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            before = f"{fields[name]}\n" if name in fields else ""
            fields[name] = before + value.removeprefix(" ")
        found.append(fields)
    return found


def told(body: bytes) -> list[Any]:
    """Return the JSON-RPC messages of a stream."""
    return [json.loads(fields["data"]) for fields in events(body) if fields.get("data")]


@dataclass
class Inner:
    """The wrapped app: keeps what reaches it, and answers by its script; without one it says that it was reached."""

    calls: list[tuple[MutableMapping[str, Any], bytes]] = field(default_factory=list)
    script: Script = field(default_factory=lambda: says({"reached": True}))

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
        await self.script(scope, message["body"], receive, send)

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
        pairs = _pairs({**headers_of(message, token), **(headers or {})})
        content = body if body is not None else json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        return await request(self.guard, method, path, [*pairs, *(raw or [])], content, query)

    async def before(
        self,
        message: Any = None,
        *,
        token: str | None = None,
        session: str | None = None,
        method: str = "POST",
        **headers: str | None,
    ) -> Response:
        """Send one request of the 2025-11-25 era: `initialize` and sessions."""
        fields = _before(message, token, session, method, headers)
        content = b"" if message is None else json.dumps(message, separators=(",", ":")).encode()
        return await request(self.guard, method, "/mcp", fields, content)

    async def live(
        self,
        message: Any = None,
        *,
        token: str,
        session: str | None = None,
        method: str = "POST",
        **headers: str | None,
    ) -> "Live":
        """Send one request, of the 2025-11-25 era unless it is of the other, and return while it is under way."""
        modern = isinstance(message, dict) and "_meta" in message.get("params", {})
        fields = _pairs(headers_of(message, token)) if modern else _before(message, token, session, method, headers)
        content = b"" if message is None else json.dumps(message, separators=(",", ":")).encode()
        return Live.begin(self.guard, method, fields, content)

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


def _pairs(fields: "dict[str, Any]") -> Headers:
    return [(name.encode(), value.encode("latin-1")) for name, value in fields.items() if value is not None]


def _before(message: Any, token: str | None, session: str | None, method: str, headers: dict[str, Any]) -> Headers:
    version = None if isinstance(message, dict) and message.get("method") == "initialize" else "2025-11-25"
    return _pairs(
        {
            "host": "tools.example",
            "content-type": "application/json" if method == "POST" else None,
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": version,
            "mcp-session-id": session,
            "authorization": f"Bearer {token}" if token is not None else None,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
    )


class Live:
    """A request that is under way: what comes back can be waited for, piece by piece."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.reads = asyncio.Event()
        """Cleared: take in nothing more, like a client that does not read."""
        self.reads.set()
        self.tried = asyncio.Event()
        self._news = asyncio.Condition()
        self._gone = asyncio.Event()
        self.task: asyncio.Task[None]

    @classmethod
    def begin(cls, app: Any, method: str, headers: Headers, body: bytes) -> "Live":
        live = cls()
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if pending:
                return pending.pop()
            await live._gone.wait()
            return {"type": "http.disconnect"}

        live.task = asyncio.create_task(app(_scope(method, "/mcp", headers), receive, live._send))
        return live

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.tried.set()
        await self.reads.wait()
        async with self._news:
            self.sent.append(message)
            self._news.notify_all()

    def leave(self) -> None:
        """Close the connection."""
        self._gone.set()

    async def status(self) -> int:
        """Return the status, once there is one."""
        async with self._news:
            await self._news.wait_for(lambda: bool(self.sent))
        status: int = self.sent[0]["status"]
        return status

    async def body(self, until: bytes) -> bytes:
        """Return the body so far, once `until` is in it."""
        async with self._news:
            await self._news.wait_for(lambda: until in self._body())
        return self._body()

    async def ended(self) -> Response:
        """Return the whole answer, once the guard is done."""
        await self.task
        assert not self.sent[-1].get("more_body", False), "the answer has no end"
        assert [one["type"] for one in self.sent].count("http.response.start") == 1
        fields = {name.decode(): value.decode("latin-1") for name, value in self.sent[0]["headers"]}
        return Response(self.sent[0]["status"], fields, self._body())

    def _body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def _scope(method: str, path: str, headers: Headers, query: bytes = b"") -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "extensions": {"http.response.pathsend": {}, "http.response.trailers": {}},
        "headers": headers,
        "client": ("192.0.2.7", 4711),
        "server": ("tools.example", 443),
    }


async def request(
    app: Any, method: str, path: str, headers: Headers, body: bytes = b"", query: bytes = b"", chunk: int = 1 << 30
) -> Response:
    """Send one request to an ASGI app, the body in pieces of `chunk` bytes."""
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(_scope(method, path, headers, query), receive, send)
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
