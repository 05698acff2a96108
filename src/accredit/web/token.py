"""RFC 6749, 3.2: the token endpoint over HTTP. A hot path, so plain ASGI."""

import logging
from time import perf_counter

import msgspec
from starlette.types import Receive, Scope, Send

from accredit.oauth import token_request
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.ports.clock import Clock
from accredit.ports.measures import ISSUED, Measures, Traces
from accredit.service.token import Refused, Token, TokenService
from accredit.web import form
from accredit.web.body import BodyRefused, read
from accredit.web.trail import trail
from accredit_sdk import traceparent
from accredit_sdk.traceparent import Trace

_log = logging.getLogger("accredit.web")
_encode = msgspec.json.Encoder().encode
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"access-control-allow-origin", b"*"),
]
_PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, MCP-Protocol-Version, DPoP"),
    (b"access-control-max-age", b"600"),
]


class TokenEndpoint:
    """The ASGI application behind `/token`."""

    def __init__(self, service: TokenService, measures: Measures, traces: Traces, clock: Clock) -> None:
        self._service = service
        self._measures = measures
        self._traces = traces
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await _other_method(scope["method"], send)
            return
        began = perf_counter()
        try:
            authorization, content_type, trace = _headers(scope)
            grant, answer = await self._answer(scope, receive, authorization, content_type)
        except BodyRefused as refused:
            self._measures.answered("", ErrorCode.INVALID_REQUEST.value, perf_counter() - began)
            await _send(send, refused.status, _error(ErrorCode.INVALID_REQUEST, refused.text))
            return
        result = ISSUED if isinstance(answer, Token) else answer.refusal.code.value
        seconds = perf_counter() - began
        self._measures.answered(grant, result, seconds)
        if trace is not None and trace.sampled is not None:
            self._traces.answered(trace.sampled, answer.decision, grant, result, self._clock.now(), seconds)
        if isinstance(answer, Token):
            body = {"access_token": answer.access_token, "token_type": "Bearer", "expires_in": answer.expires_in}
            await _send(send, 200, _encode(body | {"scope": answer.scope}), answer.decision)
            return
        await _refuse(scope, send, answer)

    async def _answer(
        self, scope: Scope, receive: Receive, authorization: str | None, content_type: str | None
    ) -> tuple[str, Token | Refused]:
        """Return the grant that was asked for, as far as it is known, and the answer."""
        body = await read(receive, form.MAX_BYTES)
        if scope["query_string"]:
            raise BodyRefused(400, "parameters belong into the body, never into the URL")
        request = token_request.parse(form.parse(body, content_type), authorization)
        if isinstance(request, Refusal):
            return "", Refused(request, "")
        client = scope.get("client")
        return request.grant_type, await self._service.issue(request, client[0] if client else "")


def _headers(scope: Scope) -> tuple[str | None, str | None, Trace | None]:
    """Return the headers that matter, of which there may be one each, and what `traceparent` says."""
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


def _error(code: ErrorCode, description: str) -> bytes:
    return _encode({"error": code.value, "error_description": _printable(description)})


def _printable(text: str) -> str:
    """RFC 6749, 5.2 allows printable ASCII without quote and backslash."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    refusal = refused.refusal
    if refusal.code is ErrorCode.TEMPORARILY_UNAVAILABLE:
        ids = {"decision": refused.decision, **trail(scope["headers"])}
        _log.warning("a token request could not be decided: %s", refusal.reason, extra=ids)
    extra = []
    if refusal.code is ErrorCode.INVALID_CLIENT:
        extra.append((b"www-authenticate", b'Basic realm="token"'))
    if refused.retry_after is not None:
        extra.append((b"retry-after", str(refused.retry_after).encode()))
    await _send(send, refusal.status, _error(refusal.code, refusal.description), refused.decision, extra)


async def _other_method(method: str, send: Send) -> None:
    if method == "OPTIONS":
        await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
        await send({"type": "http.response.body", "body": b""})
        return
    await _send(send, 405, _error(ErrorCode.INVALID_REQUEST, "use POST"), extra=[(b"allow", b"POST, OPTIONS")])


async def _send(
    send: Send, status: int, body: bytes, decision: str = "", extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
    if decision:
        headers.append((b"accredit-decision", decision.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers + (extra or [])})
    await send({"type": "http.response.body", "body": body})
