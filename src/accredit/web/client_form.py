"""RFC 6749, 2.3 and 5.2: what the endpoints have in common where clients authenticate with a form. A hot path."""

from typing import Final

import msgspec
from starlette.types import Scope, Send

from accredit.oauth.errors import ErrorCode, Refusal
from accredit.web.body import BodyRefused
from accredit_sdk import traceparent
from accredit_sdk.traceparent import Trace

Headers = list[tuple[bytes, bytes]]
"""The fields of an answer, as ASGI has them."""

_encode = msgspec.json.Encoder().encode
_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"access-control-allow-origin", b"*"),
]
_PREFLIGHT: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, MCP-Protocol-Version, DPoP"),
    (b"access-control-max-age", b"600"),
]


def headers(scope: Scope) -> tuple[str | None, str | None, Trace | None]:
    """Return `Authorization`, `Content-Type` (there may be one of each) and what `traceparent` says.

    Raises BodyRefused.
    """
    found: dict[bytes, str] = {}
    trace: Trace | None = None
    for name, value in scope["headers"]:
        if name in (b"authorization", b"content-type"):
            if name in found:
                raise BodyRefused(400, f"the header {name.decode()} appears more than once")
            found[name] = value.decode("latin-1")
        elif name == b"traceparent":
            trace = traceparent.read(value)
    return found.get(b"authorization"), found.get(b"content-type"), trace


def error(code: ErrorCode, description: str) -> bytes:
    """Return the body that tells of an error (RFC 6749, 5.2)."""
    return _encode({"error": code.value, "error_description": _printable(description)})


def _printable(text: str) -> str:
    """RFC 6749, 5.2 allows printable ASCII without quote and backslash."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)


async def refuse(send: Send, refusal: Refusal, decision: str, retry_after: int | None) -> None:
    """Answer with a refusal; `retry_after` is in seconds, or None."""
    extra: Headers = []
    if refusal.code is ErrorCode.INVALID_CLIENT:
        extra.append((b"www-authenticate", b'Basic realm="token"'))
    if retry_after is not None:
        extra.append((b"retry-after", str(retry_after).encode()))
    await answer(send, refusal.status, error(refusal.code, refusal.description), decision, extra)


async def other_method(method: str, send: Send) -> None:
    """Answer what is no POST."""
    if method == "OPTIONS":
        await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
        await send({"type": "http.response.body", "body": b""})
        return
    await answer(send, 405, error(ErrorCode.INVALID_REQUEST, "use POST"), extra=[(b"allow", b"POST, OPTIONS")])


async def answer(send: Send, status: int, body: bytes, decision: str = "", extra: Headers | None = None) -> None:
    """Send a whole answer, which nobody may keep."""
    fields = [*_HEADERS, (b"content-length", str(len(body)).encode())]
    if decision:
        fields.append((b"accredit-decision", decision.encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields + (extra or [])})
    await send({"type": "http.response.body", "body": body})
