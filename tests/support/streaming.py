"""An ASGI app at the other end of an httpx2 client, whose answers come piece by piece; httpx2's own waits for all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2


class StreamingTransport(httpx2.AsyncBaseTransport):
    """Runs the app in a task for each stream; closing the answer is closing the connection. The rest comes whole."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._whole = httpx2.ASGITransport(app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request to the app."""
        if not request.url.path.endswith("/stream"):
            return await self._whole.handle_async_request(request)
        connection = _Connection(await request.aread())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "server": (request.url.host, request.url.port),
            "client": ("127.0.0.1", 123),
        }
        connection.task = asyncio.create_task(self._app(scope, connection.receive, connection.send))
        connection.task.add_done_callback(lambda _: connection.pieces.put_nowait(None))
        start = await connection.pieces.get()
        assert isinstance(start, dict), "the app said nothing"
        patience = request.extensions.get("timeout", {}).get("read")
        return httpx2.Response(start["status"], headers=start["headers"], stream=_Body(connection, patience))


class _Connection:
    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.pieces: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.task: asyncio.Task[None]

    async def receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if not self.gone.is_set():
            self.pieces.put_nowait(message)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, connection: _Connection, patience: float | None) -> None:
        self._connection = connection
        self._patience = patience

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._patience):
                    message = await self._connection.pieces.get()
            except TimeoutError:
                raise httpx2.ReadTimeout("silence") from None
            if message is None:
                if self._connection.task.exception() is not None:
                    raise httpx2.ReadError("cut off")
                return
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    async def aclose(self) -> None:
        self._connection.gone.set()
        await asyncio.gather(self._connection.task, return_exceptions=True)
