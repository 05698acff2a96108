"""The way of a request that goes on: to the server with its own ids and who calls, and back through the exchange."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from accredit_sdk.guard import mcp
from accredit_sdk.guard.answers import Answer
from accredit_sdk.guard.exchange import Exchange
from accredit_sdk.guard.gate import Gate, Passage
from accredit_sdk.guard.headers import encoded_name
from accredit_sdk.guard.moment import Clock
from accredit_sdk.guard.streams import Streams
from accredit_sdk.guard.tokens import Seen

Scope: TypeAlias = MutableMapping[str, Any]
"""An ASGI connection scope."""

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""An ASGI receive callable."""

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""An ASGI send callable."""

App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

_OURS: Final = frozenset(
    b"accept-encoding authorization content-length last-event-id mcp-session-id transfer-encoding".split()
)
_DECLINED: Final = (
    b'{"jsonrpc":"2.0","id":%b,"error":{"code":-32601,"message":"Not allowed by the policy of this server"}}'
)
_DECLINED_AS: Final = [(b"content-type", b"application/json"), (b"accept", b"application/json, text/event-stream")]
_OF_THE_REQUEST: Final = frozenset(b"accept content-length content-type last-event-id mcp-method mcp-name".split())
_DECLINED_WITHIN: Final = 30.0
_DECLINED_AT_ONCE: Final = 100

log = logging.getLogger("accredit_sdk.guard")


class Way:
    """Leads what was let on through the wrapped app."""

    def __init__(self, app: App, gate: Gate, streams: Streams, clock: Clock) -> None:
        self._app = app
        self._gate = gate
        self._streams = streams
        self._clock = clock
        self._declining: set[asyncio.Task[None]] = set()

    async def through(self, passage: Passage, seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; the answer that leaves is screened, and ends with the token behind it."""
        inner = _onward(scope, passage)
        mcp.identify(inner, seen)
        exchange = Exchange(
            self._gate,
            seen,
            passage.screen,
            send,
            lambda asked: self._decline(inner, asked),
            passage.request_id,
            self._clock(),
            standing=passage.standing,
        )
        self._streams.add(exchange)
        try:
            with mcp.Calling(inner):
                await exchange.run(self._app(inner, _replay(passage.body, receive), exchange.send))
        finally:
            self._streams.discard(exchange)

    def _decline(self, inner: Scope, asked: bytes) -> None:
        """Tell the server that the client was not asked; else it would wait for an answer.

        One that asks faster than it listens is not told of all that was refused.
        """
        if len(self._declining) >= _DECLINED_AT_ONCE:
            return
        body = _DECLINED % asked
        kept = [pair for pair in inner["headers"] if pair[0] not in _OF_THE_REQUEST]
        headers = [*kept, *_DECLINED_AS, (b"content-length", b"%d" % len(body))]
        scope = {**inner, "method": "POST", "headers": headers}
        work = asyncio.get_running_loop().create_task(self._answered(scope, body))
        self._declining.add(work)
        work.add_done_callback(self._declining.discard)

    async def _answered(self, scope: Scope, body: bytes) -> None:
        async def heard(_: MutableMapping[str, Any]) -> None:
            """Nobody needs to know what the server says to that."""

        try:
            with mcp.Calling(scope):
                async with asyncio.timeout(_DECLINED_WITHIN):
                    await self._app(scope, _replay(body, _gone), heard)
        except Exception:
            log.warning("the server could not be told that its client was not asked", exc_info=True)


async def say(answer: Answer, scope: Scope, send: Send) -> None:
    """Give the guard's own answer."""
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def _onward(scope: Scope, passage: Passage) -> Scope:
    """Return the scope that goes on: without the token, with the server's own ids, and the length of our own body.

    It has no extensions: what a server sends by one of them would not be seen here.
    """
    headers = [pair for pair in scope["headers"] if pair[0] not in _OURS]
    opened = passage.opened
    if opened.session is not None:
        headers.append((b"mcp-session-id", opened.session))
    if opened.task is not None and any(name == b"mcp-name" for name, _ in headers):
        headers = [pair for pair in headers if pair[0] != b"mcp-name"]
        headers.append((b"mcp-name", encoded_name(opened.task)))
    if opened.event is not None:
        headers.append((b"last-event-id", opened.event))
    if passage.body:
        headers.append((b"content-length", b"%d" % len(passage.body)))
    return {**scope, "headers": headers, "extensions": {}}


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = [body]

    async def replayed() -> MutableMapping[str, Any]:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message

    return replayed


async def _gone() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
