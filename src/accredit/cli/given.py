"""What people type for values: pairs, spans of time, moments."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from accredit.cli.trouble import usage

_SPAN: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def pair(text: str, option: str, form: str) -> tuple[str, str]:
    """Return the two sides of the first `=`. Raises Trouble."""
    left, found, right = text.partition("=")
    if not found or not left:
        raise usage(f"{option} {text[:80]!r}: write {form}")
    return left, right


def pairs(texts: Iterable[str], option: str, form: str) -> dict[str, list[str]]:
    """Return left sides with all their right sides, in the order in which they were typed; empty ones add nothing."""
    found: dict[str, list[str]] = {}
    for text in texts:
        left, right = pair(text, option, form)
        found.setdefault(left, []).extend([right] if right else [])
    return found


def span(text: str) -> int | None:
    """Return the seconds of a span like 90d, 12h or 30m; None when it is not one."""
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found is not None else None


def ending(text: str | None, name: str) -> dict[str, Any]:
    """Return the members for an end: `{name}_in` for a span from now, else `{name}_at`; nothing without `text`."""
    if text is None:
        return {}
    seconds = span(text)
    return {f"{name}_at": text} if seconds is None else {f"{name}_in": seconds}


def lasting(text: str | None, name: str) -> dict[str, Any]:
    """Return the members for an end as `ending` does, or for `never` those that take the end away."""
    return {f"{name}_at": None} if text == "never" else ending(text, name)


def past(text: str | None) -> str | None:
    """Return a moment: as typed, or a span like 2h counted back from now."""
    seconds = span(text) if text is not None else None
    if seconds is None:
        return text
    return (datetime.now(UTC) - timedelta(seconds=seconds)).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def role_ends(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return roles with their ends, typed as ROLE or ROLE=WHEN."""
    parts = (text.partition("=") for text in texts)
    return {role: ending(when if found else None, "ends") for role, found, when in parts}
