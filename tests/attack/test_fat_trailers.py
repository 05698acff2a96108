"""fat_and_slow_headers, at the end of a body: a node takes no trailers, which come after its limits were looked at."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from accredit.web.server import LimitedProtocol
from tests.support.served import listening, served

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


async def test_a_trailer_is_refused_and_the_message_never_ends() -> None:
    finished: list[bool] = []

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
        finished.append(message["type"] == "http.request")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b""})

    async def told(trailers: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        writer.write(HEAD + trailers + b"\r\n")
        async with asyncio.timeout(10):
            answer = await reader.readline()
        writer.close()
        return answer

    listener, _ = listening()
    with served(app, listener, http=LimitedProtocol, lifespan="off"):
        assert b" 200 " in await told(b"")
        for trailers in (b"X: y\r\n", b"Authorization: Bearer other\r\n", b"X: y\r\n" * 10_000):
            assert b" 400 " in await told(trailers)
        assert b" 200 " in await told(b"")
    assert [found for found in finished if found] == [True, True]
