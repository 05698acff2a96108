"""Fresh ids: the clock and the randomness of the process, brought together."""

from typing import Final

from accredit.identity import ids
from accredit.ports.clock import Clock
from accredit.ports.randomness import Randomness

_AT_ONCE: Final = 400


class Ids:
    """Makes ids. They must be unique, not secret, so their randomness is fetched for many at once."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self._pool = b""
        self._used = 0

    def new(self, kind: str) -> str:
        """Return a fresh id for a noun of `kind` (a key of `identity.ids.PREFIXES`)."""
        if self._used >= len(self._pool):
            self._pool, self._used = self._randomness.bytes(ids.RANDOM_BYTES * _AT_ONCE), 0
        start, self._used = self._used, self._used + ids.RANDOM_BYTES
        random = self._pool[start : self._used]
        return ids.encode(kind, self._clock.now() // 1000, random)
