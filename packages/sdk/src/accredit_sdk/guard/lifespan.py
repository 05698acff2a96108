"""ASGI lifespan: the guard begins before the app that it wraps, ends after it, and needs no lifespan of that app."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
"""An ASGI message."""

log = logging.getLogger("accredit_sdk.guard")


class Lifespan:
    """One lifespan connection: `start` is awaited first, `stop` before the server hears that all has ended."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._start = start
        self._stop = stop
        self._answered = False
        self._asked = False

    async def run(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Serve the connection."""
        await self._start()

        async def heard() -> Message:
            message = await receive()
            self._asked = True
            return message

        async def said(message: Message) -> None:
            kind = message["type"]
            if kind == "lifespan.startup.failed" or kind.startswith("lifespan.shutdown."):
                await self._stop()
            self._answered = True
            await send(message)

        try:
            await self._app(scope, heard, said)
        except Exception:
            if self._answered:
                await self._stop()
                raise
            log.debug("the wrapped app knows no lifespan", exc_info=True)
        if not self._answered:
            await self._alone(receive, send)
        await self._stop()

    async def _alone(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Serve the connection in the place of an app that did not."""
        if not self._asked:
            await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})
