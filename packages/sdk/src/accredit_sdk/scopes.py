"""RFC 6749, 3.3: scope words and their order.

Words are split by colons: `ledger` covers `ledger:invoices`, which covers `ledger:invoices:pay`. A set of scopes is a
frozenset of words and stands for everything that its words cover.
"""

import re
from collections.abc import Iterable, Set
from typing import Final

from accredit_sdk.errors import ScopeError

__all__ = ["RESERVED", "ScopeError", "covers", "meet", "missing", "parse", "render", "satisfied", "smallest", "word"]

RESERVED: Final = frozenset({"openid", "profile", "email", "offline_access"})
"""Words of OpenID Connect (Core 1.0, 5.4 and 11): never a scope of a server."""

MAX_LENGTH: Final = 128
"""The longest word, in characters."""

_SEGMENT: Final = r"[\x21\x23-\x39\x3b-\x5b\x5d-\x7e]+"
_WORD: Final = re.compile(rf"{_SEGMENT}(?::{_SEGMENT})*")


def word(text: str) -> str:
    """Return `text` when it is a scope word. Raises ScopeError."""
    if len(text) > MAX_LENGTH or _WORD.fullmatch(text) is None:
        raise ScopeError(f"a scope is 1 to {MAX_LENGTH} visible ASCII characters, its parts split by single colons")
    return text


def parse(text: str, limit: int = 100) -> frozenset[str]:
    """Return the words of a `scope` parameter: split by exactly one space each. Raises ScopeError.

    The empty text is the empty set; at most `limit` words are read.
    """
    if not text:
        return frozenset()
    parts = text.split(" ", limit)
    if len(parts) > limit:
        raise ScopeError(f"at most {limit} scopes can be named at once")
    return frozenset(word(part) for part in parts)


def render(scopes: Iterable[str]) -> str:
    """Return the words as one text, sorted, split by single spaces."""
    return " ".join(sorted(scopes))


def covers(wide: str, narrow: str) -> bool:
    """Tell whether the word `wide` is `narrow` or lies above it."""
    return narrow == wide or narrow.startswith(wide + ":")


def satisfied(held: Set[str], needed: str) -> bool:
    """Tell whether a word of `held` covers `needed`."""
    if needed in held:
        return True
    end = needed.rfind(":")
    while end > 0:
        if needed[:end] in held:
            return True
        end = needed.rfind(":", 0, end)
    return False


def smallest(scopes: Iterable[str]) -> frozenset[str]:
    """Return the smallest set that stands for the same: without the words that another word covers."""
    found = frozenset(scopes)
    if len(found) < 2:
        return found
    return frozenset(item for item in found if not _covered_by_other(found, item))


def _covered_by_other(scopes: Set[str], item: str) -> bool:
    end = item.rfind(":")
    while end > 0:
        if item[:end] in scopes:
            return True
        end = item.rfind(":", 0, end)
    return False


def missing(held: Set[str], needed: Iterable[str]) -> frozenset[str]:
    """Return the words of the smallest form of `needed` that `held` does not cover."""
    return frozenset(item for item in smallest(needed) if not satisfied(held, item))


def meet(left: Set[str], right: Set[str]) -> frozenset[str]:
    """Return what both sets stand for: wide ∧ narrow = narrow. The result is in its smallest form."""
    return smallest({*(a for a in left if satisfied(right, a)), *(b for b in right if satisfied(left, b))})
