"""Count now and then what ends soon, for the metrics: a credential that nobody renews stops an agent."""

from collections.abc import Callable
from typing import Final

from accredit.ports.census import Census

EVERY: Final = 300_000_000
"""Microseconds between two counts."""

SOON: Final = 7 * 86_400 * 1_000_000
"""How far ahead to look, in microseconds: seven days."""


class TakeCensus:
    """Counts, and tells `ending` how many credentials end soon."""

    name = "census"

    def __init__(self, census: Census, ending: Callable[[int], None]) -> None:
        self._census = census
        self._ending = ending

    async def run(self, now: int) -> int:
        """Count once; return when to count again (microseconds UTC)."""
        self._ending(await self._census.ending(now, now + SOON))
        return now + EVERY
