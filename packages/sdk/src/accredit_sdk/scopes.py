"""RFC 6749, 3.3: scopes, and the order among them.

A scope is a word of segments between colons: `invoices` covers `invoices:read`, which covers `invoices:read:own`. A set
of scopes is a frozenset of words; two sets meet in what both of them allow.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final

from accredit_sdk.errors import ScopeError

RESERVED: Final = frozenset({"openid", "profile", "email", "offline_access"})
"""Words of OpenID Connect (Core, 3.1.2.1, 5.4, 11): handled before any rule, and never the scope of a server."""

LONGEST: Final = 128
"""The most characters of one scope."""

MOST: Final = 256
"""The most scopes that one text may list."""

_SEGMENT: Final = r"[!#-9;-\[\]-~]+"
_WORD: Final = re.compile(f"{_SEGMENT}(?::{_SEGMENT})*")


def word(text: str) -> str:
    """Return `text` if it is one scope: a scope-token of at most 128 characters without an empty segment.

    Raises ScopeError otherwise.
    """
    if len(text) > LONGEST:
        raise ScopeError(f"a scope has at most {LONGEST} characters")
    if _WORD.fullmatch(text) is None:
        raise ScopeError("a scope is printable ASCII without space, quote and backslash, and no segment is empty")
    return text


def parse(text: str, limit: int = MOST) -> frozenset[str]:
    """Return the scopes that `text` lists with single spaces between them; the empty text lists none.

    Raises ScopeError, also for more than `limit` words.
    """
    if not text:
        return frozenset()
    if text.count(" ") >= limit:
        raise ScopeError(f"at most {limit} scopes can be listed")
    return frozenset([word(one) for one in text.split(" ")])


def render(scopes: AbstractSet[str]) -> str:
    """Return the text that lists `scopes`: sorted, with single spaces between them."""
    return " ".join(sorted(scopes))


def covers(wide: str, narrow: str) -> bool:
    """Tell whether holding `wide` includes holding `narrow`: they are equal, or `narrow` continues it with a colon."""
    return narrow == wide or narrow.startswith(f"{wide}:")


def satisfied(held: AbstractSet[str], needed: str) -> bool:
    """Tell whether a word in `held` covers `needed`. One look-up for each segment of `needed`."""
    while needed not in held:
        end = needed.rfind(":")
        if end < 0:
            return False
        needed = needed[:end]
    return True


def smallest(needed: AbstractSet[str]) -> frozenset[str]:
    """Return `needed` without the words that another of its words covers: the smallest set that means the same."""
    return frozenset([one for one in needed if ":" not in one or not satisfied(needed, one[: one.rfind(":")])])


def missing(held: AbstractSet[str], needed: AbstractSet[str]) -> frozenset[str]:
    """Return which words of the smallest `needed` nothing in `held` covers; empty when `held` is enough."""
    return frozenset([one for one in smallest(needed) if not satisfied(held, one)])


def meet(a: AbstractSet[str], b: AbstractSet[str]) -> frozenset[str]:
    """Return what both sets allow: of two words where one covers the other, the narrower one.

    The words of the result may cover one another; `smallest` makes it the shortest form.
    """
    return frozenset([one for one in a if satisfied(b, one)] + [one for one in b if satisfied(a, one)])
