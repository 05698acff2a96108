"""The state of handles: what a guard compares a token with. It knows nothing of clients, grants or sessions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accredit_sdk import scopes as words
from accredit_sdk.decision import Reason


@dataclass(frozen=True, slots=True)
class Reduction:
    """Whoever holds a handle may do less: a token with `ver` below `before` carries no more than `scopes`."""

    before: int
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Revocations:
    """`before` maps a handle to N: nothing with `ver` below N counts. `suspended` handles refuse whatever `ver`.

    `reduced` maps a handle to its newest reduction on the guard's server.
    """

    before: Mapping[str, int] = field(default_factory=dict)
    suspended: frozenset[str] = frozenset()
    reduced: Mapping[str, Reduction] = field(default_factory=dict)

    def reason(self, handles: Iterable[str], ver: int) -> Reason | None:
        """Return why a token with these handles is dead, or None when it lives."""
        for handle in handles:
            if handle in self.suspended:
                return Reason.SUSPENDED
            if ver < self.before.get(handle, 0):
                return Reason.REVOKED
        return None

    def held(self, handles: Iterable[str], ver: int, scopes: frozenset[str]) -> frozenset[str]:
        """Return what a token with these handles and `scopes` still carries."""
        for handle in handles:
            found = self.reduced.get(handle)
            if found is not None and ver < found.before:
                scopes = words.smallest(words.meet(scopes, found.scopes))
        return scopes
