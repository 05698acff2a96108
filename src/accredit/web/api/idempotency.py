"""draft-ietf-httpapi-idempotency-key-header: what makes something is done once, however often the request comes.

What a repetition is answered with is kept in the transaction of what was made: with or without it, never between.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from accredit.identity.answer import KeptAnswer
from accredit.service.once import Once, Repeated, Shown
from accredit.service.problem import Problem, ProblemCode
from accredit.web import errors
from accredit.web.api.fields import View
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import etag
from accredit.web.api.routes import services_of

KEY: Final = "Idempotency-Key"
"""The header with the key of a request that may come again."""

REPLAYED: Final = "Idempotency-Replayed"
"""The header of an answer that was given before."""

_ABOUT: Final = (
    "A key of the caller's choice, 1 to 255 visible characters, with or without quotation marks. The same request with "
    "the same key is carried out once, and answered alike for at least 24 hours, without a secret."
)
_FORM: Final = r'^("[!#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$'
_SECRETS: Final = ("secret", "code")
_ASKED: Final = "asked"

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may come again: the digests of its key and of itself, and the status that it ends with."""

    key: bytes
    request: bytes
    status: int


class Known(Exception):
    """The key of the request was used before, for what `kept` was the answer to."""

    def __init__(self, kept: KeptAnswer, request: bytes) -> None:
        super().__init__()
        self.kept = kept
        self.request = request


async def _asked(
    request: Request,
    who: Who,
    key: Annotated[str | None, Header(alias=KEY, pattern=_FORM, description=_ABOUT)] = None,
) -> Asked | None:
    """Return the digests of a request with a key, None for one without. Raises Known when the key was used before."""
    if key is None:
        return None
    if len(request.headers.getlist(KEY)) != 1:
        raise Problem(ProblemCode.INVALID, f"send one {KEY}")
    found = Asked(_digest(who.name, key.strip('"')), await _request(request), request.scope["route"].status_code or 200)
    kept = await services_of(request).answers.find(found.key)
    if kept is not None:
        raise Known(kept, found.request)
    request.scope["state"][_ASKED] = found
    return found


Repeatable = Annotated[Asked | None, Depends(_asked)]
"""The request, as handlers take it that make something."""


def once(asked: Asked | None, view: Callable[[Made], View], *, tag: bool = False) -> Once[Made] | None:
    """Return how a request with a key is carried out once; `view` shows what it makes, `tag` says: with an ETag."""
    if asked is None:
        return None

    def shown(made: Made) -> Shown:
        found = _without_secret(view(made))
        return Shown(asked.status, etag(found) if tag else "", found.model_dump_json().encode())

    return Once(asked.key, asked.request, shown)


def _without_secret(view: View) -> View:
    return view.model_copy(update={name: None for name in _SECRETS if name in type(view).model_fields})


async def on_known(_: Request, error: Exception) -> Response:
    """Answer as before, or refuse a key that was used for something else."""
    if not isinstance(error, Known):
        raise error
    if error.kept.request != error.request:
        text = f"this {KEY} was used for another request; take a new key for a new request"
        return errors.response("key_reused", 422, text)
    headers = {REPLAYED: "true"} | ({"ETag": error.kept.tag} if error.kept.tag else {})
    return Response(error.kept.answer, error.kept.status, headers, "application/json")


async def on_repeated(request: Request, error: Exception) -> Response:
    """Answer one of several equal requests that came at once, and was not the first."""
    if not isinstance(error, Repeated):
        raise error
    kept = await services_of(request).answers.find(error.key)
    if kept is None:
        return errors.answer(Problem(ProblemCode.UNAVAILABLE, "another request with this key is under way; try again"))
    return await on_known(request, Known(kept, await _request(request)))


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer what a service could not do; what an equal request stands in the way of is answered as that one was."""
    asked = request.scope["state"].get(_ASKED)
    if isinstance(asked, Asked):
        kept = await services_of(request).answers.find(asked.key)
        if kept is not None:
            return await on_known(request, Known(kept, asked.request))
    return await errors.on_problem(request, error)


async def _request(request: Request) -> bytes:
    """Return the digest of what is asked for, whatever the order of the members."""
    body = await request.body()
    said = json.loads(body) if body else None
    return _digest(request.method, request.url.path, request.url.query, json.dumps(said, sort_keys=True))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
