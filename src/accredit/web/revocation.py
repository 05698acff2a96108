"""RFC 7009: the revocation endpoint over HTTP."""

from starlette.types import Receive, Scope, Send

from accredit.oauth import revocation
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.service.revocation import Answered, RevocationService
from accredit.web import client_form, form
from accredit.web.body import BodyRefused, read


class RevocationEndpoint:
    """The ASGI application behind `/revoke`."""

    def __init__(self, service: RevocationService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await client_form.other_method(scope["method"], send)
            return
        try:
            found = await self._answer(scope, receive)
        except BodyRefused as refused:
            body = client_form.error(ErrorCode.INVALID_REQUEST, refused.text)
            await client_form.answer(send, refused.status, body)
            return
        if found.refusal is None:
            await client_form.answer(send, 200, b"{}", found.decision)
        else:
            await client_form.refuse(send, found.refusal, found.decision, found.retry_after)

    async def _answer(self, scope: Scope, receive: Receive) -> Answered:
        authorization, content_type, _ = client_form.headers(scope)
        body = await read(receive, form.MAX_BYTES)
        if scope["query_string"]:
            raise BodyRefused(400, "parameters belong into the body, never into the URL")
        request = revocation.parse(form.parse(body, content_type), authorization)
        if isinstance(request, Refusal):
            return Answered(request, "")
        client = scope.get("client")
        return await self._service.revoke(request, client[0] if client else "")
