"""RFC 9110, 8.8.3 and 13.1.1, and RFC 6585, 3: a change says which state it was decided on, by the `ETag` of a read."""

import hashlib
import re
from typing import Annotated, Final

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from accredit.web import errors
from accredit.web.api.fields import View

MATCH: Final = "If-Match"
"""The header that says which state a change was decided on."""

MUST: Final = "The `ETag` of the state that is changed, as the last read gave it; `*` for whatever is there now."
"""What the header is where a change cannot do without."""

_MAY: Final = "The `ETag` of the state that is meant, as the last read gave it; left out: whatever is there now."

IfMatch = Annotated[str | None, Header(alias=MATCH, max_length=1000, description=MUST)]
"""The header, as handlers take it that cannot do without."""

MayMatch = Annotated[str | None, Header(alias=MATCH, max_length=1000, description=_MAY)]
"""The header, as handlers take it that must not wait for a read: what ends something, and what is decided otherwise."""

_TAG: Final = re.compile(r'\s*(W/)?("[!#-~]*")\s*(?:,|$)')


class PreconditionRequired(Exception):
    """The change does not say which state it was decided on."""


class PreconditionFailed(Exception):
    """The state is another one than the change was decided on."""


def etag(view: View) -> str:
    """Return the strong validator of what is shown: it differs whenever the caller would see something else."""
    return f'"{hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:32]}"'


def tagged(response: Response, view: View) -> None:
    """Put the validator of `view` into the answer that shows it."""
    response.headers["ETag"] = etag(view)


def check(given: str | None, present: View, *, required: bool = True) -> None:
    """Raise PreconditionRequired or PreconditionFailed unless `given` (If-Match) names the `present` state.

    What `present` was made of must be read, judged and used without a pause in between.
    """
    if given is None:
        if required:
            raise PreconditionRequired
        return
    if given.strip() != "*" and etag(present) not in _strong(given):
        raise PreconditionFailed


async def on_required(_: Request, __: Exception) -> Response:
    """Answer a change that names no state (RFC 6585, 3)."""
    text = "say which state this changes: send the ETag of the last read as If-Match, or * for whatever is there now"
    return errors.response("precondition_required", 428, text)


async def on_failed(_: Request, __: Exception) -> Response:
    """Answer a change that was decided on another state (RFC 9110, 15.5.13)."""
    return errors.response("stale", 412, "this was changed since it was read; look again, then retry")


def _strong(given: str) -> set[str]:
    """Return the strong tags of the list; a weak one never matches (RFC 9110, 13.1.1), nor does a list with a flaw."""
    found: set[str] = set()
    at = 0
    while (tag := _TAG.match(given, at)) is not None and at < len(given):
        if tag[1] is None:
            found.add(tag[2])
        at = tag.end()
    return found if at == len(given) else set()
