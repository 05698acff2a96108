"""RFC 8259: what a request must be before the framework sees it: bounded, and JSON of exactly one meaning."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accredit.web import errors
from accredit.web.body import BodyRefused, check_type, read
from accredit_sdk import strict_json

MAX_BYTES: Final = 1024 * 1024
"""The largest request body."""

MANIFEST_BYTES: Final = 16 * 1024 * 1024
"""The largest request body that carries a file of servers, roles and agents."""

_MAX_PARAMETERS: Final = 32


class Gate:
    """Refuses bodies that are too large or that two parsers could read differently, and repeated query parameters.

    `larger` maps paths to what a body may have there, in bytes, when that is more than usual.
    Answers that pass are never stored by anybody: some hold a secret that is shown once.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        self._app = app
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem document."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def unstored(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Cache-Control"] = "no-store"
            await send(message)

        try:
            _check_query(scope["query_string"])
            body = await read(receive, self._larger.get(scope["path"], MAX_BYTES))
            if body:
                _check_body(body, Headers(scope=scope).getlist("content-type"))
        except BodyRefused as refused:
            await errors.response("invalid", refused.status, refused.text)(scope, receive, unstored)
            return
        await self._app(scope, _replay(body, receive), unstored)


def _check_query(query: bytes) -> None:
    try:
        found = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError:
        raise BodyRefused(400, "the query cannot be read") from None
    names = [name for name, _ in found]
    if len(set(names)) != len(names):
        raise BodyRefused(400, "a query parameter appears more than once")


def _check_body(body: bytes, content_types: list[str]) -> None:
    check_type(content_types, "application/json")
    try:
        strict_json.decode(body)
    except ValueError:
        raise BodyRefused(400, "the body is not JSON, or a member of an object in it appears more than once") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that was read already, and then whatever comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
