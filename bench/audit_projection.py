"""How fast the search tables follow the log, and how late they are while it grows, on SQLite.

In process: the projection and the writer of a node, with `synchronous=FULL`. `events_per_second` is a backlog of
records that is made findable with nothing else to do. `seconds_late` is how old the oldest record became that could not
be found, while so many came in each second as its name says: the log and its search tables share one writer.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from accredit.jobs.projection import Projecting
from accredit.oauth.outcome import Outcome
from accredit.service.projection import Projection
from accredit.store import engines, migrate, writer
from accredit.store.readers import AuditLog, SearchTables
from accredit.store.writer import StoreJournal
from accredit.system import SystemClock, SystemRandomness
from bench.audit_search import event
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.verdict import Bar

BACKLOG: Final = 10_000
LOAD: Final = 1_000
BATCH: Final = 50
LOOK: Final = 0.05
LEAST: Final = 0.001
"""Seconds late that are counted when nothing is late at all: a figure is a positive number."""

RATE: Final = "audit_projection.events_per_second"
LATE: Final = f"audit_projection.seconds_late_at_{LOAD}_per_second"


@contextmanager
def opened(plan: Plan) -> Iterator[Round]:
    """Yield a round: a backlog, and then a steady load for so many seconds as the plan says."""

    def run(number: int) -> Mapping[str, Pair]:
        rate, late = asyncio.run(measured(plan.seconds))
        plan.say(f"  {number + 1:2}  {rate:.0f} events/s, {late:.2f} s late at {LOAD} events/s")
        return {RATE: (rate, None), LATE: (late, None)}

    yield run


async def measured(seconds: float, backlog: int = BACKLOG) -> tuple[float, float]:
    """Return events made findable in a second, and the most seconds late under the load."""
    with tempfile.TemporaryDirectory(prefix="audit-projection-") as folder:
        database = await engines.open(None, Path(folder))
        await migrate.up(database, Path(folder))
        clock, tables = SystemClock(), SearchTables(database)
        journal = await writer.open_journal(
            database, clock, SystemRandomness(), chain="chn_" + "0" * 26, version="bench"
        )
        try:
            projection = Projection(AuditLog(database), tables, journal)
            await _recorded(journal, range(backlog))
            begun = time.perf_counter()
            while await projection.catch_up(BATCH * 100):
                pass
            rate = backlog / (time.perf_counter() - begun)
            return rate, await _late(journal, projection, tables, seconds)
        finally:
            await journal.close()
            await database.close()


async def _late(journal: StoreJournal, projection: Projection, tables: SearchTables, seconds: float) -> float:
    """Let records come in, and the job follow; return how old the oldest one became that it did not know."""
    clock, over, worst = SystemClock(), asyncio.Event(), LEAST
    job = asyncio.create_task(_follow(Projecting(projection), over))
    load = asyncio.create_task(_load(journal, seconds))
    while not load.done():
        await asyncio.sleep(LOOK)
        since = (await tables.lag()).since
        worst = max(worst, (clock.now() - since) / 1_000_000 if since is not None else 0.0)
    over.set()
    await job
    await load
    return worst


async def _follow(job: Projecting, over: asyncio.Event) -> None:
    """Run the job when it is due, as a node does."""
    while not over.is_set():
        now = SystemClock().now()
        await asyncio.sleep(max(0.0, (await job.run(now) - SystemClock().now()) / 1_000_000))


async def _load(journal: StoreJournal, seconds: float) -> None:
    """Let LOAD records come in each second, BATCH at a time, whenever their time has come."""
    begun = time.perf_counter()
    for turn in range(int(seconds * LOAD / BATCH)):
        await asyncio.sleep(max(0.0, begun + turn * BATCH / LOAD - time.perf_counter()))
        await _recorded(journal, range(turn * BATCH, (turn + 1) * BATCH))


async def _recorded(journal: StoreJournal, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, BATCH):
        some = range(start, min(numbers.stop, start + BATCH))
        await asyncio.gather(*(journal.submit(Outcome(None, events=(event(number),))) for number in some))


FIGURE: Final = Figure(
    "audit_projection",
    (Measure(RATE, "events/s", Bar(5_000, at_least=True)), Measure(LATE, "s", Bar(5))),
    opened,
    dict,
)
