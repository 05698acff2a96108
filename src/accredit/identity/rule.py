"""The one rule of the model: what may reach a token, and what was left out by which factor.

granted = requested ∧ scopes of the server ∧ roles of the client (∧ roles of the subject ∧ consent, with people).
∧ is the meet in the scope order: wide ∧ narrow = narrow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from accredit_sdk import scopes as words


class Factor(StrEnum):
    """What can keep a scope out of a token."""

    SERVER = "server"
    CLIENT_ROLES = "client_roles"


@dataclass(frozen=True, slots=True)
class Removed:
    """A requested scope that is not in the token, and the factor that removed it."""

    scope: str
    factor: Factor


@dataclass(frozen=True, slots=True)
class Grant:
    """The outcome of the rule: the scopes that reach the token, and every one that does not, with its reason."""

    scopes: frozenset[str]
    removed: tuple[Removed, ...] = ()


def narrow(requested: frozenset[str], ceilings: Iterable[tuple[Factor, frozenset[str]]]) -> Grant:
    """Apply the ceilings in turn. A word that comes out narrower than it went in counts as removed, too."""
    return _narrowed(requested, tuple(ceilings))


@lru_cache(maxsize=256)
def _narrowed(requested: frozenset[str], ceilings: tuple[tuple[Factor, frozenset[str]], ...]) -> Grant:
    """Clients ask for the same again and again, and their ceilings change seldom."""
    left = words.smallest(requested)
    removed: list[Removed] = []
    for factor, ceiling in ceilings:
        kept = words.smallest(words.meet(left, ceiling))
        removed.extend(Removed(scope, factor) for scope in sorted(left - kept))
        left = kept
    return Grant(left, tuple(removed))
