"""What must be answered to a call, as far as it is certain at the moment when the call is made."""

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

BOUND: Final = 5.0
"""Seconds after the answer of the management API from which on a guard must act on a change.

Mostly it takes milliseconds; but a guard whose node was killed at that moment has to find another one first.
"""


class Expected(Enum):
    """What must be answered."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    EITHER = "either"


@dataclass
class Facts:
    """Which things live (True), are dead (False) or are being changed (None), and since when (CLOCK_MONOTONIC)."""

    bound: float = BOUND
    _known: dict[Hashable, tuple[bool | None, float]] = field(default_factory=dict)

    def say(self, thing: Hashable, lives: bool | None) -> None:
        """Take down what is known of `thing` from now on; None: it is being changed."""
        self._known[thing] = lives, time.monotonic()

    def expected(self, things: Iterable[Hashable], began: float) -> Expected:
        """Return what must be answered to a call that began then and depends on these things."""
        sure = True
        for thing in things:
            lives, since = self._known.get(thing, (True, -self.bound))
            settled = began >= since + self.bound
            if lives is False and settled:
                return Expected.REFUSED
            sure = sure and lives is True and settled
        return Expected.ALLOWED if sure else Expected.EITHER

    def dead_for(self, things: Iterable[Hashable], began: float) -> float | None:
        """Return for how many seconds something that it depends on had been dead when a call began; None: nothing."""
        found = (self._known.get(thing, (True, 0.0)) for thing in things)
        dead = [began - since for lives, since in found if lives is False and began > since]
        return max(dead, default=None)
