"""RFC 3339: times as the management API writes them, in UTC and to the microsecond."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_FORM: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def render(at: int | None) -> str | None:
    """Return the time `at` (microseconds UTC) as text; None for none, and for one outside the years 1 to 9999."""
    if at is None:
        return None
    try:
        moment = _EPOCH + timedelta(microseconds=at)
    except OverflowError:
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse(text: str) -> int:
    """Return microseconds UTC. Raises ValueError unless `text` is a time as RFC 3339, 5.6 writes it, with its zone."""
    if _FORM.fullmatch(text) is None:
        raise ValueError("must be a time like 2026-12-31T23:59:59Z")
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise ValueError("must be a time that exists, like 2026-12-31T23:59:59Z") from None
