"""Request bodies, read within a size and a time."""

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.types import Message, Receive

SECONDS: Final = 30
"""How long a body may take to arrive."""


class BodyRefused(Exception):
    """The body will not be read; `status` is the HTTP status to answer with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def check_type(content_types: Sequence[str], wanted: str) -> None:
    """Raise BodyRefused unless there is one `Content-Type`, and it is `wanted`, whatever its parameters."""
    kind = content_types[0].partition(";")[0].strip().lower() if len(content_types) == 1 else ""
    if kind != wanted:
        raise BodyRefused(415, f"send {wanted}")


async def read(receive: Receive, limit: int) -> bytes:
    """Return the whole body. Raises BodyRefused above `limit` bytes, when it is too slow or when the client leaves."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return _within(message.get("body", b""), limit)
    try:
        async with asyncio.timeout(SECONDS):
            return await _collect(message, receive, limit)
    except TimeoutError:
        raise BodyRefused(408, f"the body did not arrive within {SECONDS} seconds") from None


async def _collect(message: Message, receive: Receive, limit: int) -> bytes:
    parts = bytearray()
    while message["type"] == "http.request":
        parts += message.get("body", b"")
        _within(parts, limit)
        if not message.get("more_body", False):
            return bytes(parts)
        message = await receive()
    raise BodyRefused(400, "the client went away")


def _within(data: bytes | bytearray, limit: int) -> bytes:
    if len(data) > limit:
        raise BodyRefused(413, f"the body is larger than {limit} bytes")
    return bytes(data)
