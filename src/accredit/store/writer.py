"""The journal of a process: outcomes queue up, one transaction takes all that wait, answers follow its commit.

An idle writer commits at once; under load the batches grow by themselves. On SQLite it is a thread, on PostgreSQL
a task.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from accredit.audit.chain import Head
from accredit.identity.changes import DropRecords, IndexRecords, UseJti
from accredit.oauth.outcome import Outcome, Verdict
from accredit.ports.clock import Clock
from accredit.ports.journal import Overloaded, WriterStopped
from accredit.ports.measures import Measures
from accredit.ports.randomness import Randomness
from accredit.store import storable
from accredit.store.committer import Committer, Result
from accredit.store.engines import Database
from accredit.store.errors import EXPECTED, trouble
from accredit.store.on_sqlite import SqliteDatabase

QUEUE: Final = 4096
"""How many outcomes may wait; the next one is refused."""

BATCH: Final = 256
"""How many outcomes one transaction takes at most."""

_Waiting = tuple[Outcome[Any], "asyncio.Future[Verdict]"]


class StoreJournal:
    """Implements `ports.journal.Journal`. Lives on the event loop that it was opened on."""

    def __init__(self, committer: Committer, capacity: int, measures: Measures | None) -> None:
        self._committer = committer
        self._capacity = capacity
        self._measures = measures
        self._waiting: deque[_Waiting] = deque()
        self._closing = False
        self._alive = True
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._driver: _Driver

    def submit(self, outcome: Outcome[Any]) -> Awaitable[Verdict]:
        """Queue `outcome` at once; await the result for its verdict. See the port for what it raises."""
        if self._closing or not self._alive:
            raise WriterStopped("this process writes no more")
        if len(self._waiting) >= self._capacity:
            raise Overloaded("too many changes are waiting for the database")
        _check(outcome)
        future: asyncio.Future[Verdict] = self._loop.create_future()
        self._waiting.append((outcome, future))
        self._driver.wake()
        return future

    def healthy(self) -> bool:
        """Tell whether the writer still works."""
        return self._alive and not self._closing

    def waiting(self) -> int:
        """Return how many outcomes wait for the next batch."""
        return len(self._waiting)

    async def close(self) -> None:
        """Write what waits and the closing record of the chain, then stop. Raises StoreError if that cannot be written.

        Twice is once; a writer that has died is simply over.
        """
        self._closing = True
        if self._alive:
            self._driver.wake()
        await asyncio.shield(self._ended)

    def drive(self, driver: "_Driver") -> None:
        """Let `driver` do the work from now on."""
        self._driver = driver

    def take(self) -> list[_Waiting]:
        """For the driver: take the next batch; empty when nothing waits."""
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(len(waiting), BATCH))]

    def work(self, conn: sa.Connection, batch: Sequence[_Waiting]) -> list[Result]:
        """For the driver: commit a batch."""
        began = perf_counter()
        results = self._committer.commit(conn, [outcome for outcome, _ in batch])
        if self._measures is not None:
            self._measures.committed(len(batch), perf_counter() - began)
        return results

    def over(self) -> bool:
        """For the driver: tell whether it should finish, now that nothing waits."""
        return self._closing

    def finish(self, conn: sa.Connection) -> None:
        """For the driver: close the chain."""
        self._committer.close(conn)

    def answer(self, batch: Sequence[_Waiting], results: Sequence[Result]) -> None:
        """For the driver, on the loop: tell everybody in `batch` what became of it."""
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def end(self, batch: Sequence[_Waiting], error: BaseException | None) -> None:
        """For the driver, on the loop: it does no more, because it was closed (None) or because of `error`."""
        closed = self._closing and not batch
        self._alive = False
        stopped = [*batch, *self._waiting]
        self._waiting.clear()
        self.answer(stopped, [WriterStopped("the writer of this process has stopped") for _ in stopped])
        if closed and isinstance(error, Exception):
            self._ended.set_exception(trouble(error) if isinstance(error, EXPECTED) else error)
        else:
            self._ended.set_result(None)


class _Driver(Protocol):
    """What keeps a journal going."""

    def wake(self) -> None:
        """Something waits, or the journal is closing."""
        ...


class _Thread:
    """Drives a journal from a thread of its own, on one connection."""

    def __init__(self, journal: StoreJournal, engine: sa.Engine) -> None:
        self._journal = journal
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._woken = threading.Event()
        self._waking = False
        threading.Thread(target=self._run, name="accredit-writer", daemon=True).start()

    def wake(self) -> None:
        """Wake the thread when the loop has come round: what is queued in one turn makes one batch."""
        if not self._waking:
            self._waking = True
            self._loop.call_soon(self._wake_now)

    def _wake_now(self) -> None:
        self._waking = False
        self._woken.set()

    def _run(self) -> None:
        batch: list[_Waiting] = []
        error: BaseException | None = None
        try:
            with self._engine.connect() as conn:
                while not (self._journal.over() and not self._woken.is_set()):
                    self._woken.wait()
                    self._woken.clear()
                    while batch := self._journal.take():
                        results = self._journal.work(conn, batch)
                        self._loop.call_soon_threadsafe(self._journal.answer, batch, results)
                self._journal.finish(conn)
        except BaseException as problem:  # noqa: BLE001  (whatever ends the writer, everybody must hear of it)
            error = problem
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._journal.end, batch, error)


class _Task:
    """Drives a journal from a task, on one connection."""

    def __init__(self, journal: StoreJournal, conn: AsyncConnection) -> None:
        self._journal = journal
        self._conn = conn
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="accredit-writer")

    def wake(self) -> None:
        self._woken.set()

    async def _run(self) -> None:
        batch: list[_Waiting] = []
        error: BaseException | None = None
        try:
            while not (self._journal.over() and not self._woken.is_set()):
                await self._woken.wait()
                self._woken.clear()
                while batch := self._journal.take():
                    self._journal.answer(batch, await self._conn.run_sync(self._journal.work, batch))
            await self._conn.run_sync(self._journal.finish)
        except BaseException as problem:  # noqa: BLE001  (whatever ends the writer, everybody must hear of it)
            error = problem
        await self._conn.close()
        self._journal.end(batch, error)


async def open_journal(
    database: Database,
    clock: Clock,
    randomness: Randomness,
    *,
    chain: str,
    version: str,
    capacity: int = QUEUE,
    measures: Measures | None = None,
) -> StoreJournal:
    """Start the writer of this process; one per SQLite file, any number on PostgreSQL. Raises StoreError.

    `chain` is a fresh id: the name of this process's audit chain. `version` is the software's.
    """
    journal = StoreJournal(Committer(clock, randomness, Head(chain), version), capacity, measures)
    if isinstance(database, SqliteDatabase):
        journal.drive(_Thread(journal, database.writer))
        return journal
    try:
        conn = await database.writer.connect()
    except EXPECTED as error:
        raise trouble(error) from None
    journal.drive(_Task(journal, conn))
    return journal


def _check(outcome: Outcome[Any]) -> None:
    """Raise Unstorable for what could not be kept. Of a `jti` only the digest is; what is indexed was kept before."""
    for claim in outcome.claims:
        if type(claim) not in (UseJti, IndexRecords, DropRecords):
            storable.check(claim)
    for change in (*outcome.writes, *outcome.signals):
        storable.check(change)
    for event in outcome.events:
        storable.check(event.decision, "decision")
        storable.check(event.server, "server")
