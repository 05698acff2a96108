"""Runs the jobs of a node. One that fails is logged and tried again; it never ends the others."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from accredit.ports.clock import Clock
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.ports.measures import Measures

_log = logging.getLogger("accredit.jobs")

RETRY_SECONDS: Final = 1.0
"""How soon a failed job is tried again."""


class Job(Protocol):
    """Something to do again and again."""

    name: str

    async def run(self, now: int) -> int:
        """Do it once at `now`; return when to come back. Both are microseconds UTC."""
        ...


class Runner:
    """Runs each job in a task of its own until stopped."""

    def __init__(self, clock: Clock, measures: Measures | None = None) -> None:
        self._clock = clock
        self._measures = measures
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, jobs: Sequence[Job]) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._forever(job), name=f"job-{job.name}") for job in jobs]

    async def stop(self) -> None:
        """End, and wait until everything has ended."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _forever(self, job: Job) -> None:
        while True:  # noqa: ASYNC110  (it is the job that says when, no event)
            await asyncio.sleep(await self._once(job))

    async def _once(self, job: Job) -> float:
        wait, well = await self._tried(job)
        if self._measures is not None:
            self._measures.ran(job.name, self._clock.now(), well=well)
        return wait

    async def _tried(self, job: Job) -> tuple[float, bool]:
        """Run a job once; return in how many seconds it runs again, and whether it ended as it should."""
        now = self._clock.now()
        try:
            due = await job.run(now)
        except (StoreError, Overloaded, WriterStopped) as error:
            _log.warning("job %s failed: %s; trying again", job.name, error)
            return RETRY_SECONDS, False
        except Exception:  # noqa: BLE001  (whatever one job does, the others go on)
            _log.exception("job %s failed in a way that nobody foresaw; trying again", job.name)
            return RETRY_SECONDS, False
        # Counted from the beginning: if the clock was set back meanwhile, the job must not wait for it to come round.
        return max(0.05, (due - now) / 1_000_000), True
