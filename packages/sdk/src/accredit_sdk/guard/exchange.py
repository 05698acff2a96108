"""A request that was let on: what the server answers goes through here, and ends when the token behind it dies.

JSON answers are looked at as a whole, event streams event by event; anything else that could hold a message is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

from accredit_sdk.decision import Reason
from accredit_sdk.guard import sse
from accredit_sdk.guard.answers import Answer
from accredit_sdk.guard.messages import Id
from accredit_sdk.guard.outgoing import Ask, Dropped, Refused, Screen, Unreadable
from accredit_sdk.guard.tokens import Seen

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""An ASGI send callable."""

Pairs: TypeAlias = Iterable[tuple[bytes, bytes]]
"""Header fields as ASGI has them."""

_SESSION: Final = b"mcp-session-id"
_LENGTH: Final = b"content-length"
_JSON: Final = b"application/json"
_LARGEST: Final = 64 * 1024 * 1024


class Judge(Protocol):
    """What an exchange asks about what the server says: `gate.Gate`."""

    def asked(self, seen: Seen, ask: Ask, *, allowed: bool) -> bool:
        """Record what the server asks of the client; tell whether that was possible."""
        ...

    def spoiled(self, seen: Seen, reason: Reason, request_id: Id | None) -> Answer:
        """Record that an answer could not be passed on, and return what the client hears instead."""
        ...


class Exchange:
    """One request on its way through the server. `standing` streams have no end of their own (GET, listening).

    `began` is when it was let on (microseconds UTC); `request_id` is the id of the request, None for GET and DELETE;
    `decline` tells the server that the client was not asked.
    """

    def __init__(
        self,
        judge: Judge,
        seen: Seen,
        screen: Screen,
        send: Send,
        decline: Callable[[bytes], None],
        request_id: Id | None,
        began: int,
        *,
        standing: bool,
    ) -> None:
        self.seen = seen
        self.screen = screen
        self.began = began
        self.standing = standing
        self._judge = judge
        self._send = send
        self._decline = decline
        self.request_id = request_id
        self._start: MutableMapping[str, Any] | None = None
        self._events: sse.Splitter | None = None
        self._body = bytearray()
        self._over = False
        self._cancelled = False
        self._task: asyncio.Task[Any] | None = None

    async def run(self, served: Awaitable[None]) -> None:
        """Let the server work; return when it has answered, or when `end` was called."""
        self._task = asyncio.current_task()
        try:
            await served
        except asyncio.CancelledError:
            if not self._stopped():
                raise
        finally:
            self._task = None

    async def end(self, answer: Answer, last: bytes) -> None:
        """End it now: with `answer` if nothing was said yet, else with the JSON-RPC message `last` (empty: none)."""
        if self._over:
            return
        self._over = True
        if self._events is None:
            await self._say(answer)
        else:
            if last:
                await self._send({"type": "http.response.body", "body": sse.message(last), "more_body": True})
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if self._task is not None:
            self._cancelled = self._task.cancel()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take what the server sends (ASGI)."""
        if self._over:
            return
        kind = message["type"]
        if kind == "http.response.start":
            await self._begin(message)
        elif kind == "http.response.body" and self._events is not None:
            await self._stream(self._events, message)
        elif kind == "http.response.body":
            await self._whole(message)

    def _stopped(self) -> bool:
        """Tell whether the cancellation was our own, and take it back."""
        if self._cancelled and self._task is not None:
            self._task.uncancel()
            return True
        return False

    async def _begin(self, message: MutableMapping[str, Any]) -> None:
        headers, kind, encoded = self._headers(message.get("headers", ()))
        if encoded:
            await self._spoil(Reason.ENCODED)
            return
        self._start = {**message, "headers": headers}
        if kind == b"text/event-stream":
            self._events = sse.Splitter(_LARGEST)
            await self._send(self._start)
        elif message["status"] < HTTPStatus.BAD_REQUEST and kind not in (b"", _JSON):
            await self._spoil(Reason.ENCODED)

    def _headers(self, headers: Pairs) -> tuple[list[tuple[bytes, bytes]], bytes, bool]:
        """Return the headers without the length, which may change, and with the session sealed.

        And what they say of the body: its media type, and whether it is encoded.
        """
        kept, kind, encoded = [], b"", False
        for name, value in headers:
            lower = name.lower()
            if lower == _LENGTH:
                continue
            if lower == b"content-type":
                kind = value if value == _JSON else value.partition(b";")[0].strip().lower()
            elif lower == b"content-encoding":
                encoded = encoded or value != b"identity"
            kept.append((name, self._sealed_session(value) if lower == _SESSION else value))
        return kept, kind, encoded

    def _sealed_session(self, value: bytes) -> bytes:
        return self.screen.seals.seal("session", self.screen.owner, value.decode("latin-1")).encode("latin-1")

    async def _whole(self, message: MutableMapping[str, Any]) -> None:
        """Collect a JSON answer, and let it out when it is complete."""
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if self._body or more:
            self._body += body
            body = b"" if more else bytes(self._body)
        if max(len(self._body), len(body)) > _LARGEST:
            await self._spoil(Reason.ENCODED)
        elif not more and self._start is not None:
            await self._out(self._start, body)

    async def _out(self, start: MutableMapping[str, Any], body: bytes) -> None:
        try:
            told, asks = self.screen.told(body) if body else (body, ())
        except Unreadable:
            await self._spoil(Reason.ENCODED)
            return
        except Dropped:
            told, asks = b"", ()
        except Refused as refused:
            self._judge.asked(self.seen, refused.ask, allowed=False)
            await self._spoil(Reason.ASK_REFUSED)
            return
        if asks and not all(self._judge.asked(self.seen, ask, allowed=True) for ask in asks):
            await self._spoil(Reason.SPOOL_FULL)
            return
        self._over = True
        start["headers"].append((_LENGTH, b"%d" % len(told)))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": told, "more_body": False})

    async def _stream(self, events: sse.Splitter, message: MutableMapping[str, Any]) -> None:
        more = message.get("more_body", False)
        try:
            told = [self._event(event) for event in events.feed(message.get("body", b""))]
        except (sse.TooLong, Unreadable):
            await self._spoil(Reason.ENCODED)
            return
        except Refused:
            await self._spoil(Reason.ASK_REFUSED)
            return
        self._over = not more
        body = b"".join(told)
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _event(self, event: sse.Event) -> bytes:
        """Return the event as the client may have it. Raises Unreadable, and Refused when that ends the request."""
        event_id = self._event_id(event.id)
        if not event.data:
            return event.raw if event.id is None else sse.rebuilt(event, b"", event_id)
        try:
            told, asks = self.screen.told(event.data)
            if not all(self._judge.asked(self.seen, ask, allowed=True) for ask in asks):
                return b""
        except Dropped:
            return b""
        except Refused as refused:
            self._judge.asked(self.seen, refused.ask, allowed=False)
            if refused.answered:
                raise
            self._decline(refused.id)
            return b""
        return event.raw if told is event.data and event.id is None else sse.rebuilt(event, told, event_id)

    def _event_id(self, event_id: bytes | None) -> bytes | None:
        if not event_id:
            return event_id
        return self.screen.seals.seal("event", self.screen.owner, event_id.decode("latin-1")).encode("latin-1")

    async def _spoil(self, reason: Reason) -> None:
        """Say something else than the server did, and hear no more of it."""
        answer = self._judge.spoiled(self.seen, reason, self.request_id)
        await self.end(answer, answer.body)

    async def _say(self, answer: Answer) -> None:
        await self._send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await self._send({"type": "http.response.body", "body": answer.body})
