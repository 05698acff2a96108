"""A request that was let on: what the server answers goes through here, and ends when the token behind it dies.

JSON answers are looked at as a whole, event streams event by event; anything else that could hold a message is refused.
What leaves is labelled as what it was read as.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

from msgspec import structs

from accredit_sdk.decision import Reason
from accredit_sdk.guard import sse
from accredit_sdk.guard.answers import Answer
from accredit_sdk.guard.asks import Ask
from accredit_sdk.guard.messages import Id
from accredit_sdk.guard.outgoing import Dropped, Refused, Screen, Unreadable
from accredit_sdk.guard.tokens import Seen

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""An ASGI send callable."""

Pairs: TypeAlias = Iterable[tuple[bytes, bytes]]
"""Header fields as ASGI has them."""

_SESSION: Final = b"mcp-session-id"
_TYPE: Final = b"content-type"
_LENGTH: Final = b"content-length"
_ENCODING: Final = b"content-encoding"
_OURS: Final = frozenset({_LENGTH, b"transfer-encoding", b"trailer"})
_EVENTS: Final = b"text/event-stream"
_READ: Final = frozenset({_EVENTS, b"application/json"})
_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_LARGEST: Final = 64 * 1024 * 1024
_PATIENCE: Final = 5.0
"""Seconds that a server has to stop, and a client to take in the last word."""

log = logging.getLogger("accredit_sdk.guard")


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
        self.request_id = request_id
        self.began = began
        self.standing = standing
        self._judge = judge
        self._send = send
        self._decline = decline
        self._start: MutableMapping[str, Any] | None = None
        self._events: sse.Splitter | None = None
        self._streaming = False
        self._body = bytearray()
        self._over = False
        self._last: tuple[Answer, bytes] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False
        self._insisting: asyncio.TimerHandle | None = None
        self._saying: asyncio.Task[None] | None = None

    async def run(self, served: Awaitable[None]) -> None:
        """Let the server work; return when it has answered, or when `end` was called and the last word is said."""
        self._task = asyncio.current_task()
        try:
            await served
        except asyncio.CancelledError:
            if self._last is None or self._cancelled_from_outside():
                raise
        except Exception:
            if self._last is None:
                raise
            log.debug("the server failed while its work was ended", exc_info=True)
        finally:
            task, self._task = self._task, None
            if self._cancelled and task is not None:
                task.uncancel()
            if self._insisting is not None:
                self._insisting.cancel()
        await (self._last_word() if self._saying is None else self._saying)

    def end(self, answer: Answer, last: bytes) -> None:
        """End it now: with `answer` if nothing was said yet, else with the JSON-RPC message `last` (empty: none).

        The server is stopped first, so that nothing it says comes after. One that does not stop is not waited for.
        """
        if self._over:
            return
        self._over = True
        self._last = answer, last
        self._insisting = asyncio.get_running_loop().call_later(_PATIENCE, self._insist)
        if self._task is not None and self._task is not asyncio.current_task():
            self._cancelled = self._task.cancel()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take what the server sends (ASGI). Raises CancelledError when nobody listens any more: it shall stop."""
        if not self._over:
            kind = message["type"]
            if kind == "http.response.start":
                await self._begin(message)
            elif kind == "http.response.body" and self._events is not None:
                await self._stream(self._events, message)
            elif kind == "http.response.body":
                await self._whole(message)
        if self._last is not None:
            raise asyncio.CancelledError

    async def _begin(self, message: MutableMapping[str, Any]) -> None:
        if self._start is not None:
            return
        headers, types, encodings = self._headers(message.get("headers", ()))
        kinds = {value.partition(b";")[0].strip().lower() for value in types}
        kind = kinds.pop() if kinds else b""
        encoded = any(value.strip().lower() != b"identity" for value in encodings)
        other = message["status"] < HTTPStatus.BAD_REQUEST and kind not in _READ and kind != b""
        if encoded or kinds or other:
            self._spoil(Reason.ENCODED)
            return
        headers += [(_TYPE, kind)] if kind in _READ else [(_TYPE, value) for value in types]
        self._start = {"type": message["type"], "status": message["status"], "headers": headers}
        if kind == _EVENTS:
            self._events = sse.Splitter(_LARGEST)
            await self._send(self._start)
            self._streaming = True

    def _headers(self, headers: Pairs) -> tuple[list[tuple[bytes, bytes]], list[bytes], list[bytes]]:
        """Return the fields as they leave: the session sealed, and nothing about what the guard sees to itself.

        Of the latter, return the media types and the encodings that the server gave.
        """
        kept: list[tuple[bytes, bytes]] = []
        labels: dict[bytes, list[bytes]] = {_TYPE: [], _ENCODING: []}
        for given, value in headers:
            name = given.lower()
            if name in labels:
                labels[name].append(value)
            elif name == _SESSION:
                text = self.screen.seals.seal("session", self.screen.owner, value.decode("latin-1"))
                kept.append((name, text.encode("latin-1")))
            elif name not in _OURS and not name.startswith(b"access-control-"):
                kept.append((name, value))
        return kept, labels[_TYPE], labels[_ENCODING]

    async def _whole(self, message: MutableMapping[str, Any]) -> None:
        """Collect a JSON answer, and let it out when it is complete."""
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if more or self._body:
            self._body += body
            body = b"" if more else bytes(self._body)
        if max(len(self._body), len(body)) > _LARGEST:
            self._spoil(Reason.ENCODED)
        elif not more and self._start is not None:
            await self._out(self._start, body)

    async def _out(self, start: MutableMapping[str, Any], body: bytes) -> None:
        try:
            told, asks = self.screen.told(body) if body else (body, ())
        except Unreadable:
            self._spoil(Reason.ENCODED)
            return
        except Dropped:
            told, asks = b"", ()
        except Refused as refused:
            self._judge.asked(self.seen, refused.ask, allowed=False)
            self._spoil(Reason.ASK_REFUSED)
            return
        if asks and not all(self._judge.asked(self.seen, ask, allowed=True) for ask in asks):
            self._spoil(Reason.SPOOL_FULL)
            return
        self._over = True
        if start["status"] in _BODILESS:
            told = b""
        else:
            start["headers"].append((_LENGTH, b"%d" % len(told)))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": told, "more_body": False})

    async def _stream(self, events: sse.Splitter, message: MutableMapping[str, Any]) -> None:
        more, spoiled = message.get("more_body", False), None
        told: list[bytes] = []
        try:
            # What came before the event that spoils it is still told.
            told.extend(self._event(event) for event in events.feed(message.get("body", b"")))
        except (sse.TooLong, Unreadable):
            spoiled = Reason.ENCODED
        except _Spoiled as error:
            spoiled = error.reason
        more = more or spoiled is not None
        self._over = not more
        body = b"".join(told)
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
        if spoiled is not None:
            self._spoil(spoiled)

    def _event(self, event: sse.Event) -> bytes:
        """Return the event as the client may have it. Raises Unreadable, and _Spoiled when that ends the request."""
        if event.id:
            sealed = self.screen.seals.seal("event", self.screen.owner, event.id.decode("ascii"))
            event = structs.replace(event, id=sealed.encode("ascii"))
        if not event.data:
            return sse.rendered(event)
        try:
            told, asks = self.screen.told(event.data)
        except Dropped:
            return b""
        except Refused as refused:
            self._judge.asked(self.seen, refused.ask, allowed=False)
            return self._unasked(refused.ask, Reason.ASK_REFUSED)
        for ask in asks:
            if not self._judge.asked(self.seen, ask, allowed=True):
                return self._unasked(ask, Reason.SPOOL_FULL)
        return sse.rendered(structs.replace(event, data=told))

    def _unasked(self, ask: Ask, reason: Reason) -> bytes:
        """Leave a request of the server out, and tell it; raises _Spoiled for one in the place of an answer."""
        if not ask.id:
            raise _Spoiled(reason)
        self._decline(ask.id)
        return b""

    def _spoil(self, reason: Reason) -> None:
        """Say something else than the server did, and hear no more of it."""
        if not self._over:
            answer = self._judge.spoiled(self.seen, reason, self.request_id)
            self.end(answer, answer.body)

    def _cancelled_from_outside(self) -> bool:
        return self._task is not None and self._task.cancelling() > self._cancelled

    def _insist(self) -> None:
        """Say the last word beside a server that does not stop."""
        self._saying = asyncio.get_running_loop().create_task(self._last_word())

    async def _last_word(self) -> None:
        if self._last is None:
            return
        answer, last = self._last
        try:
            async with asyncio.timeout(_PATIENCE):
                await (self._close(last) if self._streaming else self._say(answer))
        except Exception:
            log.debug("the client did not hear the last word", exc_info=True)

    async def _close(self, last: bytes) -> None:
        if last:
            await self._send({"type": "http.response.body", "body": sse.message(last), "more_body": True})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _say(self, answer: Answer) -> None:
        await self._send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await self._send({"type": "http.response.body", "body": answer.body})


class _Spoiled(Exception):
    """The stream cannot go on."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
