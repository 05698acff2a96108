"""Write down what guards have applied: about once a second, however many they are."""

from typing import Final

from accredit.service.leases import Leases

EVERY: Final = 500_000
"""Microseconds between two looks."""


class Bookkeeping:
    """Keeps the leases of guards where other nodes find them."""

    name = "bookkeeping"

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def run(self, now: int) -> int:
        """Write what is new; return when to look again (microseconds UTC)."""
        await self._leases.flush(now)
        return now + EVERY
