"""What the members of request bodies may be: bounded, printable, and of one meaning."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from accredit.identity import times
from accredit.identity.credential import resembles
from accredit.identity.pin import Pin
from accredit.identity.schema import LONGEST_LIST, LONGEST_NAME, LONGEST_TEXT
from accredit.identity.slug import slug
from accredit.service.problem import Problem, ProblemCode
from accredit_sdk import scopes as words

LARGEST_PAGE: Final = 200
"""Items on a page."""

CURSOR: Final = "The `next` of the page before; left out for the first one."
"""What a cursor is."""

Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="How many items the page may hold.")]
"""How many items a page may hold."""

_LONGEST_SPAN: Final = 100 * 365 * 24 * 3600


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of visible characters")
    if resembles(text):
        raise ValueError("looks like a secret or a token; no text for people holds one")
    return text


def _without_default(shown: dict[str, Any]) -> None:
    """Take the default out of a schema: it stands for none inside, and is nothing that could be sent."""
    del shown["default"]


def _instant(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a time like 2026-12-31T23:59:59Z")
    return times.parse(value)


Slug = Annotated[
    str,
    AfterValidator(slug),
    WithJsonSchema({"type": "string", "maxLength": 64, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}),
]
"""The slug of a noun."""

_SEGMENT: Final = r"[!#-9;-\[\]-~]+"

Word = Annotated[
    str,
    AfterValidator(words.word),
    WithJsonSchema({"type": "string", "maxLength": words.LONGEST, "pattern": f"^{_SEGMENT}(:{_SEGMENT})*$"}),
]
"""A scope word (RFC 6749, 3.3)."""

Words = Annotated[tuple[Word, ...], Field(max_length=LONGEST_LIST)]
"""Scope words; their order does not matter."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NAME), AfterValidator(_printable)]
"""A name for people: one line."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT), AfterValidator(_printable)]
"""A sentence for people: one line."""

Instant = Annotated[int, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time: RFC 3339 outside, microseconds UTC inside."""

PinText = Annotated[
    str,
    AfterValidator(lambda text: Pin.parse(text).render()),
    WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z0-9_-]{43}(\.[A-Za-z0-9_-]{43}){2}$"}),
]
"""A pin: what a server said about a tool, as digests."""

Span = Annotated[int, Field(strict=True, gt=0, le=_LONGEST_SPAN)]
"""A span of time in seconds."""

Flag = Annotated[bool, Field(strict=True)]
"""true or false, and nothing that looks like it."""


class Body(BaseModel):
    """What every request body is: exactly the members that are named."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class View(BaseModel):
    """What every answer is."""

    model_config = ConfigDict(frozen=True)


class Page(Body):
    """Which page of a list is wanted: at most `limit` items that follow the one with the slug `cursor`."""

    cursor: Slug = Field(default="", description=CURSOR, json_schema_extra=_without_default)
    limit: Limit = 50


def example(**members: Any) -> ConfigDict:
    """Return the configuration of a body whose schema shows `members` as what may be sent."""
    return ConfigDict(json_schema_extra={"examples": [members]})


def end(now: int, at: int | None, seconds: int | None) -> int | None:
    """Return the end that was given as a time or as seconds from `now`, or None. Raises Problem for both at once."""
    if at is not None and seconds is not None:
        raise Problem(ProblemCode.INVALID, "say when it ends as a time or as seconds from now, not both")
    return at if seconds is None else now + seconds * 1_000_000
