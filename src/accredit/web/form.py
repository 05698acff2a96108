"""RFC 6749, 3.2: form bodies, read strictly with the standard library."""

from typing import Final
from urllib.parse import parse_qsl

from accredit.web.body import BodyRefused

MAX_BYTES: Final = 65_536
"""The largest form body."""

_MAX_FIELDS: Final = 64


def parse(body: bytes, content_type: str | None) -> list[tuple[str, str]]:
    """Return the fields of a form body in order, blank values too. Raises BodyRefused for anything sloppy."""
    kind, _, parameter = (content_type or "").partition(";")
    if kind.strip().lower() != "application/x-www-form-urlencoded":
        raise BodyRefused(400, "send application/x-www-form-urlencoded")
    if parameter.strip().lower().replace('"', "") not in ("", "charset=utf-8"):
        raise BodyRefused(400, "the form must be UTF-8")
    if not body:
        return []
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise BodyRefused(400, "the form cannot be read") from None
