"""Sign what the log has become, while it grows: what happened is provable within ten seconds."""

from typing import Final

from accredit.service.checkpoints import Checkpoints

EVERY: Final = 5_000_000
"""Microseconds between two looks."""


class Checkpointing:
    """Makes checkpoints and brings them outside."""

    name = "checkpoints"

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    async def run(self, now: int) -> int:
        """Make a checkpoint if something has changed; return when to look again (microseconds UTC)."""
        await self._checkpoints.round(now)
        return now + EVERY
