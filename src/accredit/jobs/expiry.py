"""Let go of what is over: retired keys with their last token, credentials, used `jti`, kept answers."""

from typing import Final

from accredit.service.credentials import Credentials
from accredit.service.keys import Keys
from accredit.service.memory import Memory
from accredit.service.warnings import Warnings

EVERY: Final = 60_000_000
"""Microseconds between two looks."""


class Expiry:
    """Ends keys and credentials, forgets assertions and answers."""

    name = "expiry"

    def __init__(self, keys: Keys, credentials: Credentials, memory: Memory, warnings: Warnings) -> None:
        self._keys = keys
        self._credentials = credentials
        self._memory = memory
        self._warnings = warnings

    async def run(self, now: int) -> int:
        """Do what is due; return when to look again (microseconds UTC)."""
        await self._keys.drop_dead()
        await self._credentials.end_due(now, self._warnings.ended)
        await self._memory.forget(now)
        return now + EVERY
