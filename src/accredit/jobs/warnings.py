"""Look now and then what webhooks should be warned of."""

from typing import Final

from accredit.service.warnings import Warnings

EVERY: Final = 60_000_000
"""Microseconds between two looks."""


class Warn:
    """Warns webhooks."""

    name = "warnings"

    def __init__(self, warnings: Warnings) -> None:
        self._warnings = warnings

    async def run(self, now: int) -> int:
        """Look once; return when to look again (microseconds UTC)."""
        await self._warnings.look(now)
        return now + EVERY
