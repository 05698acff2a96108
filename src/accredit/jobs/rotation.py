"""Replace signing keys when they have signed for long enough, without a restart and without a refused token."""

from typing import Final

from accredit.service.keys import Keys

EVERY: Final = 60_000_000
"""Microseconds between two looks."""


class Rotation:
    """Rotates keys that have signed for `age` microseconds; 0: never."""

    name = "rotation"

    def __init__(self, keys: Keys, age: int) -> None:
        self._keys = keys
        self._age = age

    async def run(self, now: int) -> int:
        """Rotate what is due; return when to look again (microseconds UTC)."""
        if self._age:
            await self._keys.rotate_due(self._age)
        return now + EVERY
