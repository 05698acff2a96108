"""The stream of signals over HTTP: server-sent events (WHATWG HTML, 9.2), one connection for each guard."""

import asyncio
import contextlib
import logging
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from accredit.service.guard_streams import GuardStream, GuardStreams

_STALLED: Final = 15.0
"""Seconds that a guard may take to take in what was sent."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

_log = logging.getLogger("accredit.web")


class EventStream(Response):
    """Passes a stream on until it is over, the guard has gone, or does not read what it is sent."""

    def __init__(self, streams: GuardStreams, stream: GuardStream) -> None:
        super().__init__()
        self._streams = streams
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        """Serve the connection (ASGI 3)."""
        leaving = asyncio.create_task(self._left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (events := await self._stream.next()) is not None:
                async with asyncio.timeout(_STALLED):
                    await send({"type": "http.response.body", "body": events, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            _log.warning("a guard does not read its signals: %s", self._stream.caller.principal.client.slug)
        finally:
            self._streams.discard(self._stream)
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving

    async def _left(self, receive: Receive) -> None:
        """End the stream when the guard closes the connection."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.end()
