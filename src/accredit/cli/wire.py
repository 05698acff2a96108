"""HTTP to a server that nobody vouches for: so many bytes, so much time, and what went wrong is remembered."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx2

MOST_BYTES: Final = 8 * 1024 * 1024
"""The most bytes that are read of all answers together."""


class TooMuch(httpx2.ReadError):
    """More was sent than is read."""


class Wire(httpx2.AsyncBaseTransport):
    """A transport within bounds. The MCP client words failures in its own way, so the first of them is kept here.

    `status` is that of the last answer to a POST, 0 before any; `error` what broke a request, or the bound that it met.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, seconds: float, most_bytes: int = MOST_BYTES) -> None:
        self.status = 0
        self.error: httpx2.RequestError | None = None
        self._inner = inner
        self._left = most_bytes
        self._until = asyncio.get_running_loop().time() + seconds

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request on, unless there was trouble already or the time is over."""
        if self.error is not None:
            raise self.error
        # Nothing is unpacked: a few bytes could become very many.
        request.headers["accept-encoding"] = "identity"
        try:
            async with asyncio.timeout_at(self._until):
                response = await self._inner.handle_async_request(request)
        except TimeoutError:
            raise self._failed(httpx2.ReadTimeout("no answer in time")) from None
        except httpx2.TransportError as error:
            raise self._failed(error) from error
        if request.method == "POST":
            self.status = response.status_code
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._failed(httpx2.DecodingError("the answer is packed, which was not asked for"))
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Counted(response, self),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def take(self, count: int) -> None:
        """Count bytes that have come. Raises TooMuch."""
        self._left -= count
        if self._left < 0:
            raise self._failed(TooMuch("the answers are too long"))

    def _failed(self, error: httpx2.RequestError) -> httpx2.RequestError:
        if self.error is None:
            self.error = error
        return error


class _Counted(httpx2.AsyncByteStream):
    """The body of an answer, counted as it comes."""

    def __init__(self, response: httpx2.Response, wire: Wire) -> None:
        self._response = response
        self._wire = wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.stream:  # type: ignore[union-attr]  # (a transport answers in a stream)
            self._wire.take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()
