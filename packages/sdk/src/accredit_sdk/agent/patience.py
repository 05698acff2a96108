"""How an agent bears with servers: one flight at a time, its failure shared by all who waited, loops bounded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio

from accredit_sdk.agent.identity import AgentError

MOST: Final = 20
"""Challenges of one origin that are answered at once: programs start many calls together."""

EVERY: Final = 3.0
"""Seconds until one more challenge is answered: what a server that only refuses can make an agent ask for."""


class Flight:
    """One task asks, the others wait for what it finds; whoever waited for a failure fails with it."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._landed = 0
        self._trouble: AgentError | None = None

    @property
    def busy(self) -> bool:
        """Tell whether somebody is asking."""
        return self._lock.locked()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the one that asks. Raises AgentError if the one that was waited for failed with it."""
        before = self._landed
        async with self._lock:
            if self._landed != before and self._trouble is not None:
                raise AgentError(str(self._trouble), self._trouble.code)
            self._trouble = None
            try:
                yield
            except AgentError as error:
                self._trouble = error
                raise
            finally:
                self._landed += 1


@dataclass(slots=True)
class Budget:
    """How many more challenges of an origin are answered, as of `at` (seconds). A clock may jump: nothing is lost."""

    at: float
    left: float = MOST

    def take(self, now: float) -> bool:
        """Take one at `now`; tell whether there was one."""
        self.left = min(MOST, self.left + max(0.0, now - self.at) / EVERY)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
