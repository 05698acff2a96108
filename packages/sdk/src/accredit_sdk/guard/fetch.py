"""The guard's only HTTP: one client to Accredit, with limits of time and size, and no redirects."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx2
import msgspec

_LARGEST: Final = 32 * 1024 * 1024
_TIMEOUT: Final = httpx2.Timeout(10, connect=5)
_DEADLINE: Final = 20.0
_LIMITS: Final = httpx2.Limits(max_connections=5, max_keepalive_connections=2)
_FAILURES: Final = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError, OSError)
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Reply(msgspec.Struct, frozen=True):
    """What came back: the status and the whole body."""

    status: int
    body: bytes


class Stream(msgspec.Struct, frozen=True):
    """An answer that goes on: its status, its media type, and its pieces as they come, which raise Unreachable."""

    status: int
    kind: str
    pieces: AsyncIterator[bytes]


class Unreachable(Exception):
    """There was no answer, or one that is too large or too slow. The text names the kind of failure, no content."""


class Fetch(Protocol):
    """What the guard needs of HTTP."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Reply:
        """Send one request and return the reply, whatever its status. Raises Unreachable."""
        ...

    def stream(self, url: str, headers: Mapping[str, str], silence: float) -> AbstractAsyncContextManager[Stream]:
        """Open an answer that goes on until the block ends; `silence` seconds without a piece break it.

        Raises Unreachable.
        """
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


class _Quiet(logging.Filter):
    """Keeps a line for every look at Accredit out of the log of the guarded server."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record stays: all but successes of our own."""
        url = str(record.args[1]) if isinstance(record.args, tuple) and len(record.args) > 1 else ""
        return record.levelno > logging.INFO or not url.startswith(self._base)


class HttpFetch:
    """Fetch over HTTP/1.1. Proxies and certificates of the environment apply, except towards this machine itself."""

    def __init__(self, issuer: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._quiet = _Quiet(issuer + "/")
        logging.getLogger("httpx2").addFilter(self._quiet)
        far = urlsplit(issuer).hostname not in _LOOPBACK
        self._client = httpx2.AsyncClient(
            timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False, trust_env=far, transport=transport
        )

    async def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Reply:
        """Send one request and return the reply, whatever its status. Raises Unreachable."""
        try:
            async with asyncio.timeout(_DEADLINE):
                return await self._send(method, url, headers, content)
        except _FAILURES as error:
            raise Unreachable(type(error).__name__) from None

    async def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Reply:
        body = bytearray()
        async with self._client.stream(method, url, headers=dict(headers), content=content or None) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise Unreachable("the answer is too large")
            return Reply(response.status_code, bytes(body))

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str], silence: float) -> AsyncIterator[Stream]:
        """Open an answer that goes on until the block ends. Raises Unreachable."""
        limits = httpx2.Timeout(_TIMEOUT.write, connect=_TIMEOUT.connect, read=silence)
        try:
            async with self._client.stream("GET", url, headers=dict(headers), timeout=limits) as response:
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                yield Stream(response.status_code, kind, response.aiter_bytes())
        except _FAILURES as error:
            raise Unreachable(type(error).__name__) from None

    async def close(self) -> None:
        """Let go of the connections."""
        logging.getLogger("httpx2").removeFilter(self._quiet)
        await self._client.aclose()
