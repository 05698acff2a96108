"""Write who came with which credential: at most once a minute for each, whatever the load."""

from typing import Final

from accredit.service.usage import Usage

EVERY: Final = 60_000_000
"""Microseconds between two times."""


class LastUse:
    """Lets the database know what this node has seen."""

    name = "usage"

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    async def run(self, now: int) -> int:
        """Write what was seen; return when to do it again (microseconds UTC)."""
        await self._usage.flush()
        return now + EVERY
