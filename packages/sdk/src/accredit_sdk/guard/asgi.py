"""RFC 9728 and MCP transports: the ASGI middleware. Everything on the wrapped app needs a token."""

import asyncio
import logging
from collections.abc import MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Unpack
from urllib.parse import urlsplit

from accredit_sdk import resource as resources
from accredit_sdk.decision import Reason
from accredit_sdk.guard import answers, cors, headers
from accredit_sdk.guard.answers import Answer, Site
from accredit_sdk.guard.gate import Bounds, Gate, UnknownKey
from accredit_sdk.guard.headers import Fields
from accredit_sdk.guard.hosts import Neighbours
from accredit_sdk.guard.lifespan import Lifespan
from accredit_sdk.guard.moment import Dice
from accredit_sdk.guard.moment import now as machine_clock
from accredit_sdk.guard.options import Options, Settings
from accredit_sdk.guard.runtime import Runtime
from accredit_sdk.guard.state import GuardState
from accredit_sdk.guard.streams import Streams
from accredit_sdk.guard.tokens import Seen
from accredit_sdk.guard.way import App, Receive, Scope, Send, Way, say

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
        self._streams = Streams()
        self._way = Way(app, self._gate, self._streams, self._clock)
        self._neighbours = Neighbours.of(resource, options.hosts, options.origins)
        self._metadata_path = resources.metadata_path(resource)
        self._path = options.path or urlsplit(resource).path or "/"
        self._public = frozenset(options.public)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None] | None = None
        self._runtime: Runtime | None = None

    @property
    def state(self) -> GuardState:
        """What this guard knows, has decided and has still to deliver; cheap enough to be asked for each scrape."""
        scribe, known = self._gate.scribe, self._gate.knowledge
        return GuardState(
            decisions=dict(scribe.decisions),
            unrecorded=scribe.unrecorded,
            signal=known.seq if known is not None else None,
            age=known.age(self._clock()) if known is not None else None,
            waiting=self._runtime.waiting() if self._runtime is not None else 0,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        kind = scope["type"]
        if kind == "http":
            if self._loop is not asyncio.get_running_loop():
                await self._start()
            # Uvicorn adds the trailers of a chunked body to this list while it is read: what is judged must be what
            # goes on.
            await self._http({**scope, "headers": tuple(scope["headers"])}, receive, send)
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
            await say(self._repeated(repeated), scope, send)
            return
        metadata = path == self._metadata_path
        origin = None if metadata else fields.get(b"origin")
        if not self._neighbours.admit(fields.get(b"host"), origin):
            await say(self._gate.scribe.stranger(Reason.FORBIDDEN_ORIGIN), scope, send)
        elif metadata:
            await say(self._metadata(scope["method"]), scope, send)
        elif path in self._public:
            await self._app(_tokenless(scope), receive, send)
        elif origin is not None:
            await self._guarded(scope, fields, receive, _readable(send, origin))
        else:
            await self._guarded(scope, fields, receive, send)

    async def _guarded(self, scope: Scope, fields: Fields, receive: Receive, send: Send) -> None:
        verb = scope["method"]
        if cors.asks(verb, fields):
            await say(cors.preflight(fields), scope, send)
        elif scope["path"] != self._path:
            await self._elsewhere(scope, fields, send)
        elif verb == "POST":
            await self._post(scope, fields, receive, send)
        elif verb in ("GET", "DELETE"):
            await self._stream(scope, fields, receive, send)
        else:
            await say(answers.plain(HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"GET, POST, DELETE")), scope, send)

    async def _post(self, scope: Scope, fields: Fields, receive: Receive, send: Send) -> None:
        found: Answer | Seen = self._too_much(fields) or await self._entered(fields, scope)
        if not isinstance(found, Seen):
            await say(found, scope, send)
            return
        body = await self._body(receive)
        if body is None:
            return
        judged = self._gate.judge(found, fields, body) if isinstance(body, bytes) else body
        if isinstance(judged, Answer):
            await say(judged, scope, send)
        else:
            await self._way.through(judged, found, scope, receive, send)

    async def _stream(self, scope: Scope, fields: Fields, receive: Receive, send: Send) -> None:
        found = await self._entered(fields, scope)
        judged = self._gate.stream(found, fields, scope["method"]) if isinstance(found, Seen) else found
        if isinstance(judged, Answer):
            await say(judged, scope, send)
        elif isinstance(found, Seen):
            await self._way.through(judged, found, scope, receive, send)

    async def _elsewhere(self, scope: Scope, fields: Fields, send: Send) -> None:
        found = await self._entered(fields, scope)
        if isinstance(found, Seen):
            found = self._gate.elsewhere(found, scope["method"], scope["path"])
        await say(found, scope, send)

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
            return self._gate.scribe.stranger(Reason.BLIND)

    def _too_much(self, fields: Fields) -> Answer | None:
        if not headers.plain_json(fields) or fields.get(b"content-encoding", b"identity") != b"identity":
            return answers.plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            return answers.plain(HTTPStatus.NOT_IMPLEMENTED)
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
            return self._gate.scribe.stranger(Reason.MALFORMED)
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
            self._runtime = Runtime(self._options, self._identity, self._gate, self._streams, self._clock, self._dice)
            self._starting = loop.create_task(self._runtime.start())
        await asyncio.shield(self._starting)
        self._loop = loop

    async def _stop(self) -> None:
        runtime, self._runtime = self._runtime, None
        self._loop = self._starting = None
        if runtime is not None:
            await runtime.stop()


_TOO_LONG: Final = answers.plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _tokenless(scope: Scope) -> Scope:
    """Return the scope of a public request without its token: what nobody has looked at is not passed on."""
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"authorization"]}


def _readable(send: Send, origin: bytes) -> Send:
    """Return a `send` whose answers a page of `origin` may read."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": cors.readable(message.get("headers", ()), origin)}
        await send(message)

    return sent
