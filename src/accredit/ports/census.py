"""Counting what somebody should look at before its time comes."""

from typing import Protocol


class Census(Protocol):
    """Counts over everything that there is."""

    async def ending(self, since: int, until: int) -> int:
        """Return how many credentials that still work end after `since` and not after `until` (microseconds UTC)."""
        ...
