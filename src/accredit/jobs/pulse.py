"""The pulse of the streams: once a second, those guards whose turn it is hear that nothing is new."""

from typing import Final

from accredit.service.guard_streams import GuardStreams

EVERY: Final = 1_000_000
"""Microseconds between two ticks."""


class Pulse:
    """Lets time pass for the streams."""

    name = "pulse"

    def __init__(self, streams: GuardStreams) -> None:
        self._streams = streams

    async def run(self, now: int) -> int:
        """Tick; return when to come again (microseconds UTC)."""
        self._streams.tick()
        return now + EVERY
