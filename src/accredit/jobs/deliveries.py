"""Deliver what webhooks are told, soon after it happened."""

from typing import Final

from accredit.service.deliveries import Deliveries

EVERY: Final = 1_000_000
"""Microseconds between two looks."""


class Deliver:
    """Begins what is due."""

    name = "deliveries"

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    async def run(self, now: int) -> int:
        """Begin what is due, without waiting for answers; return when to look again (microseconds UTC)."""
        await self._deliveries.round(now)
        return now + EVERY
