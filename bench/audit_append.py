"""What a record of the audit log costs where it is appended: linked, inserted and committed, on SQLite.

In process: the committer of a node takes batches of refused token requests, whose only effect is their record, into a
file with `synchronous=FULL`. CPU time of the process per record: 50 µs are 20,000 records a second and core.
"""

import tempfile
import time
from pathlib import Path
from typing import Final

import anyio

from accredit.audit.chain import Head
from accredit.audit.events import TokenRefused
from accredit.oauth.outcome import Outcome, Won
from accredit.store import engines, migrate
from accredit.store.committer import Committer
from accredit.store.on_sqlite import SqliteDatabase
from accredit.system import SystemClock, SystemRandomness

BATCHES: Final = 40
BATCH: Final = 250


def measure(batches: int = BATCHES) -> dict[str, tuple[float, None]]:
    """Return µs of CPU per record."""
    return anyio.run(_measured, batches)


async def _measured(batches: int) -> dict[str, tuple[float, None]]:
    with tempfile.TemporaryDirectory() as folder:
        database = await engines.open(None, Path(folder))
        try:
            await migrate.up(database, Path(folder))
            return {"record": (_appended(database, batches), None)}
        finally:
            await database.close()


def _appended(database: engines.Database, batches: int) -> float:
    if not isinstance(database, SqliteDatabase):
        raise TypeError("this measures SQLite")
    committer = Committer(SystemClock(), SystemRandomness(), Head("chn_" + "0" * 26), "bench")
    with database.writer.connect() as conn:
        committer.commit(conn, _batch(0))
        before = time.process_time_ns()
        for number in range(1, batches + 1):
            results = committer.commit(conn, _batch(number))
            if not all(isinstance(result, Won) for result in results):
                raise RuntimeError("a record was not kept")
        spent = time.process_time_ns() - before
    return spent / batches / BATCH / 1000


def _batch(number: int) -> list[Outcome[None]]:
    return [
        Outcome(
            None,
            events=(
                TokenRefused(
                    decision=f"dec_{number:013}{place:013}",
                    server="srv_" + "0" * 26,
                    client=f"agt_{place:026}",
                    client_id=f"agt_{place:026}",
                    grant_type="client_credentials",
                    error="invalid_client",
                    reason="wrong secret",
                ),
            ),
        )
        for place in range(BATCH)
    ]
