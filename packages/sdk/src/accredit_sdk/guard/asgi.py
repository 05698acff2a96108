"""RFC 9728 and MCP transports 2026-07-28: the ASGI middleware. Everything on the wrapped app needs a token."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias, Unpack
from urllib.parse import urlsplit

from accredit_sdk import resource as resources
from accredit_sdk.guard import answers, headers
from accredit_sdk.guard.answers import Answer, Site
from accredit_sdk.guard.gate import Bounds, Gate, Passage, UnknownKey
from accredit_sdk.guard.headers import Fields
from accredit_sdk.guard.hosts import Neighbours
from accredit_sdk.guard.lifespan import Lifespan
from accredit_sdk.guard.moment import Dice
from accredit_sdk.guard.moment import now as machine_clock
from accredit_sdk.guard.options import Options, Settings
from accredit_sdk.guard.runtime import Runtime
from accredit_sdk.guard.tokens import Seen

Scope: TypeAlias = MutableMapping[str, Any]
"""An ASGI connection scope."""

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""An ASGI receive callable."""

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""An ASGI send callable."""

App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

_LEFT_OUT: Final = frozenset({b"authorization", b"content-length", b"mcp-session-id", b"transfer-encoding"})
_BODY_WITHIN: Final = 30.0

log = logging.getLogger("accredit_sdk.guard")


class Guard:
    """Puts Accredit in front of an ASGI app: `app = Guard(app, issuer=…, resource=…, folder=…)`.

    `issuer` is Accredit's, `resource` the canonical URI of the guarded server and the audience of its tokens, `folder`
    a folder of the guard's own, for its identity and the records that wait. Raises ConfigurationError, which lists
    every problem; that Accredit is away is none.
    """

    def __init__(
        self, app: App, *, issuer: str, resource: str, folder: str | Path, **settings: Unpack[Settings]
    ) -> None:
        self._app = app
        self._options = options = Options(issuer=issuer, resource=resource, folder=folder, **settings)
        self._identity = options.checked()
        self._clock = options.clock or machine_clock
        self._dice = Dice()
        self._site = Site(resource, issuer, resources.metadata_url(resource), options.name)
        bounds = Bounds(options.stale_after, options.stale_after_destructive)
        self._gate = Gate(self._site, bounds, self._clock, self._dice)
        self._neighbours = Neighbours.of(resource, options.hosts, options.origins)
        self._metadata_path = resources.metadata_path(resource)
        self._path = options.path or urlsplit(resource).path or "/"
        self._public = frozenset(options.public)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None] | None = None
        self._runtime: Runtime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        kind = scope["type"]
        if kind == "http":
            if self._loop is not asyncio.get_running_loop():
                await self._start()
            await self._http(scope, receive, send)
        elif kind == "lifespan":
            await Lifespan(self._app, self._start, self._stop).run(scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            log.warning("a connection of the unknown kind %.32r was refused", kind)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        try:
            fields = headers.read(scope["headers"])
        except headers.Repeated as repeated:
            await _say(self._repeated(repeated), scope, send)
            return
        metadata = path == self._metadata_path
        origin = None if metadata else fields.get(b"origin")
        if not self._neighbours.admit(fields.get(b"host"), origin):
            await _say(self._gate.forbidden(), scope, send)
        elif metadata:
            await _say(self._metadata(scope["method"]), scope, send)
        elif path in self._public:
            await self._app(scope, receive, send)
        elif path != self._path:
            await self._elsewhere(scope, fields, send)
        elif scope["method"] != "POST":
            await _say(answers.plain(HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"POST")), scope, send)
        else:
            await self._mcp(scope, fields, receive, send)

    async def _mcp(self, scope: Scope, fields: Fields, receive: Receive, send: Send) -> None:
        found: Answer | Passage | Seen | None = self._too_much(fields) or await self._entered(fields, scope)
        if isinstance(found, Seen):
            body = await self._body(receive)
            found = self._gate.judge(found, fields, body) if isinstance(body, bytes) else body
        if isinstance(found, Passage):
            await self._app(_onward(scope, found.body), _replay(found.body, receive), send)
        elif found is not None:
            await _say(found, scope, send)

    async def _elsewhere(self, scope: Scope, fields: Fields, send: Send) -> None:
        found = await self._entered(fields, scope)
        if isinstance(found, Seen):
            found = self._gate.elsewhere(found, scope["method"], scope["path"])
        await _say(found, scope, send)

    async def _entered(self, fields: Fields, scope: Scope) -> Seen | Answer:
        query = scope.get("query_string", b"")
        feed = self._runtime.feed if self._runtime is not None else None
        try:
            return self._gate.enter(fields, query, wait=feed is not None)
        except UnknownKey:
            sure = feed is not None and await feed.keys_wanted()
        try:
            return self._gate.enter(fields, query, wait=not sure)
        except UnknownKey:
            return self._gate.unsure()

    def _too_much(self, fields: Fields) -> Answer | None:
        if not headers.plain_json(fields) or fields.get(b"content-encoding", b"identity") != b"identity":
            return answers.plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        length = fields.get(b"content-length")
        if length is not None and not (length.isdigit() and len(length) < 16):
            return answers.plain(HTTPStatus.BAD_REQUEST)
        if length is not None and int(length) > self._options.max_body:
            return answers.plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return None

    async def _body(self, receive: Receive) -> bytes | Answer | None:
        """Return the whole body, an answer to one that is too long or too slow, or None when the client has gone."""
        first = await receive()
        if first["type"] != "http.request":
            return None
        body: bytes = first.get("body", b"")
        if not first.get("more_body", False):
            return body if len(body) <= self._options.max_body else _TOO_LONG
        try:
            async with asyncio.timeout(_BODY_WITHIN):
                return await self._rest(body, receive)
        except TimeoutError:
            return answers.plain(HTTPStatus.REQUEST_TIMEOUT)

    async def _rest(self, first: bytes, receive: Receive) -> bytes | Answer | None:
        body, more = bytearray(first), True
        while more:
            if len(body) > self._options.max_body:
                return _TOO_LONG
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body) if len(body) <= self._options.max_body else _TOO_LONG

    def _repeated(self, repeated: headers.Repeated) -> Answer:
        if repeated.name == "authorization":
            return self._gate.doubtful()
        if repeated.name.startswith("mcp-"):
            return answers.fault(headers.repeated_fault())
        return answers.plain(HTTPStatus.BAD_REQUEST)

    def _metadata(self, method: str) -> Answer:
        if method == "OPTIONS":
            return answers.metadata_preflight()
        if method not in ("GET", "HEAD"):
            return answers.plain(HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"GET"))
        known = self._gate.knowledge
        return answers.metadata(self._site, known.policy.default_scopes if known is not None else frozenset())

    async def _start(self) -> None:
        """Begin to live with Accredit, on this event loop; all who ask at the same time wait for the same beginning."""
        loop = asyncio.get_running_loop()
        if self._starting is None or self._starting.get_loop() is not loop:
            if self._runtime is not None:
                self._runtime.abandon()
            self._runtime = Runtime(self._options, self._identity, self._gate, self._clock, self._dice)
            self._starting = loop.create_task(self._runtime.start())
        await asyncio.shield(self._starting)
        self._loop = loop

    async def _stop(self) -> None:
        runtime, self._runtime = self._runtime, None
        self._loop = self._starting = None
        if runtime is not None:
            await runtime.stop()


_TOO_LONG: Final = answers.plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _onward(scope: Scope, body: bytes) -> Scope:
    """Return the scope that goes on: without the token and any session, and with the length of our own body."""
    kept: Iterable[tuple[bytes, bytes]] = scope["headers"]
    fields = [pair for pair in kept if pair[0] not in _LEFT_OUT]
    fields.append((b"content-length", b"%d" % len(body)))
    return {**scope, "headers": fields}


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = [body]

    async def replayed() -> MutableMapping[str, Any]:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replayed


async def _say(answer: Answer, scope: Scope, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
