"""RFC 3339: times as text, in UTC and to the microsecond, by arithmetic alone: the pure floors know no clock."""

import re
from typing import Final

_FORM: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_ERA: Final = 146_097
"""Days in 400 years: the Gregorian calendar repeats itself."""
_EPOCH: Final = 719_468
"""Days from the first of March of the year 0 to the first of January 1970."""
_FIRST: Final = -62_135_596_800 * _SECOND
_END: Final = 253_402_300_800 * _SECOND
"""The years 1 to 9999."""


def render(at: int | None) -> str | None:
    """Return the time `at` (microseconds UTC) as text; None for none, and for one outside the years 1 to 9999."""
    if at is None or not _FIRST <= at < _END:
        return None
    days, rest = divmod(at, _DAY)
    seconds, micros = divmod(rest, _SECOND)
    year, month, day = _civil(days)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds % 60:02}.{micros:06}Z"


def short(at: int) -> str:
    """Return the time `at` (microseconds UTC, in the years 1 to 9999) as people write it: no empty fraction."""
    text = render(at)
    if text is None:
        raise ValueError("a time lies in the years 1 to 9999")
    return text.replace(".000000Z", "Z")


def parse(text: str) -> int:
    """Return microseconds UTC. Raises ValueError unless `text` is a time as RFC 3339, 5.6 writes it, with its zone."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("must be a time like 2026-12-31T23:59:59Z")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    days = _days(year, month, day)
    away = int(found[9] or 0) * 60 + int(found[10] or 0)
    exists = 1 <= month <= 12 and year and _civil(days) == (year, month, day)
    if not exists or hour > 23 or minute > 59 or second > 59 or int(found[10] or 0) > 59 or away >= 1440:
        raise ValueError("must be a time that exists, like 2026-12-31T23:59:59Z")
    micros = int((found[7] or "").ljust(6, "0"))
    at = days * _DAY + (hour * 3600 + minute * 60 + second) * _SECOND + micros
    at -= (away if found[8] == "+" else -away) * 60 * _SECOND
    if not _FIRST <= at < _END:
        raise ValueError("must be a time in the years 1 to 9999, in UTC")
    return at


def _civil(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a day counted from 1970-01-01; years begin in March, so leap days come last."""
    era, day = divmod(days + _EPOCH, _ERA)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    return era * 400 + year + (month > 9), (month + 2) % 12 + 1, day + 1


def _days(year: int, month: int, day: int) -> int:
    """Return the day as a number from 1970-01-01; one that does not exist counts on from one that does."""
    year -= month <= 2
    era, year = divmod(year, 400)
    shifted = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * _ERA + 365 * year + year // 4 - year // 100 + shifted - _EPOCH
