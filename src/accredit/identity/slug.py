"""Slugs: the names that people, the CLI and files use for a noun, unique among its kind."""

import re
from typing import Final

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


class SlugError(ValueError):
    """The text cannot be a slug; the message says what a slug looks like."""


def slug(text: str) -> str:
    """Return `text` when it is a slug: 1 to 64 of a-z, 0-9 and inner hyphens. Raises SlugError."""
    if _SLUG.fullmatch(text) is None or "--" in text:
        raise SlugError("a name is 1 to 64 lower-case letters, digits and single inner hyphens, like billing-bot")
    return text
