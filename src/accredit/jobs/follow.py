"""Follow the signals: a poll is the guarantee that this node hears of every change, also of other nodes'."""

from typing import Final

from accredit.service.directory import Directory

EVERY: Final = 500_000
"""Microseconds between two looks."""


class Follow:
    """Keeps the directory true."""

    name = "follow"

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def run(self, now: int) -> int:
        """Apply what is new; return when to look again (microseconds UTC)."""
        await self._directory.catch_up()
        return now + EVERY
