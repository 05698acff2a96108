"""The state of handles: what a guard compares a token with. It knows nothing of clients, grants or sessions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accredit_sdk.decision import Reason


@dataclass(frozen=True, slots=True)
class Revocations:
    """`before` maps a handle to N: nothing with `ver` below N counts. `suspended` handles refuse whatever `ver`."""

    before: Mapping[str, int] = field(default_factory=dict)
    suspended: frozenset[str] = frozenset()

    def reason(self, handles: Iterable[str], ver: int) -> Reason | None:
        """Return why a token with these handles is dead, or None when it lives."""
        for handle in handles:
            if handle in self.suspended:
                return Reason.SUSPENDED
            if ver < self.before.get(handle, 0):
                return Reason.REVOKED
        return None
