"""Let the search tables follow the log."""

from typing import Final

from accredit.service.projection import Projection

EVERY: Final = 500_000
"""Microseconds between two looks when nothing waits."""

_MOST: Final = 5_000


class Projecting:
    """Fills the search tables."""

    name = "projection"

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    async def run(self, now: int) -> int:
        """Make findable what waits; return when to look again (microseconds UTC)."""
        return now if await self._projection.catch_up(_MOST) else now + EVERY
