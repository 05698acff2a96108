"""Look whether the clock was set: what is timed by it may be early or late, and its operator must hear of it."""

import logging
from typing import Final

from accredit.service.readiness import ClockWatch

EVERY: Final = 1_000_000
"""Microseconds between two looks."""

_log = logging.getLogger("accredit.jobs")


class WatchClock:
    """Notices jumps of the clock."""

    name = "clock"

    def __init__(self, watch: ClockWatch) -> None:
        self._watch = watch

    async def run(self, now: int) -> int:
        """Look once; return when to look again (microseconds UTC)."""
        if jump := self._watch.look():
            _log.error("the clock of this machine was set by %+.1f s", jump)
        return now + EVERY
