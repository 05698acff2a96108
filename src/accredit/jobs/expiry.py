"""Let go of what can matter no more: retired keys whose last token is dead, used `jti` and kept answers."""

from typing import Final

from accredit.service.keys import Keys
from accredit.service.memory import Memory

EVERY: Final = 60_000_000
"""Microseconds between two looks."""


class Expiry:
    """Ends keys, forgets assertions and answers."""

    name = "expiry"

    def __init__(self, keys: Keys, memory: Memory) -> None:
        self._keys = keys
        self._memory = memory

    async def run(self, now: int) -> int:
        """Do what is due; return when to look again (microseconds UTC)."""
        await self._keys.drop_dead()
        await self._memory.forget(now)
        return now + EVERY
