"""Fresh ids: the clock and the randomness of the process, brought together."""

from dataclasses import dataclass

from accredit.identity import ids
from accredit.ports.clock import Clock
from accredit.ports.randomness import Randomness


@dataclass(frozen=True, slots=True)
class Ids:
    """Makes ids."""

    clock: Clock
    randomness: Randomness

    def new(self, kind: str) -> str:
        """Return a fresh id for a noun of `kind` (a key of `identity.ids.PREFIXES`)."""
        return ids.encode(kind, self.clock.now() // 1000, self.randomness.bytes(10))
