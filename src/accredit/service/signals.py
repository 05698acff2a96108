"""Signals as people look at them: what was raised, and how far it has come."""

import asyncio
from dataclasses import dataclass
from typing import Final

from accredit.identity.changes import NumberedSignal
from accredit.identity.lease import Reach, reach
from accredit.ports.catalogue import CatalogueStore
from accredit.service.changes import Changes
from accredit.service.leases import Leases
from accredit.service.problem import Problem, ProblemCode

_LOOK_EVERY: Final = 0.25
"""Seconds after which the leases of other nodes are looked at again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a signal has come, and how many microseconds it took to the last guard that has it (None: to nobody)."""

    reach: Reach
    took: int | None


class Signals:
    """Shows signals, and waits for guards."""

    def __init__(self, changes: Changes, store: CatalogueStore, leases: Leases) -> None:
        self._changes = changes
        self._store = store
        self._leases = leases

    async def page(self, after: int | None, limit: int) -> tuple[NumberedSignal, ...]:
        """Return at most `limit` signals behind the number `after`, or the last ones when that is None."""
        start = max(0, self._changes.directory.cursor - limit) if after is None else after
        return await self._store.signals(start, limit)

    async def progress(self, seq: int | None, wait: float) -> Progress:
        """Return how far the signal numbered `seq` has come (None: the last one), within `wait` seconds at the most.

        Raises Problem when there is no such signal.
        """
        wanted = self._changes.directory.cursor if seq is None else seq
        found = await self._store.signals(wanted - 1, 1)
        if not found or found[0].seq != wanted:
            raise Problem(ProblemCode.NOT_FOUND, f"there is no signal with the number {wanted}")
        arrived = await self._reach(wanted, wait)
        took = None if arrived.last_at is None else max(0, arrived.last_at - found[0].at)
        return Progress(arrived, took)

    async def _reach(self, seq: int, wait: float) -> Reach:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            found = reach(seq, await self._leases.all(), self._changes.clock.now())
            left = until - loop.time()
            if not found.waiting or left <= 0:
                return found
            await self._leases.news(min(left, _LOOK_EVERY))
