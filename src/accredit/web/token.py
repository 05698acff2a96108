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
from accredit.web import client_form, form
from accredit.web.body import BodyRefused, read
from accredit.web.trail import trail

_log = logging.getLogger("accredit.web")
_encode = msgspec.json.Encoder().encode


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
            await client_form.other_method(scope["method"], send)
            return
        began = perf_counter()
        try:
            authorization, content_type, trace = client_form.headers(scope)
            grant, answer = await self._answer(scope, receive, authorization, content_type)
        except BodyRefused as refused:
            self._measures.answered("", ErrorCode.INVALID_REQUEST.value, perf_counter() - began)
            await client_form.answer(send, refused.status, client_form.error(ErrorCode.INVALID_REQUEST, refused.text))
            return
        result = ISSUED if isinstance(answer, Token) else answer.refusal.code.value
        seconds = perf_counter() - began
        self._measures.answered(grant, result, seconds)
        if trace is not None and trace.sampled is not None:
            self._traces.answered(trace.sampled, answer.decision, grant, result, self._clock.now(), seconds)
        if isinstance(answer, Token):
            body = {"access_token": answer.access_token, "token_type": "Bearer", "expires_in": answer.expires_in}
            await client_form.answer(send, 200, _encode(body | {"scope": answer.scope}), answer.decision)
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


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    refusal = refused.refusal
    if refusal.code is ErrorCode.TEMPORARILY_UNAVAILABLE:
        ids = {"decision": refused.decision, **trail(scope["headers"])}
        _log.warning("a token request could not be decided: %s", refusal.reason, extra=ids)
    await client_form.refuse(send, refusal, refused.decision, refused.retry_after)
