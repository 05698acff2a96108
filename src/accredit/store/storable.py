"""What no database keeps, found before it gets there: the same answer on both engines, and nothing half written."""

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Final

from accredit.ports.journal import Unstorable

KEY_BYTES: Final = 800
"""The longest text (UTF-8 bytes) that may be part of a key; PostgreSQL indexes 2704 bytes, and keys have three."""

PROSE_BYTES: Final = 20_000
"""The longest text (UTF-8 bytes) of the fields that only people read."""

_PROSE: Final = frozenset({"description", "purpose", "owner", "sponsor", "url"})
_LIMIT: Final = 2**63


def check(value: object, name: str = "value") -> None:
    """Raise Unstorable unless every text and number inside `value` (of our dataclasses and containers) can be kept."""
    kind = type(value)
    if isinstance(value, str):
        _check_text(value, name)
    elif isinstance(value, int):
        if not -_LIMIT <= value < _LIMIT:
            raise Unstorable(f"{name} is too big a number")
    elif is_dataclass(kind):
        for field in _names(kind):
            check(getattr(value, field), field)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            check(key, name)
            check(item, name)
    elif isinstance(value, tuple | list | Set):
        for item in value:
            check(item, name)


@lru_cache(maxsize=64)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _check_text(text: str, name: str) -> None:
    if "\0" in text:
        raise Unstorable(f"{name} holds a NUL character")
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise Unstorable(f"{name} holds half a surrogate pair") from None
    limit = PROSE_BYTES if name in _PROSE else KEY_BYTES
    if size > limit:
        raise Unstorable(f"{name} is longer than {limit} bytes")


def possible(text: str) -> bool:
    """Tell whether `text` could be stored at all; what cannot be stored need not be looked for."""
    try:
        check(text)
    except Unstorable:
        return False
    return True
