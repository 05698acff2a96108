"""Move records that are old enough out of the database, into the archive."""

import logging
from typing import Final

from accredit.service.archives import Archives
from accredit.service.problem import Problem, ProblemCode

EVERY: Final = 3_600_000_000
"""Microseconds between two looks."""

_AGAIN: Final = 1_000_000
_LATER: Final = 60_000_000
_DAY: Final = 86_400_000_000
_log = logging.getLogger("accredit.retention")


class Retention:
    """Keeps so many `days` in the database."""

    name = "retention"

    def __init__(self, archives: Archives, days: int) -> None:
        self._archives = archives
        self._days = days

    async def run(self, now: int) -> int:
        """Archive what is due; return when to look again (microseconds UTC)."""
        try:
            found = await self._archives.archive(now - self._days * _DAY, "accredit")
        except Problem as error:
            if error.code is ProblemCode.CONFLICT:  # another node is at it
                return now + _LATER
            _log.error("old records stay in the database: %s", error)
            return now + EVERY
        return now + (_AGAIN if found.records else EVERY)
