"""Fetch, 3.2 (CORS): which pages may read what the guard and the server answer. Pure.

A page is let in by its origin alone (`hosts.Neighbours`); the server's own CORS headers never count.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, TypeAlias

from accredit_sdk.guard.answers import Answer
from accredit_sdk.guard.headers import Fields

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
"""Header fields as ASGI has them."""

_EXPOSED: Final = b"WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce"
_METHODS: Final = b"GET, POST, DELETE"
_ALLOWED: Final = frozenset(
    b"accept authorization content-type dpop last-event-id traceparent tracestate baggage".split()
)
_MCP: Final = re.compile(rb"mcp-[a-z0-9-]+")
_ALLOW: Final = b"access-control-allow-origin"
_EXPOSE: Final = b"access-control-expose-headers"
_OURS: Final = frozenset({_ALLOW, _EXPOSE, b"access-control-allow-credentials"})


def asks(method: str, fields: Fields) -> bool:
    """Tell whether a browser asks beforehand (Fetch, 4.8)."""
    return method == "OPTIONS" and b"access-control-request-method" in fields and b"origin" in fields


def preflight(fields: Fields) -> Answer:
    """Return the answer to a page that was let in: it may send what MCP clients send, and no other header."""
    wanted = fields.get(b"access-control-request-headers", b"").lower().split(b",")
    names = [name for name in (one.strip() for one in wanted) if name in _ALLOWED or _MCP.fullmatch(name)]
    headers = [(b"access-control-allow-methods", _METHODS), (b"access-control-max-age", b"600")]
    if names:
        headers.append((b"access-control-allow-headers", b", ".join(names)))
    return Answer(HTTPStatus.NO_CONTENT, tuple(headers), b"")


def readable(headers: Headers, origin: bytes) -> list[tuple[bytes, bytes]]:
    """Return the header fields of an answer to a page of `origin`, which may read it."""
    kept = [pair for pair in headers if pair[0].lower() not in _OURS]
    return [*kept, (_ALLOW, origin), (_EXPOSE, _EXPOSED), (b"vary", b"Origin")]
