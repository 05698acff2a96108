"""RFC 9112: the limits of a connection: the size and the time of headers, and those that must not repeat."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES: Final = 32_768
"""Bytes of request line and headers; more is answered with 431 (RFC 6585, 5)."""

HEADER_SECONDS: Final = 10.0
"""Within this time the headers of a request must be complete."""

_SINGLE: Final = frozenset({b"host", b"authorization", b"content-type", b"content-length"})

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class HeadersRefused(ValueError):
    """A header that must be single came twice, or the headers are too large."""


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's fast protocol with bounded headers. Costs one comparison a request when nothing is wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and count what comes before the end of the headers."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEADER_BYTES:
                self._refuse(_TOO_LARGE)
            elif self._head_bytes and self._deadline is None:
                self._deadline = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; refuse a trailer (RFC 9112, 7.1.2), which would come after everything was judged."""
        if not self._in_head:
            raise HeadersRefused("a header came after the body")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Judge the headers as a whole before any application sees them."""
        self._in_head = False
        self._head_bytes = 0
        if self._deadline is not None:
            self._stop_waiting()
        _check(self.headers, len(self.url))
        super().on_headers_complete()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(_TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        self._stop_waiting()
        self.transport.write(answer)
        self.transport.close()


def _check(headers: list[tuple[bytes, bytes]], size: int) -> None:
    seen: set[bytes] = set()
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name in _SINGLE or name.startswith(b"mcp-"):
            if name in seen:
                raise HeadersRefused("a header that must be single came twice")
            seen.add(name)
    if size > MAX_HEADER_BYTES:
        raise HeadersRefused("the headers are too large")
